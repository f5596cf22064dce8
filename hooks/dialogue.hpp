// What the role procedures share: ask a server, judge the kind of its answer, go on. A connection
// that ended, a missing ACL right, an error and a command that an old server does not know are
// treated here, the same way everywhere. Nothing here knows why a procedure asks.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hooks/procedure.hpp"

namespace hooks {

struct Question {
  Target target = Target::local;
  std::vector<std::string> words;
  // How servers before Redis 5 call the same; sent when `words` are unknown. Empty: no other name.
  std::vector<std::string> older_words;
};

// REPLICAOF host port, or NO ONE.
Question replicaof(Target target, const std::string& host, const std::string& port);
// CONFIG SET min-replicas-<option> value.
Question set_min_replicas(Target target, const std::string& option, int value);

// "the local server", "the peer server"
std::string subject(Target target);
// A server's own words, fit for one line of an operator's log: printable and bounded.
std::string quote(const health::Reply& reply);

class Dialogue : public Procedure {
 public:
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;
  Step next(TimePoint now, const health::Reply* reply) final;
  Step next_all(TimePoint now, const Replies& replies) final;

 protected:
  using Answer = std::function<Step(TimePoint, const health::Reply&)>;
  using Answers = std::function<Step(TimePoint, const std::vector<health::Reply>&)>;
  using Then = std::function<Step(TimePoint)>;

  Dialogue() = default;

  // `answer` gets every reply but -NOPERM and the unknown that has an older name.
  Step ask(Question question, Answer answer);
  // Asks all at once. `answers` gets what `answer` would, and each unknown: nothing is said again
  // in its older words.
  Step ask_all(std::vector<Question> questions, Answers answers);
  // Asks INFO, or one section of it; `answer` gets a bulk string.
  Step ask_info(Target target, const std::string& section, Answer answer);
  // Goes on after a status reply ("OK", "OK Already connected to specified master").
  Step order(Question question, Then then);
  // Goes on after any reply: for what servers before 6.2 do not have.
  Step attempt(Question question, Then then);
  Step wait(Duration duration, Then then);
  // min-replicas-to-write 0, CLIENT UNPAUSE.
  Step open(Target target, Then then);

  // The failure that an unexpected reply to `question` is.
  static Failed unexpected(const Question& question, const health::Reply& reply);

 private:
  Step send();
  static std::optional<Failed> no_answer(const Question& question, const health::Reply* reply);

  Question question_;
  Answer answer_;
  std::vector<Question> questions_;
  Answers answers_;
  Then resume_;  // set while waiting
};

}  // namespace hooks
