// tandem: the operator's command. Talks to the agent over its control socket.
// Exit codes: 0 good, 1 refused or failed, 2 usage, 3 agent not reachable.
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <optional>
#include <system_error>

#include "agent/status.hpp"

namespace {

namespace json = boost::json;

constexpr int kRefused = 1;
constexpr int kUsage = 2;
constexpr int kUnreachable = 3;
constexpr long kPatienceSeconds = 5;

struct Answer {
  json::object value;
  std::string problem;  // not reachable: sentence
};

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

std::optional<std::string> converse(const std::string& path, const std::string& request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return std::nullopt;
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const Socket socket;
  const timeval patience{kPatienceSeconds, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(socket.get(), generic, sizeof(address)) != 0) return std::nullopt;
  if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return std::nullopt;
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

Answer ask(const std::string& path, const json::object& request) {
  const auto text = converse(path, json::serialize(request) + "\n");
  if (!text) {
    const int error = errno;
    std::string hint;
    if (error == EACCES) hint = "; run as root or as a member of group tandem";
    if (error == ENOENT || error == ECONNREFUSED) hint = "; is tandemd running?";
    return {{}, path + ": " + std::generic_category().message(error) + hint};
  }
  boost::system::error_code error;
  const auto value = json::parse(*text, error);
  if (error || !value.is_object()) return {{}, path + ": the answer is not from an agent"};
  return {value.get_object(), {}};
}

int fail(int code, const std::string& sentence) {
  std::cerr << "tandem: " << sentence << "\n";
  return code;
}

// 0, or the exit code of what went wrong, which has been said.
int check(const Answer& answer) {
  if (!answer.problem.empty()) {
    return fail(kUnreachable, "the agent cannot be reached: " + answer.problem);
  }
  const auto* error = answer.value.if_contains("error");
  if (error == nullptr) return 0;
  return fail(kRefused, error->is_string() ? std::string(error->get_string()) : "refused");
}

bool has_pair(const json::object& status, const std::string& name) {
  const auto* pairs = status.if_contains("pairs");
  if (pairs == nullptr || !pairs->is_array()) return false;
  for (const auto& pair : pairs->get_array()) {
    const auto* found = pair.is_object() ? pair.get_object().if_contains("name") : nullptr;
    if (found != nullptr && found->is_string() && found->get_string() == name) return true;
  }
  return false;
}

int show_status(const std::string& path, const std::string& pair, bool as_json) {
  const Answer answer = ask(path, {{"command", "status"}});
  if (const int code = check(answer)) return code;
  if (!pair.empty() && !has_pair(answer.value, pair)) {
    return fail(kRefused, "no pair of that name: " + pair + "; tandem status lists them");
  }
  std::cout << (as_json ? json::serialize(answer.value) + "\n"
                        : agent::status_text(answer.value, pair));
  return 0;
}

int promote(const std::string& path, const std::string& pair, bool accept_data_loss) {
  const Answer answer =
      ask(path, {{"command", "promote"}, {"pair", pair}, {"accept_data_loss", accept_data_loss}});
  if (const int code = check(answer)) return code;
  std::cout << "promotion begun; see tandem status\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string socket = "/run/tandem/control.sock";
  std::string pair;
  bool as_json = false;
  bool accept_data_loss = false;

  CLI::App app("Shows and steers the pairs of this node's tandemd.");
  app.require_subcommand(1);
  app.add_option("--socket", socket, "control socket of the agent")->capture_default_str();
  auto* status = app.add_subcommand("status", "who leads, why, since when, and what is wrong");
  status->add_flag("--json", as_json, "as JSON");
  status->add_option("pair", pair, "this pair only");
  auto* promote_command =
      app.add_subcommand("promote", "make this node lead although the rules refuse it");
  promote_command->add_option("pair", pair, "the pair")->required();
  promote_command->add_flag("--accept-data-loss", accept_data_loss,
                            "yes: writes that only the other node has may be lost");
  auto* version = app.add_subcommand("version", "print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (version->parsed()) {
    std::cout << "tandem " << TANDEM_VERSION << "\n";
    return 0;
  }
  if (status->parsed()) return show_status(socket, pair, as_json);
  return promote(socket, pair, accept_data_loss);
}
