// Stands between an agent and a Redis server and keeps one command back: before the server has seen
// it, or when the server has done it and the agent does not know. What an agent is about to do is
// known from what it sends, so a test can stop it exactly there. Knows RESP, nothing of agents.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/lan.hpp"
#include "tests/support/process.hpp"

namespace support {

class RedisRelay {
 public:
  enum class Moment : std::uint8_t { before, after };
  struct Trap {
    // How commands begin; each counts from when the one before it has been answered. The last one
    // is kept back: itself, or the answer to it.
    std::vector<Argv> commands;
    Moment moment = Moment::before;
    std::function<void()> sprung;  // at once, in the relay's thread
  };

  // Listens on 127.0.0.1:`port` of the host.
  RedisRelay(const Host& host, int port, std::string server_ip, int server_port = 6379);
  ~RedisRelay();
  RedisRelay(const RedisRelay&) = delete;
  RedisRelay& operator=(const RedisRelay&) = delete;

  // From now on everybody on the host who connects to the server comes through here.
  void redirect() const;

  // Lets go what was kept back by an earlier trap.
  void set(Trap trap);
  bool wait_until_sprung(Millis deadline);
  // What was kept back: "CLIENT KILL LADDR 10.77.0.100:6379"; empty: nothing.
  std::string held();
  // Lets it go and waits for nothing any more. What a client that is gone had sent is lost.
  void release();

 private:
  struct Line {
    int client = -1;
    int server = -1;
    std::string asked;     // not yet passed on
    std::string answered;  // likewise
    std::uint64_t questions = 0;
    std::uint64_t answers = 0;
    bool streams = false;  // from PSYNC on there is no question and no answer
    bool keeps_question = false;
    bool keeps_answer = false;
    std::uint64_t trap = 0;    // the one that `reached` is about
    std::size_t reached = 0;   // of its commands
    std::uint64_t awaits = 0;  // the number of the question reached last
  };

  void serve(const std::stop_token& stop);
  void accept_one();
  // false: the line has ended.
  bool read_client(Line& line);
  bool read_server(Line& line);
  void pass_questions(Line& line);
  void pass_answers(Line& line);
  bool springs(Line& line, const Argv& words);
  void spring(const Argv& words);

  Host host_;
  int port_;
  std::string server_ip_;
  int server_port_;
  int listener_ = -1;
  std::list<Line> lines_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Trap> trap_;
  std::uint64_t traps_ = 0;
  std::string held_;
  bool released_ = false;
  std::jthread thread_;
};

}  // namespace support
