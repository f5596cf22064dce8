// Lines for a FIFO, in order and whole. What the pipe cannot take waits here until somebody reads;
// how many may wait is bounded.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "hooks/io/unique_fd.hpp"

namespace hooks::io {

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

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hooks::io
