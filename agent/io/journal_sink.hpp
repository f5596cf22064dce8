// The log's way to journald: each line with its fields (PAIR, EVENT, STATE, REASON, EPOCH, and
// TANDEM_MESSAGE, the key of a warning in the catalogue).
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <mutex>

namespace agent::io {

// Whether a journal listens on this host; without one libsystemd drops lines silently.
bool journal_is_there();

class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& line) override;
  void flush_() override {}
};

}  // namespace agent::io
