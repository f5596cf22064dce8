// See story.hpp.
#include "scenarios/story.hpp"

#include <sstream>
#include <stdexcept>
#include <vector>

#include "agent/pair.hpp"
#include "scenarios/words.hpp"

namespace scenarios {
namespace {

using namespace std::chrono_literals;

// This node is 10.0.0.2, the peer 10.0.0.1.
agent::PairRules rules() {
  agent::PairRules rules;
  rules.name = "redis";
  rules.candidacy.peer = {"10.0.0.1", 6379};
  rules.candidacy.max_replica_age = 30s;
  rules.candidacy.wait_for_peer = 60s;
  rules.candidacy.vip_lease = 2s;
  rules.candidacy.max_lag_time = 2s;
  rules.candidacy.advert_interval = 100ms;
  rules.candidacy.advert_patience = 300ms;
  rules.candidacy.witness_patience = 200ms;
  rules.candidacy.word_patience = 300ms;
  rules.replication = {"10.0.0.2", 6379};
  rules.promote_budget = 3s;
  rules.handover_budget = 2s;
  return rules;
}

agent::TimePoint parse_time(const std::string& text) {
  if (text.size() < 3 || text.substr(text.size() - 2) != "ms") {
    throw std::runtime_error("a line begins with a time like 10ms, not " + text);
  }
  return agent::TimePoint{} + std::chrono::milliseconds(std::stoll(text));
}

std::vector<std::string> split(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

bool is_effect(const std::vector<std::string>& words) {
  return !words.empty() && words.front() == "->";
}

}  // namespace

std::string replay(const std::string& text) {
  agent::PairRules chosen = rules();
  chosen.rejoin_alone = text.find("\n# rules: rejoin manual\n") == std::string::npos;
  chosen.candidacy.safe = text.find("\n# rules: safe\n") != std::string::npos;
  chosen.candidacy.preempt = text.find("\n# rules: preempt\n") != std::string::npos;
  if (text.find("\n# rules: one takeover an hour\n") != std::string::npos) {
    chosen.max_takeovers = 1;
    chosen.hold_down = 4s;
  }
  if (text.find("\n# rules: hold_down\n") != std::string::npos) chosen.hold_down = 4s;
  chosen.fence = text.find("\n# rules: fence\n") != std::string::npos;
  const bool recovers = text.find("\n# rules: recovery\n") != std::string::npos;
  chosen.recovery = {.possible = recovers, .automatic = recovers, .delay = 5s};
  const bool asks = text.find("\n# rules: veto") != std::string::npos;
  chosen.veto = {.promotion = asks, .demotion = asks, .timeout = 1s};
  chosen.veto.silence_is_veto = text.find("\n# rules: veto by silence\n") != std::string::npos;
  chosen.failback = text.find("\n# rules: failback\n") != std::string::npos;
  chosen.priority = 250;
  agent::Pair pair(chosen);
  std::uint64_t last_work = 0;
  std::string out;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    auto words = split(line);
    if (is_effect(words)) continue;
    out += line + "\n";
    if (words.empty() || words.front().front() == '#') continue;
    try {
      const agent::TimePoint now = parse_time(words.front());
      words.erase(words.begin());
      for (const auto& effect : pair.step(now, parse_input(words, last_work))) {
        out += "           -> " + format_effect(effect) + "\n";
        if (const auto* work = std::get_if<agent::StartWork>(&effect)) last_work = work->id;
        if (const auto* keep = std::get_if<agent::Preserve>(&effect)) last_work = keep->id;
        if (const auto* fence = std::get_if<agent::FenceHost>(&effect)) last_work = fence->id;
        if (const auto* asked = std::get_if<agent::AskScript>(&effect)) last_work = asked->id;
      }
    } catch (const std::exception& error) {
      throw std::runtime_error("line " + std::to_string(number) + ": " + error.what());
    }
  }
  return out;
}

}  // namespace scenarios
