// Reads the number in a tracked file, bounded: neither a large file nor a FIFO, device or directory
// costs more than a few system calls. A file system may block it, so it runs on a thread of its
// own.
#pragma once

#include <string>

#include "agent/tracking.hpp"

namespace agent::io {

// Content, number and problem of FileRead.
FileRead read_tracked_file(const std::string& path);

}  // namespace agent::io
