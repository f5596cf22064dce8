// The FIFO that notify lines go to: made if missing, refused if something else has its name.
#pragma once

#include <string>
#include <variant>

#include "hooks/io/unique_fd.hpp"

namespace hooks::io {

// Open for reading and writing, non-blocking: it needs no reader to be there, and a full pipe
// answers EAGAIN. Otherwise one sentence.
std::variant<UniqueFd, std::string> open_notify_fifo(const std::string& path);

}  // namespace hooks::io
