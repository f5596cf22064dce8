// See log.hpp.
#include "agent/io/log.hpp"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/systemd_sink.h>
#include <spdlog/spdlog.h>

namespace agent::io {
namespace {

constexpr std::size_t kQueuedLines = 8192;

spdlog::sink_ptr open_sink(const LogConfig& config) {
  switch (config.target) {
    case LogTarget::journal: return std::make_shared<spdlog::sinks::systemd_sink_mt>();
    case LogTarget::standard_error: return std::make_shared<spdlog::sinks::stderr_sink_mt>();
    case LogTarget::file: return std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.file);
  }
  return nullptr;
}

}  // namespace

std::variant<std::shared_ptr<spdlog::logger>, std::string> open_log(const LogConfig& config) {
  try {
    auto sink = open_sink(config);
    spdlog::init_thread_pool(kQueuedLines, 1);
    auto log =
        std::make_shared<spdlog::async_logger>("tandemd", std::move(sink), spdlog::thread_pool(),
                                               spdlog::async_overflow_policy::overrun_oldest);
    log->set_level(spdlog::level::from_str(config.level));
    log->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    log->flush_on(spdlog::level::info);
    spdlog::register_logger(log);
    return log;
  } catch (const spdlog::spdlog_ex& error) {
    return "the log cannot be opened: " + std::string(error.what());
  }
}

void close_log() {
  spdlog::shutdown();
}

}  // namespace agent::io
