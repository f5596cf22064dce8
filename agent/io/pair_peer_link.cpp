// The pair's side of the peer link: its word to the other node's agent, and that agent's to the
// rulebook.
#include "agent/io/pair_runner.hpp"
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
  PeerWord word = pair_.word(std::chrono::steady_clock::now());
  word.pair = config_.name;
  word.priority = tracking_.priority().value;
  word.configured = config_.priority.value;
  word.restarting_ms = static_cast<int>(back_in_.count());
  if (word.unfit.empty() && pair_.state() == PairState::standby) {
    word.unfit = local_inspection_.in_the_way();
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
