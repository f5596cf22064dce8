// Whether the peer is reached, and what it said a moment ago. See candidacy.hpp.
#include <algorithm>

#include "agent/candidacy.hpp"

namespace agent {

using health::Health;

const PeerWord* fresh_word(const Sight& sight, const CandidacyRules& rules, TimePoint now) {
  const auto& agent = sight.peer_agent;
  if (!agent.linked || !agent.said || now >= agent.said_at + rules.word_patience) return nullptr;
  return &*agent.said;
}

bool peer_says_it_leads(const Sight& sight, const CandidacyRules& rules, TimePoint now) {
  const PeerWord* word = fresh_word(sight, rules, now);
  return word != nullptr && (word->leads() || word->state == "promoting");
}

std::optional<TimePoint> in_touch_until(const Sight& sight, const CandidacyRules& rules,
                                        TimePoint now) {
  // Dead is a verdict by its host's refusal; were the host away too, it would be unreachable.
  if (sight.leader_advertises || sight.peer.health == Health::dead) return TimePoint::max();
  std::optional<TimePoint> until;
  if (fresh_word(sight, rules, now) != nullptr) {
    until = sight.peer_agent.said_at + rules.word_patience;
  }
  for (const auto& heard : {sight.peer.last_answer, sight.advert_reported_at}) {
    if (!heard || now >= *heard + rules.witness_patience) continue;
    until = std::max(until.value_or(now), *heard + rules.witness_patience);
  }
  return until;
}

std::string isolation_words(const Sight& sight) {
  return "it reaches neither the peer nor track_gateway " + sight.tracking.gateway_name;
}

}  // namespace agent
