// Bytes of a server to replies, with hiredis as the parser of RESP. Bounds what a reply may cost
// us, before the bytes are here where the server announces a size. Never touches a socket.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "health/reply.hpp"

namespace health::io {

class ReplyReader {
 public:
  explicit ReplyReader(std::size_t max_reply_bytes);
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  void feed(std::string_view bytes);
  // The next whole reply; nullopt when it needs more bytes, or after a failure.
  std::optional<Reply> next();
  // Why the stream cannot go on: "protocol error: ...", "reply larger than N bytes". Empty: it can.
  const std::string& failure() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace health::io
