// See redis_relay.hpp.
#include "tests/support/redis_relay.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "tests/support/namespace.hpp"

namespace support {
namespace {

constexpr int kMark = 0x7461;  // of connections that are not redirected again
constexpr int kLookMillis = 2;

sockaddr_in address_of(const std::string& ip, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
  return address;
}

// The number in "*3\r\n" or "$-1\r\n" at `at`, which moves behind it; nothing: not all there yet.
std::optional<long> header(std::string_view text, std::size_t& at) {
  const auto end = text.find("\r\n", at);
  if (end == std::string_view::npos) return std::nullopt;
  long number = 0;
  std::from_chars(text.data() + at + 1, text.data() + end, number);
  at = end + 2;
  return number;
}

// Moves `at` behind one reply; false: it is not all there yet.
bool skip_reply(std::string_view text, std::size_t& at) {
  if (at >= text.size()) return false;
  const char type = text[at];
  const auto number = header(text, at);
  if (!number) return false;
  if (type == '$' && *number >= 0) at += static_cast<std::size_t>(*number) + 2;
  if (type == '*') {
    for (long i = 0; i < *number; ++i) {
      if (!skip_reply(text, at)) return false;
    }
  }
  return at <= text.size();
}

// One command at the beginning of the text, and where it ends.
std::optional<Argv> first_command(std::string_view text, std::size_t& end) {
  std::size_t at = 0;
  const auto count = header(text, at);
  if (!count) return std::nullopt;
  Argv words;
  for (long i = 0; i < *count; ++i) {
    if (at >= text.size()) return std::nullopt;
    const auto length = header(text, at);
    if (!length || at + static_cast<std::size_t>(*length) + 2 > text.size()) return std::nullopt;
    words.emplace_back(text.substr(at, static_cast<std::size_t>(*length)));
    at += static_cast<std::size_t>(*length) + 2;
  }
  end = at;
  return words;
}

bool begins_with(const Argv& words, const Argv& beginning) {
  if (words.size() < beginning.size()) return false;
  return std::equal(beginning.begin(), beginning.end(), words.begin());
}

void send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

bool read_some(int socket, std::string& into) {
  std::array<char, 65536> buffer{};
  const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), 0);
  if (count <= 0) return false;
  into.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

}  // namespace

RedisRelay::RedisRelay(const Host& host, int port, std::string server_ip, int server_port)
    : host_(host), port_(port), server_ip_(std::move(server_ip)), server_port_(server_port) {
  const InNamespace here(host_.netns);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = address_of("127.0.0.1", port_);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 16) != 0) {
    throw std::runtime_error("no relay on port " + std::to_string(port_) + " of " + host_.netns);
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

RedisRelay::~RedisRelay() {
  thread_.request_stop();
  thread_.join();
  for (const Line& line : lines_) {
    ::close(line.client);
    ::close(line.server);
  }
  ::close(listener_);
}

void RedisRelay::redirect() const {
  must_run({"nft",
            "add table ip relay; add chain ip relay out { type nat hook output priority 0; "
            "}; add rule ip relay out meta mark != " +
                std::to_string(kMark) + " ip daddr " + server_ip_ + " tcp dport " +
                std::to_string(server_port_) + " redirect to :" + std::to_string(port_)},
           host_.netns);
}

void RedisRelay::set(Trap trap) {
  const std::lock_guard lock(mutex_);
  trap_ = std::move(trap);
  held_.clear();
  released_ = true;
  ++traps_;
}

bool RedisRelay::wait_until_sprung(Millis deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, deadline, [this] { return !held_.empty(); });
}

std::string RedisRelay::held() {
  const std::lock_guard lock(mutex_);
  return held_;
}

void RedisRelay::release() {
  const std::lock_guard lock(mutex_);
  trap_.reset();
  released_ = true;
}

