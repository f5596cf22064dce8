// The peer link of a simulated agent: what it says to the other node's, hears of it, and whether it
// is there at all.
#include <utility>

#include "tests/sim/model_agent.hpp"

namespace sim {

using namespace std::chrono_literals;

agent::PeerWord Agent::word() const {
  agent::PeerWord out = pair->word(local());
  out.pair = "redis";
  out.priority = out.configured = settings.priority.value;
  return out;
}

void Agent::tell_peer() {
  if (!link.up) return;
  agent::PeerWord now = word();
  if (says_the_same(now, told_)) return;
  told_ = now;
  if (!world.network.open(Path::agents)) return;
  world.clock.after(200us, [this, run = life, now = std::move(now)] {
    if (run == life && world.network.open(Path::agents)) other().hear(run, now);
  });
}

void Agent::hear(std::uint64_t theirs, const agent::PeerWord& said) {
  deliver([this, theirs, said] {
    if (!link.up || link.theirs != theirs) return;
    link.heard = world.clock.now();
    feed(agent::PairInput(agent::PeerSaid{said}));
  });
}

void Agent::set_link(bool up, const std::string& why) {
  if (link.up == up) return;
  link.up = up;
  link.refused = false;
  link.heard = world.clock.now();
  told_ = {};
  world.clock.say(name() + ": the peer link is " + (up ? "up" : "down: " + why));
  if (!up && asked_) answer_asked(asked_->id, false, "the peer link went down");
  feed(agent::PairInput(agent::PeerLinkChanged{up, why}));
}

// A call that comes to nothing: refused by a host whose agent is not there, or unanswered.
void Agent::call_the_other() {
  if (!alive || hung || !settings.peer_link || link.up) return;
  const bool refused = world.network.open(Path::agents) && !other().alive;
  if (refused == link.refused) return;
  link.refused = refused;
  const std::string why = refused ? "Connection refused" : "no answer";
  feed(agent::PairInput(agent::PeerLinkChanged{false, why, refused}));
}

// A heartbeat, which carries the word; and whether the other side still sends its own.
void Agent::link_beat() {
  if (!alive || hung || !settings.peer_link) return;
  const Duration beat = rules.candidacy.word_patience / 3;
  if (link.up && world.clock.now() - link.heard > 3 * beat) set_link(false, "silence");
  if (!link.up || !world.network.open(Path::agents)) return;
  world.clock.after(200us, [this, run = life, now = word()] {
    if (run == life && world.network.open(Path::agents)) other().hear(run, now);
  });
}

void Agent::advert(const vrrp::IpAddress& from, vrrp::Priority priority, Duration interval) {
  deliver([this, from, priority, interval, arrived = world.clock.now()] {
    const Duration waited = world.clock.now() - arrived;
    feed(vrrp::InstanceInput(vrrp::AdvertReceived{from, priority, interval, waited}));
  });
}

}  // namespace sim
