// See writer.hpp.
#include "tests/support/writer.hpp"

#include <stdexcept>

namespace support {
namespace {

// Short, so that a write to an address that nobody holds is soon tried again.
constexpr Millis kPatience{250};
constexpr Millis kBetweenWrites{1};

std::string key(int number) {
  return "write:" + std::to_string(number);
}

}  // namespace

Writer::Writer(const Host& client, std::string ip, int port, std::string tls_dir)
    : client_({client.netns, std::move(ip), port, kPassword, kPatience, std::move(tls_dir)}),
      last_(std::chrono::steady_clock::now()),
      thread_([this](const std::stop_token& stop) { write(stop); }) {}

Writer::~Writer() {
  stop();
}

void Writer::at_quiet_point(const std::function<void()>& action) {
  const std::lock_guard turn(turn_);
  const auto confirmed = eventually("a replica confirms the writes", kSoon, [this] {
    // WAIT is about the writes of its own connection, which may be a new one.
    client_.command({"SET", "quiet", "1"});
    const Answer answer = client_.command({"WAIT", "1", "200"});
    return Seen{answer.ok() && answer.text != "0", testing::PrintToString(answer)};
  });
  if (!confirmed) throw std::runtime_error(confirmed.message());
  action();
}

int Writer::acknowledged() {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(acknowledged_.size());
}

testing::AssertionResult Writer::goes_on() {
  const int before = acknowledged();
  return eventually("writes are acknowledged", kSoon, [this, before] {
    const int now = acknowledged();
    return Seen{now >= before + 3, std::to_string(now - before) + " since the call"};
  });
}

void Writer::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  const std::string gap = std::to_string(longest_gap().count());
  testing::Test::RecordProperty("longest_gap_ms", gap);
}

Millis Writer::longest_gap() {
  const std::lock_guard lock(mutex_);
  return longest_;
}

std::string Writer::refusals() {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [word, count] : refusals_) {
    out += (out.empty() ? "" : " ") + word + " " + std::to_string(count);
  }
  return out;
}

testing::AssertionResult Writer::finds_all_on(RedisServer& server) {
  const std::vector<int> missing = missing_numbers(server);
  if (missing.empty()) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << missing.size() << " of " << acknowledged_.size() << " acknowledged writes (numbers "
         << acknowledged_.front() << " to " << acknowledged_.back() << ") are missing on "
         << server.host().name << ": numbers " << missing.front() << " to " << missing.back();
}

int Writer::missing_on(RedisServer& server) {
  return static_cast<int>(missing_numbers(server).size());
}

std::vector<int> Writer::missing_numbers(RedisServer& server) {
  stop();
  std::vector<int> missing;
  for (const int number : acknowledged_) {
    const Answer answer = server.command({"GET", key(number)});
    if (!answer.ok() || answer.text != std::to_string(number)) missing.push_back(number);
  }
  return missing;
}

void Writer::write(const std::stop_token& stop) {
  for (int number = 0; !stop.stop_requested(); ++number) {
    Answer answer;
    {
      const std::lock_guard turn(turn_);
      answer = client_.command({"SET", key(number), std::to_string(number)});
    }
    // A fresh connection after each refusal too: the address may by now belong to another server.
    if (!answer.ok()) client_.disconnect();
    if (answer.kind == Answer::Kind::refused) {
      const std::lock_guard lock(mutex_);
      ++refusals_[answer.text.substr(0, answer.text.find(' '))];
    }
    if (answer.ok()) {
      const std::lock_guard lock(mutex_);
      const auto now = std::chrono::steady_clock::now();
      longest_ = std::max(longest_, std::chrono::duration_cast<Millis>(now - last_));
      last_ = now;
      acknowledged_.push_back(number);
    }
    wait_a_moment(kBetweenWrites);
  }
}

}  // namespace support
