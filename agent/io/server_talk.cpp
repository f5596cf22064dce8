// See server_talk.hpp.
#include "agent/io/server_talk.hpp"

#include <memory>
#include <utility>

namespace agent::io {

ServerTalk::ServerTalk(health::io::ServerAddress address, std::chrono::milliseconds patience)
    : patience_(patience),
      connection_(loop_.get_executor(), std::move(address),
                  {.connected = [this] { connected_ = true; },
                   .connect_failed =
                       [this](const health::ConnectFailed& failed) { failure_ = failed.detail; },
                   .closed =
                       [this](const health::Closed& closed) {
                         connected_ = false;
                         failure_ = closed.detail;
                       }}) {}

template <typename Condition>
bool ServerTalk::wait_for(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  while (!condition()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    loop_.restart();
    loop_.run_one_for(left);
  }
  return true;
}

std::optional<std::string> ServerTalk::open() {
  connection_.connect(patience_);
  if (!wait_for([this] { return connected_ || !failure_.empty(); })) failure_ = "no answer in time";
  if (connected_) return std::nullopt;
  return failure_;
}

std::optional<std::string> ServerTalk::log_in(const std::string& user, const std::string& password,
                                              bool or_none) {
  if (password.empty()) return std::nullopt;
  std::vector<std::string> words{"AUTH"};
  if (!user.empty()) words.push_back(user);
  words.push_back(password);
  const auto reply = ask(words);
  if (!reply) return failure_;
  if (reply->is_ok()) return std::nullopt;
  const bool wants_none =
      reply->text.find("without any password configured") != std::string::npos ||
      reply->text.find("no password is set") != std::string::npos;
  if (wants_none && or_none) return std::nullopt;
  if (wants_none) return "that server wants no password, and refuses one";
  return "the login is refused, " + std::string(reply->error_code());
}

std::optional<health::Reply> ServerTalk::ask(const std::vector<std::string>& words) {
  // Outlives a wait that was given up.
  struct Answer {
    bool came = false;
    std::optional<health::Reply> reply;
  };
  const auto answer = std::make_shared<Answer>();
  connection_.send(words, [answer](const health::Reply* reply) {
    answer->came = true;
    if (reply != nullptr) answer->reply = *reply;
  });
  if (!wait_for([&] { return answer->came; })) failure_ = "no answer in time";
  if (!answer->reply && failure_.empty()) failure_ = "the connection ended";
  return answer->reply;
}

}  // namespace agent::io
