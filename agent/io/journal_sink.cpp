// See journal_sink.hpp.
#include "agent/io/journal_sink.hpp"

#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "agent/log_line.hpp"
#include "agent/messages.hpp"

namespace agent::io {
namespace {

constexpr const char* kSocket = "/run/systemd/journal/socket";

int priority_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug: return LOG_DEBUG;
    case spdlog::level::info: return LOG_INFO;
    case spdlog::level::warn: return LOG_WARNING;
    case spdlog::level::err: return LOG_ERR;
    default: return LOG_CRIT;
  }
}

}  // namespace

bool journal_is_there() {
  return ::access(kSocket, W_OK) == 0;
}

void JournalSink::sink_it_(const spdlog::details::log_msg& line) {
  const LogLine parsed = parse_log_line({line.payload.data(), line.payload.size()});
  std::vector<std::string> fields{"MESSAGE=" + std::string(parsed.message),
                                  "PRIORITY=" + std::to_string(priority_of(line.level)),
                                  "SYSLOG_IDENTIFIER=tandemd"};
  for (const auto& [name, value] : parsed.fields) {
    fields.push_back(std::string(name) + "=" + std::string(value));
  }
  if (line.level >= spdlog::level::warn) {
    const auto key = message_key(parsed.message);
    if (!key.empty()) fields.push_back("TANDEM_MESSAGE=" + std::string(key));
  }
  std::vector<iovec> parts(fields.size());
  std::transform(fields.begin(), fields.end(), parts.begin(), [](std::string& field) {
    return iovec{field.data(), field.size()};
  });
  ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
}

}  // namespace agent::io
