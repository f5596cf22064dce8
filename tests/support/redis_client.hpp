// A blocking Redis client with a deadline that lives in any network namespace. Answers are values:
// what Redis refused and what never came are both told, nothing is thrown.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/process.hpp"

struct redisContext;
struct ssl_st;

namespace support {

inline const std::string kPassword = "correct-horse";

struct Answer {
  enum class Kind { value, refused, silent } kind = Kind::silent;
  std::string text;  // the value, Redis's error, or why nothing came

  [[nodiscard]] bool ok() const { return kind == Kind::value; }
};
std::ostream& operator<<(std::ostream& out, const Answer& answer);

class RedisClient {
 public:
  struct Target {
    std::string netns;  // where the socket is made
    std::string ip;
    int port = 6379;
    std::string password = kPassword;
    Millis deadline = Millis(2000);  // of the connection and of each answer
    // TLS with the ca.crt, client.crt and client.key that lie here; empty: none.
    std::string tls_dir = {};
  };

  explicit RedisClient(Target target) : target_(std::move(target)) {}

  // Connects when there is no connection; gives the connection up when an answer is missing.
  // Arrays come as one line per element.
  Answer command(const std::vector<std::string>& words);
  // Sends all, then reads all: many keys in a short time.
  std::vector<Answer> pipeline(const std::vector<std::vector<std::string>>& commands);
  void disconnect();

 private:
  struct Free {
    void operator()(redisContext* context) const;
    void operator()(ssl_st* connection) const;
  };

  Answer connect();
  bool shake_hands();
  Answer read_raw(void** reply);
  void append(const std::vector<std::string>& words);
  Answer read();

  Target target_;
  std::unique_ptr<redisContext, Free> context_;
  std::unique_ptr<ssl_st, Free> tls_;
};

}  // namespace support
