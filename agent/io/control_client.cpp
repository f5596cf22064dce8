// See control_client.hpp.
#include "agent/io/control_client.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

namespace agent::io {
namespace {

namespace json = boost::json;

class Socket {
 public:
  Socket() : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

bool connect_to(const Socket& socket, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return false;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(socket.get(), generic, sizeof(address)) == 0;
}

std::optional<std::string> converse(const std::string& path, const std::string& request,
                                    long patience_seconds) {
  const Socket socket;
  const timeval patience{patience_seconds, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (!connect_to(socket, path)) return std::nullopt;
  // An agent that turns a client away says why before it hears the request.
  const ssize_t sent = ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EPIPE) return std::nullopt;
  std::string answer;
  std::array<char, 65536> buffer{};
  while (answer.empty() || answer.back() != '\n') {
    const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return answer;
}

}  // namespace

bool somebody_listens(const std::string& path) {
  const Socket socket;
  return connect_to(socket, path);
}

ControlAnswer ask_agent(const std::string& path, const json::object& request,
                        long patience_seconds) {
  const auto text = converse(path, json::serialize(request) + "\n", patience_seconds);
  if (!text) {
    const int error = errno;
    std::string hint;
    if (error == EACCES) hint = "; run as root or as a member of group tandem";
    if (error == ENOENT || error == ECONNREFUSED) hint = "; is tandemd running?";
    if (error == EAGAIN) return {{}, path + ": no answer in time; see tandem status"};
    return {{}, path + ": " + std::generic_category().message(error) + hint};
  }
  if (text->empty()) return {{}, path + ": it ended before it answered"};
  boost::system::error_code error;
  const auto value = json::parse(*text, error);
  if (error || !value.is_object()) return {{}, path + ": the answer is not from an agent"};
  return {value.get_object(), {}};
}

}  // namespace agent::io
