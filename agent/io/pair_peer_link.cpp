// The pair's side of the peer link: its word to the other node's agent, and that agent's to the
// rulebook.
#include "agent/io/pair_runner.hpp"
#include "agent/newest.hpp"
#include "agent/peer_settings.hpp"

namespace agent::io {

void PairRunner::join(PeerLinks& links) {
  links_ = &links;
  if (links.status(config_.name).state == PeerLinkStatus::State::off) return;
  links.subscribe(config_.name,
                  {.word = [this] { return peer_word(); },
                   .said = [this](const PeerWord& word) { feed(PairInput(PeerSaid{word})); },
                   .vouched = [this] { feed(PairInput(PeerVouched{})); },
                   .link_changed =
                       [this](bool up, const std::string& why, bool refused) {
                         feed(PairInput(PeerLinkChanged{up, why, refused}));
                       },
                   .compared =
                       [this](const std::vector<std::string>& differences) {
                         feed(PairInput(PeerCompared{differences}));
                       }});
}

PeerWord PairRunner::peer_word() const {
  const PairSnapshot pair = pair_.snapshot();
  const Sight& sight = pair_.sight();
  PeerWord word;
  word.pair = config_.name;
  word.state = to_string(pair.state);
  word.epoch = pair.epoch;
  word.record = sight.record;
  if (word.record) {  // what the other node does not ask for
    word.record->lineage.clear();
    word.record->peer.reset();
    word.record->intent.clear();
    word.record->superseded = word.record->claimed = 0;
    word.record->behind = false;
    word.record->maintenance.reset();
    word.record->moved_away = false;
    word.record->takeovers.clear();
  }
  word.health = health::to_string(sight.local.health);
  if (const auto& facts = sight.local.facts) {
    word.role = health::to_string(facts->role);
    word.replid = facts->replid;
    word.offset = facts->offset;
    word.data_epoch = data_epoch(sight.record, *facts);
  }
  word.priority = tracking_.priority().value;
  word.configured = config_.priority.value;
  word.may_lead = pair.candidacy.may_lead;
  word.why = pair.candidacy.why;
  word.by_operator = pair.by_operator;
  word.alarms = static_cast<int>(pair.alarms.size());
  word.maintenance = pair_.maintained();
  word.restarting_ms = static_cast<int>(back_in_.count());
  if (pair.state == PairState::standby) {
    const auto problems = takeover_problems();
    if (!problems.empty()) word.unfit = problems.front();
  }
  return word;
}

// At once when it changed; the heartbeat repeats it.
void PairRunner::tell_peer() {
  if (links_ == nullptr) return;
  PeerWord word = peer_word();
  if (says_the_same(word, told_peer_)) return;
  told_peer_ = std::move(word);
  links_->say(config_.name);
}

}  // namespace agent::io
