// Opens a raw VRRP socket with everything that is set once: device, group, hop limit, priority.
// Sends and receives nothing (advert_socket).
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "vrrp/address.hpp"

namespace vrrp::io {

// Closes what it holds.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  ~FileDescriptor();
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  FileDescriptor& operator=(FileDescriptor&&) = delete;

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Non-blocking, bound to the device but to no address, so that multicast and unicast both arrive.
// The sentence says what failed, in the system's words.
std::variant<FileDescriptor, std::string> open_vrrp_socket(Family family, unsigned interface_index,
                                                           const std::string& interface_name,
                                                           bool join_multicast);

// "sending to 224.0.0.18: No such device"
std::string system_words(const std::string& doing, int error);

}  // namespace vrrp::io
