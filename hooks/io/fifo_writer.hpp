// Lines for a FIFO, in order and whole. What the pipe cannot take waits here until somebody reads;
// how many may wait is bounded.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "hooks/io/unique_fd.hpp"

namespace hooks::io {

// What a writer leaves to the next one of the same FIFO. While it is held, what nobody has read yet
// stays in the pipe.
struct FifoRest {
  std::string path;
  UniqueFd fd;
  std::deque<std::string> lines;  // that the pipe could not take, oldest first
};

// Beside the 64 KiB that the pipe itself holds, some 1900 lines.
inline constexpr std::size_t kMostFifoLines = 4096;

class FifoWriter {
 public:
  using Log = std::function<void(bool warning, const std::string& text)>;

  // `fifo` is non-blocking; `path` is for the log.
  FifoWriter(const boost::asio::any_io_executor& executor, UniqueFd fifo, std::string path, Log log,
             std::size_t most_lines = kMostFifoLines);
  ~FifoWriter();
  FifoWriter(const FifoWriter&) = delete;
  FifoWriter& operator=(const FifoWriter&) = delete;

  // At most PIPE_BUF bytes, with its end: such a line is written whole or not at all.
  void write(std::string line);
  std::size_t waiting() const;
  // The writer writes no more.
  FifoRest release();
  // The FIFO once more, for a program that this process executes: it stays open there.
  UniqueFd hold() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hooks::io
