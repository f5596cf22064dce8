// See inspection.hpp. A harmless form has the right number of arguments, because Redis counts them
// before it looks at rights, and an argument that the command refuses afterwards.
#include "health/inspection.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace health {
namespace {

using Words = Inspection::Words;

constexpr auto kLookAgain = std::chrono::seconds(10);  // whether a missing right was given
constexpr int kFirstWithAcl = 600;
constexpr int kFirstWithPauseOfWrites = 602;
constexpr int kFirstWithDryRun = 700;

struct Right {
  Words real;      // as the agent sends it
  Words harmless;  // empty: there is no such form
  const char* rule;
  int since;
};

const std::array<Right, 11>& rights() {
  static const std::array<Right, 11> kRights = {{
      {{"ROLE"}, {"ROLE"}, "+role", 0},
      {{"REPLICAOF", "NO", "ONE"}, {"REPLICAOF", "tandem", "no-port"}, "+replicaof", 0},
      {{"CONFIG", "GET", "min-replicas-to-write"},
       {"CONFIG", "GET", "min-replicas-to-write"},
       "+config|get",
       0},
      {{"CONFIG", "SET", "min-replicas-to-write", "0"},
       {"CONFIG", "SET", "tandem-no-such-option", "0"},
       "+config|set",
       0},
      {{"CLIENT", "KILL", "TYPE", "normal"},
       {"CLIENT", "KILL", "TYPE", "tandem"},
       "+client|kill",
       0},
      {{"CLIENT", "PAUSE", "1", "WRITE"},
       {"CLIENT", "PAUSE", "no-time", "WRITE"},
       "+client|pause",
       kFirstWithPauseOfWrites},
      // Without arguments: it would end a pause that somebody needs.
      {{"CLIENT", "UNPAUSE"}, {}, "+client|unpause", kFirstWithPauseOfWrites},
      {{"REPLCONF", "rdb-only", "1"}, {"REPLCONF", "tandem", "1"}, "+replconf", 0},
      // Servers before 7 answer a bad offset with a full synchronisation.
      {{"PSYNC", "?", "-1"}, {}, "+psync", 0},
      {{"PUBSUB", "NUMSUB", "x"}, {"PUBSUB", "NUMSUB", "x"}, "+pubsub|numsub", 0},
      {{"INFO"}, {}, "+info", 0},
  }};
  return kRights;
}

// "7.0.15" -> 700, "6.2.6" -> 602; 0 for what is no version.
int version_of(std::string_view text) {
  constexpr int kMajor = 100;
  int major = 0;
  int minor = 0;
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return 0;
  std::from_chars(text.data(), text.data() + dot, major);
  std::from_chars(text.data() + dot + 1, text.data() + text.size(), minor);
  return major * kMajor + minor;
}

std::string name_of(const Right& right) {
  const bool container =
      right.rule != nullptr && std::string_view(right.rule).find('|') != std::string_view::npos;
  return container ? right.real[0] + ' ' + right.real[1] : right.real[0];
}

// Without these a role moves, too: what is left undone is said when it is.
constexpr std::array<std::string_view, 4> kBesideTheRole = {"; add +client|kill", "; add +replconf",
                                                            "; add +psync", "; add +pubsub|numsub"};

}  // namespace

Inspection::Inspection(std::string server, std::string user)
    : server_(std::move(server)), user_(user.empty() ? "default" : std::move(user)) {}

std::vector<Words> Inspection::facts_read(TimePoint now, const ServerFacts& facts) {
  if (!asked_.empty()) return {};
  const int version = version_of(facts.redis_version);
  const bool new_run = facts.run_id != run_id_;
  const bool look_again = !missing_.empty() && now >= next_look_;
  if (version < kFirstWithAcl || (!new_run && !look_again && !ask_again_)) return {};
  if (!ask_again_) way_ = version >= kFirstWithDryRun ? Way::dry_run : Way::harmless;
  run_id_ = facts.run_id;
  next_look_ = now + kLookAgain;
  ask_again_ = false;
  found_.clear();
  std::vector<Words> questions;
  for (std::size_t i = 0; i < rights().size(); ++i) {
    const Right& right = rights()[i];
    if (version < right.since) continue;
    if (way_ == Way::harmless && right.harmless.empty()) continue;
    Words words = right.harmless;
    if (way_ == Way::dry_run) {
      words = {"ACL", "DRYRUN", user_};
      words.insert(words.end(), right.real.begin(), right.real.end());
    }
    questions.push_back(std::move(words));
    asked_.push_back(i);
  }
  return questions;
}

void Inspection::answered(std::size_t question, const Reply* reply) {
  if (question >= asked_.size()) return;
  const Right& right = rights()[asked_[question]];
  const bool last = question + 1 == asked_.size();
  if (reply == nullptr) {
    run_id_.clear();  // of the next connection
  } else if (way_ == Way::dry_run && reply->is_error()) {
    ask_again_ = true;  // in the other way
  } else {
    const bool refused =
        way_ == Way::dry_run ? reply->type == Reply::Type::bulk : reply->error_code() == "NOPERM";
    if (refused) {
      std::string sentence = "ACL: user " + user_ + " may not run " + name_of(right) + " on ";
      sentence += server_ + "; add " + right.rule;
      found_.insert(std::move(sentence));
    }
  }
  if (!last) return;
  asked_.clear();
  if (ask_again_) way_ = Way::harmless;
  if (!ask_again_ && !run_id_.empty()) missing_ = std::exchange(found_, {});
}

std::string Inspection::in_the_way() const {
  const auto needed = [](const std::string& sentence) {
    return std::none_of(kBesideTheRole.begin(), kBesideTheRole.end(),
                        [&](std::string_view rule) { return sentence.ends_with(rule); });
  };
  const auto found = std::find_if(missing_.begin(), missing_.end(), needed);
  return found == missing_.end() ? std::string() : *found;
}

}  // namespace health
