// A client that writes one unique key after the other through the virtual address, remembers which
// were acknowledged, and later looks which of them are missing.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "tests/support/lan.hpp"
#include "tests/support/redis_server.hpp"

namespace support {

class Writer {
 public:
  // `tls_dir`: of RedisClient.
  explicit Writer(const Host& client, std::string ip = std::string(kVip), int port = 6379,
                  std::string tls_dir = {});
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Between two writes, after a replica has confirmed all that was acknowledged so far; throws when
  // none does. What happens here cannot fall into the moment in which Redis has answered its
  // client and not yet written to its replica, which no agent can close.
  void at_quiet_point(const std::function<void()>& action);

  [[nodiscard]] int acknowledged();
  // True when writes are acknowledged that began after this call.
  testing::AssertionResult goes_on();
  // Ends the writing; further calls change nothing.
  void stop();
  // The longest time between two acknowledgements. Also recorded as a property of the test.
  [[nodiscard]] Millis longest_gap();
  // The first words of Redis's errors, as often as they came: "NOREPLICAS 3"; "" for none.
  std::string refusals();
  // Ends the writing and looks for every acknowledged key; a failure tells which are missing.
  testing::AssertionResult finds_all_on(RedisServer& server);
  int missing_on(RedisServer& server);

 private:
  void write(const std::stop_token& stop);
  std::vector<int> missing_numbers(RedisServer& server);

  RedisClient client_;
  std::mutex turn_;  // held during one write; the writer lets others in between
  std::mutex mutex_;
  std::vector<int> acknowledged_;
  std::map<std::string, int> refusals_;
  std::chrono::steady_clock::time_point last_;
  Millis longest_{0};
  std::jthread thread_;
};

}  // namespace support
