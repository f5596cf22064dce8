// See pair_truth.hpp.
#include "tests/sim/pair_truth.hpp"

namespace sim {

using namespace std::chrono_literals;

namespace {

// What was acknowledged so shortly before a link broke may have been under way.
constexpr auto kUnderWay = 5ms;
// From the moment that hosts can speak until the second of two leaders has fenced its server: a
// word or advert, a fence (rules 5 and 13), or the lease of an agent that is not there (rule 14).
constexpr auto kTwoMasters = 3s;
// A pause of one of the two agents may end in the middle of the other's takeover.
constexpr auto kTwoSafeMasters = 500ms;
// INFO is asked once a second, and the clock of max_replica_age starts with it.
constexpr auto kSightSlack = 2500ms;
// A server that leads is open again after that.
constexpr auto kHeldWhileLeading = 4s;
// An agent knows that a server answers again, or not any more: an attempt to connect that began
// before takes fall x ping_interval to fail, 600 ms, and the next one follows after a
// ping_interval.
constexpr auto kTakesNotice = 1s;
// Within this time a node that is awake learns that the other one leads, or led, from whatever of
// it can be reached: INFO is asked once a second, a word comes with each beat.
constexpr auto kLearns = 1500ms;
constexpr std::size_t kMostViolations = 4;
// What a dead server comes back with.
const std::vector<WriteId>& on_disk(const Server& server) {
  static const std::vector<WriteId> kNothing;
  switch (server.persistence) {
    case Persistence::none: return kNothing;
    case Persistence::aof: return server.data;
    case Persistence::rdb: break;
  }
  return server.saved.data;
}

std::string count(std::size_t number) {
  return std::to_string(number);
}

}  // namespace

WriteId Truth::new_write() {
  writes_.emplace_back();
  return static_cast<WriteId>(writes_.size() - 1);
}

void Truth::acknowledged(WriteId id) {
  Write& write = writes_[id];
  write.acknowledged = true;
  write.at = world_.clock.now();
}

std::vector<WriteId> Truth::missing(const std::vector<WriteId>& data) const {
  std::vector<bool> held(writes_.size());
  for (const WriteId id : data) held[id] = true;
  std::vector<WriteId> out;
  for (WriteId id = 1; id < writes_.size(); ++id) {
    if (writes_[id].acknowledged && !writes_[id].excused && !held[id]) out.push_back(id);
  }
  return out;
}

std::size_t Truth::missing_on(const Server& server) const {
  return missing(server.data).size();
}

void Truth::promoted(Server& server, const std::string& by) {
  promoted_by_a_stranger_.at(server.index) = by.empty();
  if (by.empty()) cut_off_by_a_stranger(server);
  // Somebody else's act, or a replica that is detached to be copied: it does not lead.
  const agent::PairState state = world_.agents[server.index]->state();
  if (by.empty() || state != agent::PairState::promoting) return;
  auto ids = outside_the_fork(unless_accepted(server, missing(server.data)));
  ids = unless_unheard(server.index, ids);
  if (!ids.empty()) judge_promotion(server, ids);
  excuse(ids, losses_.left_behind);
  begins_to_lead(server.index);
  begin_fork(server);
}

void Truth::begins_to_lead(std::size_t node) {
  led_at_.at(node) = world_.clock.now();
  auto& unheard = unheard_since_.at(1 - node);
  if (!unheard) unheard = world_.clock.now();
  hears_since_.at(1 - node).reset();
}

// Something of the other node is there that tells `node` that the other one leads, or has led.
bool Truth::hears_of(std::size_t node) const {
  const Agent& agent = *world_.agents.at(node);
  const Agent& other = *world_.agents.at(1 - node);
  if (!agent.alive || agent.hung) return false;
  const Server& theirs = *world_.servers.at(1 - node);
  const bool outlives = theirs.is_master() && theirs.replid2 == world_.servers.at(node)->replid;
  const bool answers = theirs.alive && !theirs.hung && !theirs.loading();
  if (answers && outlives && world_.network.open(Path::servers)) return true;
  if (!other.alive || other.hung) return false;
  if (agent.link.up && other.link.up && world_.network.open(Path::agents)) return true;
  return other.leads() && world_.network.open(Path::vrrp, 1 - node);
}

void Truth::look_who_hears(std::size_t node) {
  auto& unheard = unheard_since_.at(node);
  if (!unheard) return;
  const Server& server = *world_.servers.at(node);
  auto& since = hears_since_.at(node);
  if (!hears_of(node)) {
    since.reset();
  } else if (!since) {
    since = world_.clock.now();
  }
  const bool follows = server.master && server.link == Server::Link::connected;
  if (follows || (since && world_.clock.now() - *since > kLearns)) unheard.reset();
}

// The other node still has the VIP, and nobody there can know of this promotion.
void Truth::begin_fork(const Server& promoted) {
  const std::size_t other = 1 - promoted.index;
  const Server& server = *world_.servers[other];
  if (!holds_vip(other) || !server.is_master()) return;
  // Its agent does not act, and the one here cannot fence it: the lease of the VIP has to (rule
  // 14).
  const Agent& agent = *world_.agents[other];
  const bool alone = (!agent.alive || agent.hung) && !world_.network.open(Path::servers);
  if (!server.hung && !alone && !world_.network.apart()) return;
  world_.clock.say("from here on two lead, and one cannot know");
  fork_.since = std::min(fork_.since, world_.clock.now());
  fork_.until = TimePoint::max();
  fork_.older = other;
}

bool Truth::holds_vip(std::size_t host) const {
  const Host& one = world_.hosts.at(host);
  return world_.network.host_up.at(host) && one.vip && world_.clock.now() < one.vip_until;
}

// What its dead master had sent was still to arrive, and a stranger's REPLICAOF NO ONE closes the
// connection: no rule can hold on to that.
void Truth::cut_off_by_a_stranger(const Server& server) {
  if (!server.upstream) return;
  const Server& other = *world_.servers[1 - server.index];
  const auto& there = other.alive ? other.data : on_disk(other);
  std::vector<WriteId> lost;
  for (const auto& item : server.upstream->flight) {
    const Write& write = writes_[item.write];
    if (!write.acknowledged || write.excused) continue;
    if (std::find(there.begin(), there.end(), item.write) == there.end())
      lost.push_back(item.write);
  }
  excuse(lost, losses_.foreign);
}

void Truth::taken(Server& server) {
  const bool strangers = std::exchange(promoted_by_a_stranger_.at(server.index), false);
  auto ids = outside_the_fork(unless_accepted(server, missing(server.data)));
  ids = unless_unheard(server.index, beside_its_own_leading(server.index, ids));
  begins_to_lead(server.index);
  begin_fork(server);
  if (ids.empty()) return;
  // Without the other agent's word a stranger's promotion is one like any other.
  const std::size_t other = 1 - server.index;
  const bool alone = strangers && !world_.agents[other]->alive;
  if (alone && owes(*world_.servers[other], ids)) {
    // left to replaced()
  } else if (server.lost_at) {
    judge_promotion(server, ids);  // somebody else made it a master
  } else if (promised_) {
    violated(server.name() + " leads without " + count(ids.size()) +
             " acknowledged writes, the last of them #" + count(ids.back()));
  }
  excuse(ids, losses_.left_behind);
}

// Both restarted, one from an append-only file and so with a new lineage, the other from an RDB
// file, and offsets in the records are seconds old: epochs and who led decide (rule 11), which may
// be wrong. What the loser has more has to be kept (rule 10).
bool Truth::histories_are_gone(const Server& one, const Server& other) {
  const bool mixed =
      (one.persistence == Persistence::aof) != (other.persistence == Persistence::aof);
  const bool related =
      one.replid == other.replid || one.replid2 == other.replid || other.replid2 == one.replid;
  return mixed && !related && one.life > 1 && other.life > 1;
}

void Truth::judge_promotion(Server& server, const std::vector<WriteId>& ids) {
  if (!promised_) return;
  const Agent& agent = *world_.agents[server.index];
  const Server& other = *world_.servers[1 - server.index];
  const std::string what = server.name() + " was promoted without " + count(ids.size()) +
                           " acknowledged writes, the last of them #" + count(ids.back());
  const auto& unseen = unseen_since_[server.index];
  const bool there = other.alive && !other.hung && world_.network.open(Path::servers);
  if (there && other.is_master() && !unseen) {
    return violated(what + ", although the master is there");
  }
  // Out of reach, or only just not, it is as good as gone, though its stream may still flow.
  const bool streams = !server.lost_at && there && !unseen;
  if (streams) return violated(what + ", which were still on their way to it");
  const TimePoint lost_at = server.lost_at.value_or(world_.clock.now());
  const bool older = std::any_of(ids.begin(), ids.end(),
                                 [&](WriteId id) { return writes_[id].at + kUnderWay < lost_at; });
  if (older) return violated(what + ", some of them older than the loss of its link");
  if (histories_are_gone(server, other) && owes(other, ids)) return;
  const Duration age = unseen.value_or(world_.clock.now()) - lost_at;
  if (age > agent.settings.max_replica_age + kSightSlack) {
    return violated(what + ", long after it had lost its link");
  }
}

void Truth::replaced(Server& server, const std::vector<WriteId>& data) {
  std::vector<bool> kept(writes_.size());
  for (const WriteId id : data) kept[id] = true;
  int lost = 0;
  std::size_t owed = 0;
  std::vector<WriteId> promised;
  for (const WriteId id : server.data) {
    if (kept[id] || !writes_[id].acknowledged) continue;
    if (!writes_[id].preserved) ++lost;
    if (writes_[id].owed && !writes_[id].preserved) ++owed;
    if (writes_[id].excused) continue;
    // Taken by the older of two leaders, and kept (rules 10 and 13).
    const bool beside = writes_[id].preserved && writes_[id].at >= led_at_[1 - server.index];
    if (beside) {
      excuse({id}, losses_.forked);
    } else {
      promised.push_back(id);
    }
  }
  if (lost > 0) {
    ++losses_.replaced_sets;
    losses_.replaced_writes += lost;
  }
  if (owed > 0 && !server.foreign_master) {
    violated(server.name() + ": " + count(owed) + " writes were replaced without a copy");
  }
  // A server in quarantine gives its data to nobody, until a stranger makes it a master (rule 1).
  const bool strangers = server.foreign_master || promoted_by_a_stranger_.at(1 - server.index);
  if (strangers) return excuse(promised, losses_.foreign);
  promised = outside_the_fork(promised);
  fork_ = {};
  if (!promised_) return;
  if (data.empty() && !server.data.empty()) {
    violated(server.name() + ": " + count(server.data.size()) + " writes were replaced by nothing");
  }
  if (!promised.empty()) {
    violated(server.name() + ": " + count(promised.size()) +
             " acknowledged writes that nobody excused were replaced");
  }
  excuse(promised, losses_.left_behind);
}

void Truth::preserved(const Server& server) {
  for (const WriteId id : server.data) writes_[id].preserved = true;
}

void Truth::died(Server& server) {
  const Server& other = *world_.servers[1 - server.index];
  std::vector<bool> safe(writes_.size());
  if (other.alive) {
    for (const WriteId id : other.data) safe[id] = true;
    if (other.upstream) {
      for (const auto& item : other.upstream->flight) safe[item.write] = true;
    }
  } else {
    for (const WriteId id : on_disk(other)) safe[id] = true;
  }
  for (const WriteId id : on_disk(server)) safe[id] = true;
  // Also what was under way to it from a server that died before.
  std::vector<WriteId> tail;
  for (WriteId id = 1; id < writes_.size(); ++id) {
    if (writes_[id].acknowledged && !writes_[id].excused && !safe[id]) tail.push_back(id);
  }
  excuse(tail, losses_.tail);
}

bool Truth::serves(std::size_t host) const {
  const Server& server = *world_.servers.at(host);
  return holds_vip(host) && server.writable() && !server.paused();
}

void Truth::look() {
  const TimePoint now = world_.clock.now();
  for (std::size_t node = 0; node < 2; ++node) {
    look_who_hears(node);
    const Server& other = *world_.servers[1 - node];
    const bool seen = other.alive && !other.hung && world_.network.open(Path::servers);
    auto& unseen = unseen_since_.at(node);
    auto& since_seen = seen_since_.at(node);
    if (seen && !since_seen) since_seen = now;
    if (!seen) since_seen.reset();
    if (!seen && !unseen) unseen = now;
    if (seen && now - *since_seen > kTakesNotice) unseen.reset();

    const Server& server = *world_.servers.at(node);
    const bool held = world_.agents[node]->leads() && !world_.agents[node]->hung && server.alive &&
                      !server.hung && server.is_master() && (server.fenced() || server.paused());
    auto& since = held_since_.at(node);
    if (!held) since.reset();
    if (held && !since) since = now;
    // In mode "safe" a leader without its standby refuses writes, as it should (rule 12).
    if (since && !safe_ && now - *since > kHeldWhileLeading) {
      violated(server.name() + " is " + (server.fenced() ? "fenced" : "paused") +
               " although its node leads");
      since = now + 1h;
    }
  }
  const bool forked = fork_.until == TimePoint::max() && fork_.since != TimePoint::max();
  if (forked && !holds_vip(fork_.older)) fork_.until = now;
  if (world_.network.apart()) {
    apart_until_ = now;
    if (!apart_since_) apart_since_ = now;
  } else if (apart_since_ && now - *apart_until_ > kTakesNotice) {
    apart_since_.reset();
  }
  if (world_.servers[0]->upstream || world_.servers[1]->upstream) overruled_ = false;
  if (!serves(0) || !serves(1)) return two_since_.reset();
  if (!two_since_) two_since_ = now;
  // In mode "safe" also while neither can know of the other (rule 12), but for an operator's word.
  const bool safe = safe_ && !overruled_;
  const TimePoint apart = safe ? *two_since_ : apart_until_.value_or(*two_since_);
  if (now - std::max(*two_since_, apart) > (safe ? kTwoSafeMasters : kTwoMasters)) {
    violated("two masters take writes at the VIP");
    two_since_ = now + 1h;
  }
}

void Truth::expect_all_on(const Server& server) {
  if (!promised_) return;
  const auto ids = missing(server.data);
  if (ids.empty()) return;
  violated("the leader lacks " + count(ids.size()) + " acknowledged writes, the first of them #" +
           count(ids.front()));
}

void Truth::violated(const std::string& what) {
  world_.clock.say("VIOLATED: " + what);
  if (violations_.size() < kMostViolations) violations_.push_back(what);
}

}  // namespace sim