void RedisRelay::serve(const std::stop_token& stop) {
  const InNamespace here(host_.netns);
  // As the agent: whoever waits for this thread must not take it for a server that hangs.
  const sched_param early{::sched_get_priority_min(SCHED_RR)};
  ::pthread_setschedparam(::pthread_self(), SCHED_RR, &early);
  while (!stop.stop_requested()) {
    std::vector<pollfd> wanted{{listener_, POLLIN, 0}};
    for (const Line& line : lines_) {
      wanted.push_back({line.client, POLLIN, 0});
      wanted.push_back({line.server, POLLIN, 0});
    }
    ::poll(wanted.data(), wanted.size(), kLookMillis);
    bool free = false;
    {
      const std::lock_guard lock(mutex_);
      free = std::exchange(released_, false);
    }
    std::size_t at = 1;
    for (auto line = lines_.begin(); line != lines_.end(); at += 2) {
      bool goes_on = true;
      if (wanted[at].revents != 0) goes_on = read_client(*line);
      if (goes_on && wanted[at + 1].revents != 0) goes_on = read_server(*line);
      if (goes_on && free) {
        line->keeps_question = line->keeps_answer = false;
        pass_questions(*line);
        pass_answers(*line);
      }
      if (goes_on) {
        ++line;
        continue;
      }
      ::close(line->client);
      ::close(line->server);
      line = lines_.erase(line);
    }
    if (wanted[0].revents != 0) accept_one();
  }
}

// Whoever cannot be connected is hung up on.
void RedisRelay::accept_one() {
  Line line;
  line.client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  line.server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  for (const int socket : {line.client, line.server}) {
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ::setsockopt(line.server, SOL_SOCKET, SO_MARK, &kMark, sizeof kMark);
  const sockaddr_in address = address_of(server_ip_, server_port_);
  if (::connect(line.server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    lines_.push_back(std::move(line));
    return;
  }
  ::close(line.server);
  ::close(line.client);
}

bool RedisRelay::read_client(Line& line) {
  if (!read_some(line.client, line.asked)) return false;
  pass_questions(line);
  return true;
}

bool RedisRelay::read_server(Line& line) {
  if (!read_some(line.server, line.answered)) return false;
  pass_answers(line);
  return true;
}

void RedisRelay::pass_questions(Line& line) {
  while (!line.asked.empty() && !line.keeps_question) {
    std::size_t end = line.asked.size();
    if (!line.streams) {
      const auto words = first_command(line.asked, end);
      if (!words) return;
      ++line.questions;
      if (springs(line, *words)) return;
      line.streams = words->front() == "PSYNC" || words->front() == "SYNC";
    }
    send_all(line.server, std::string_view(line.asked).substr(0, end));
    line.asked.erase(0, end);
  }
}

// true: the question is kept back.
bool RedisRelay::springs(Line& line, const Argv& words) {
  Trap trap;
  {
    const std::lock_guard lock(mutex_);
    if (!trap_ || !held_.empty()) return false;
    trap = *trap_;
    if (std::exchange(line.trap, traps_) != traps_) line.reached = line.awaits = 0;
  }
  const bool in_turn = line.reached == 0 || line.answers >= line.awaits;
  if (!in_turn || line.reached == trap.commands.size()) return false;
  if (!begins_with(words, trap.commands[line.reached])) return false;
  line.awaits = line.questions;
  if (++line.reached < trap.commands.size() || trap.moment == Moment::after) return false;
  // Counted when it is passed on.
  --line.questions;
  line.keeps_question = true;
  spring(words);
  return true;
}

void RedisRelay::pass_answers(Line& line) {
  while (!line.answered.empty() && !line.keeps_answer) {
    std::size_t end = line.answered.size();
    if (!line.streams) {
      end = 0;
      if (!skip_reply(line.answered, end)) return;
      std::optional<Argv> last;
      {
        const std::lock_guard lock(mutex_);
        const bool armed = trap_ && held_.empty() && line.trap == traps_;
        if (armed && trap_->moment == Moment::after && line.reached == trap_->commands.size() &&
            line.answers + 1 == line.awaits) {
          last = trap_->commands.back();
        }
      }
      if (last) {
        line.keeps_answer = true;
        return spring(*last);
      }
      ++line.answers;
    }
    send_all(line.client, std::string_view(line.answered).substr(0, end));
    line.answered.erase(0, end);
  }
}

void RedisRelay::spring(const Argv& words) {
  std::function<void()> sprung;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& word : words) held_ += (held_.empty() ? "" : " ") + word;
    if (trap_) sprung = trap_->sprung;
  }
  if (sprung) sprung();
  changed_.notify_all();
}

}  // namespace support
