// What a server is asked once in each of its runs, besides its health: whether the agent's user has
// the rights that a role change needs. Pure: commands out, replies in, sentences for the operator.
// Nothing that is asked changes anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "health/facts.hpp"
#include "health/reply.hpp"
#include "health/types.hpp"

namespace health {

class Inspection {
 public:
  using Words = std::vector<std::string>;

  // `server`: "the local server"; `user`: the ACL user, empty for the default one.
  Inspection(std::string server, std::string user);

  // After each INFO: the commands to send now, in this order, each answered by answered().
  std::vector<Words> facts_read(TimePoint now, const ServerFacts& facts);
  // nullptr: the connection ended.
  void answered(std::size_t question, const Reply* reply);

  // "ACL: user tandem may not run CONFIG SET on the local server; add +config|set"
  const std::set<std::string>& missing() const { return missing_; }
  // One of them without which the server can neither be given a role nor give it away; or empty.
  std::string in_the_way() const;

 private:
  // ACL DRYRUN leaves no traces in ACL LOG; it needs a right of its own and Redis 7.
  enum class Way : std::uint8_t { dry_run, harmless };

  std::string server_;
  std::string user_;
  std::string run_id_;  // of the run that was asked
  Way way_ = Way::harmless;
  bool ask_again_ = false;
  TimePoint next_look_{};
  std::vector<std::size_t> asked_;  // rights, by question
  std::set<std::string> found_;     // of the questions under way
  std::set<std::string> missing_;
};

}  // namespace health
