// See log.hpp.
#include "agent/io/log.hpp"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <future>
#include <thread>

#include "agent/io/journal_sink.hpp"
#include "agent/log_line.hpp"
#include "agent/messages.hpp"

namespace agent::io {
namespace {

constexpr auto kLastWords = std::chrono::seconds(1);
constexpr std::size_t kQueuedLines = 2048;  // 400 bytes each, and all of them are touched

// The sentence without its fields, or all of it as JSON.
class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(LogFormat format)
      : format_(format),
        text_("%Y-%m-%dT%H:%M:%S.%e %l %v", spdlog::pattern_time_type::local, "\n") {}

  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    const LogLine parsed = parse_log_line({line.payload.data(), line.payload.size()});
    if (format_ == LogFormat::text) {
      auto bare = line;
      bare.payload = {parsed.message.data(), parsed.message.size()};
      return text_.format(bare, out);
    }
    const auto level = spdlog::level::to_string_view(line.level);
    const bool grave = line.level >= spdlog::level::warn;
    const std::string json = json_line(line.time, {level.data(), level.size()},
                                       grave ? message_key(parsed.message) : "", parsed);
    out.append(json.data(), json.data() + json.size());
    out.push_back('\n');
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(format_);
  }

 private:
  LogFormat format_;
  spdlog::pattern_formatter text_;
};

// Who may make a link where the log is to be would choose the file that grows, with root's rights.
void refuse_link(const std::string& path, int opened) {
  struct stat named {};
  struct stat file {};
  if (::lstat(path.c_str(), &named) != 0) return;
  const bool same = opened < 0 || (::fstat(opened, &file) == 0 && file.st_ino == named.st_ino &&
                                   file.st_dev == named.st_dev);
  if (S_ISLNK(named.st_mode) || !same) {
    throw spdlog::spdlog_ex(path + " is a link; name the file itself in [agent] log");
  }
  if (S_ISREG(named.st_mode) && named.st_nlink > 1) {
    throw spdlog::spdlog_ex(path +
                            " is a link: its file has a second name; remove it, or name "
                            "another file in [agent] log");
  }
}

spdlog::file_event_handlers no_links() {
  spdlog::file_event_handlers handlers;
  handlers.before_open = [](const std::string& path) { refuse_link(path, -1); };
  handlers.after_open = [](const std::string& path, std::FILE* file) {
    refuse_link(path, ::fileno(file));
  };
  return handlers;
}

spdlog::sink_ptr open_sink(const LogConfig& config) {
  switch (config.target) {
    case LogTarget::journal:
      if (journal_is_there()) return std::make_shared<JournalSink>();
      return std::make_shared<spdlog::sinks::stderr_sink_mt>();
    case LogTarget::standard_error: return std::make_shared<spdlog::sinks::stderr_sink_mt>();
    case LogTarget::file:
      return std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.file, false, no_links());
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
    log->set_formatter(std::make_unique<LineFormatter>(config.format));
    log->flush_on(spdlog::level::info);
    spdlog::register_logger(log);
    if (config.target == LogTarget::journal && !journal_is_there()) {
      log->warn("no journal listens on this host: the log goes to standard error");
    }
    return log;
  } catch (const spdlog::spdlog_ex& error) {
    return "the log cannot be opened: " + std::string(error.what());
  }
}

bool close_log() {
  const auto written = std::make_shared<std::promise<void>>();
  auto wait = written->get_future();
  std::thread([written] {
    spdlog::shutdown();
    written->set_value();
  }).detach();
  return wait.wait_for(kLastWords) == std::future_status::ready;
}

}  // namespace agent::io
