// The agent's log: journal, standard error or a file. Written by a thread of its own, so that a
// slow sink never holds the loop; when it cannot keep up the oldest lines are dropped.
#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "agent/config.hpp"

namespace agent::io {

// The logger, or a sentence.
std::variant<std::shared_ptr<spdlog::logger>, std::string> open_log(const LogConfig& config);

// Writes out what is queued and ends the log's thread; at the end of the program. false: whoever
// reads the log did not take it within a second, and the thread still waits. The program must then
// end without its static objects, which would wait for it, too.
bool close_log();

}  // namespace agent::io
