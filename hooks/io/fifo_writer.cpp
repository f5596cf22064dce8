// See fifo_writer.hpp.
#include "hooks/io/fifo_writer.hpp"

#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

namespace hooks::io {

using Descriptor = boost::asio::posix::stream_descriptor;

struct FifoWriter::Impl : std::enable_shared_from_this<FifoWriter::Impl> {
  Impl(const boost::asio::any_io_executor& executor, std::string where, Log sink, std::size_t most)
      : fifo(executor), path(std::move(where)), log(std::move(sink)), most_lines(most) {}

  // true: nothing waits any more.
  bool drain();
  void await_room();
  void all_read();

  Descriptor fifo;
  std::string path;
  Log log;
  std::size_t most_lines;
  std::deque<std::string> lines;
  bool awaiting = false;
  bool dropping = false;
  std::uint64_t dropped = 0;
  std::uint64_t waited = 0;
};

FifoWriter::FifoWriter(const boost::asio::any_io_executor& executor, UniqueFd fifo,
                       std::string path, Log log, std::size_t most_lines)
    : impl_(std::make_shared<Impl>(executor, std::move(path), std::move(log), most_lines)) {
  impl_->fifo.assign(fifo.release());
}

FifoWriter::~FifoWriter() {
  if (!impl_->lines.empty()) {
    impl_->log(true, std::to_string(impl_->lines.size()) + " line(s) for " + impl_->path +
                         " are lost: nobody has read them before the end");
  }
  boost::system::error_code ignored;
  impl_->fifo.close(ignored);
}

std::size_t FifoWriter::waiting() const {
  return impl_->lines.size();
}

FifoRest FifoWriter::release() {
  return {impl_->path, UniqueFd(impl_->fifo.is_open() ? impl_->fifo.release() : -1),
          std::exchange(impl_->lines, {})};
}

UniqueFd FifoWriter::hold() const {
  return UniqueFd(::dup(impl_->fifo.native_handle()));
}

void FifoWriter::write(std::string line) {
  Impl& self = *impl_;
  self.lines.push_back(std::move(line));
  if (self.drain()) return;
  if (!std::exchange(self.awaiting, true)) {
    self.log(true, "the FIFO is full, because nobody reads " + self.path + ": up to " +
                       std::to_string(self.most_lines) + " lines wait until somebody does");
    self.await_room();
  }
  ++self.waited;
  if (self.lines.size() <= self.most_lines) return;
  self.lines.pop_front();
  ++self.dropped;
  if (std::exchange(self.dropping, true)) return;
  self.log(true, "the oldest line(s) for " + self.path +
                     " are lost from now on: more wait than there is room for");
}

bool FifoWriter::Impl::drain() {
  while (!lines.empty()) {
    const std::string& line = lines.front();
    const auto written = ::write(fifo.native_handle(), line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return false;
    if (written < 0) {
      log(true, "a line for " + path +
                    " was dropped, writing failed: " + std::generic_category().message(errno));
    }
    lines.pop_front();
  }
  return true;
}

void FifoWriter::Impl::await_room() {
  fifo.async_wait(Descriptor::wait_write,
                  [weak = weak_from_this()](const boost::system::error_code& error) {
                    const auto self = weak.lock();
                    if (error || !self || !self->fifo.is_open()) return;
                    if (self->drain()) return self->all_read();
                    self->await_room();
                  });
}

void FifoWriter::Impl::all_read() {
  awaiting = dropping = false;
  std::string words = path + " is read again: " + std::to_string(waited - dropped) +
                      " line(s) that waited are in it";
  if (dropped > 0) words += ", " + std::to_string(dropped) + " are lost";
  log(dropped > 0, words);
  dropped = waited = 0;
}

}  // namespace hooks::io
