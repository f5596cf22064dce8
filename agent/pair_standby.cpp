// Standing by: whoever does not lead is a replica of the leader (rules 6 and 8), and the record is
// kept true to the last sight.
#include <algorithm>
#include <utility>

#include "agent/newest.hpp"
#include "agent/pair.hpp"

namespace agent {

using health::Health;
using hooks::Target;

namespace {
constexpr auto kFollowRetry = std::chrono::seconds(1);
constexpr auto kLinkPoll = std::chrono::milliseconds(100);
// REPLCONF ACK comes once a second (replicationCron), and a little later.
constexpr auto kAckPeriod = std::chrono::milliseconds(1500);
constexpr std::chrono::seconds kOldestAck{3};
constexpr auto kOffsetPeriod = std::chrono::seconds(2);
}  // namespace

// A replica of the leader and of nobody else: a stranger's REPLICAOF is taken back, an old master
// that returned writable is not left so.
void Pair::follow_the_leader(TimePoint now) {
  if (work_ || !stands_by() || maintained()) return;
  if (would_wipe_the_peer()) return start_following(now);
  if (sight_.local.health == Health::up && replicates_unasked()) {
    if (!follow_retry_) hold_what_was_led(now);
    return;
  }
  if (!sight_.leader_advertises && !strayed(sight_)) return;
  if (sight_.local.health != Health::up || sight_.peer.health != Health::up) return;
  if (!sight_.local.facts || !sight_.peer.is_master()) return;
  // FAILOVER makes the local server a master before this node is told to lead.
  const auto& said = sight_.peer_agent.said;
  if (sight_.local.is_master() && said && said->state == to_string(PairState::leaving)) return;
  const health::ServerFacts& local = *sight_.local.facts;
  if (follows_the_peer()) {
    follow_problem_.clear();
    return end_rejoining();
  }
  if (follow_retry_) return;
  if (would_wipe_the_last_copy()) {
    if (follow_problem_.empty()) emit(PostFence{});
    follow_problem_ = "the leader's server is empty while this one holds " +
                      std::to_string(*local.keys) + " keys: not followed, writes are fenced";
    follow_retry_ = now + kFollowRetry;
    return;
  }
  rejoin(now);
}

// redis.conf may name the leader's host in another way; the lineage does not lie.
bool Pair::follows_the_peer() const {
  if (!sight_.local.is_replica()) return false;
  const health::ServerFacts& local = *sight_.local.facts;
  const bool same_lineage = sight_.peer.facts && local.replid == sight_.peer.facts->replid;
  return local.master == rules_.candidacy.peer || (local.link_up && same_lineage);
}

// A server that came back as an empty master: its replica still holds the data and copies the void
// a second later. As the replica of its replica it serves nobody a sync, and both are compared.
bool Pair::would_wipe_the_peer() const {
  const ServerSight& local = sight_.local;
  const ServerSight& peer = sight_.peer;
  return !follow_retry_ && local.health == Health::up && local.is_master() &&
         local.facts->keys == 0 && peer.health == Health::up && peer.is_replica() &&
         peer.facts->keys.value_or(0) > 0;
}

bool Pair::would_wipe_the_last_copy() const {
  return sight_.local.facts && sight_.peer.facts && sight_.peer.facts->keys == 0 &&
         sight_.local.facts->keys.value_or(0) > 0;
}

// Keeps the record true to the last sight. What a standby remembers of being in sync changes only
// while the leader is there to be in sync with; what it remembers of its lineage stays until it
// follows, for the judgement before that rests on it.
void Pair::remember(TimePoint now) {
  if (!sight_.local.facts || std::holds_alternative<Promoting>(state_)) return;
  if (lost_touch_with_the_leader()) {
    sight_.record->in_sync = false;
    emit(Persist{*sight_.record, false});
    return;
  }
  note_behind();
  Record record = sight_.record.value_or(Record{});
  const health::ServerFacts& local = *sight_.local.facts;
  if (std::holds_alternative<Leading>(state_)) {
    record.role = RecordRole::leader;
    // A standby that fell silent in sync may lead since.
    if (standby_in_sync()) {
      record.in_sync = true;
    } else if (proof_that_nobody_else_leads(now)) {
      record.in_sync = false;
    }
  } else if (stands_by() && sight_.leader_advertises && follows_the_peer() &&
             !returned_as_a_replica() && !taken_unsynced_) {
    record.role = RecordRole::standby;
    record.in_sync = sight_.local.link_up_since && sight_.in_sync_at;
    // The epoch is that of the data: who only begins to follow has none of it yet.
    std::uint64_t& epoch = record.in_sync ? record.epoch : record.superseded;
    if (record.in_sync || sight_.peer_epoch > record.epoch) {
      epoch = std::max(epoch, sight_.peer_epoch);
    }
    // A promotion that was begun, or was about to begin, has not come about.
    if (record.in_sync && !claim_ahead_) record.claimed = 0;
  } else {
    return note_superseded(now);
  }
  const bool leads = record.role == RecordRole::leader;
  if (leads || record.in_sync) {
    record.superseded = 0;
    record.behind = false;
  }
  // Told to follow is not linked yet: until then the lineage is that of what it followed before.
  const bool current = leads || sight_.local.link_up_since || !sight_.record;
  if (current) {
    if (local.keys) record.has_data = *local.keys > 0;
    record.run_id = local.run_id;
    record.replid = local.replid;
  }
  note_history(now, record);
  // Moving offsets alone are written now and then: they tell an old file from a fresh one.
  const bool fresh = offset_kept_at_ && now < *offset_kept_at_ + kOffsetPeriod;
  if (current && (!fresh || !sight_.record)) record.offset = local.offset;
  if (sight_.record == record) return;
  if (current) record.offset = local.offset;
  if (const auto& peer = sight_.peer.facts) {
    record.peer = PeerSeen{peer->replid, peer->offset, peer->keys.value_or(0), unix_time(now)};
  }
  offset_kept_at_ = now;
  sight_.record = record;
  emit(Persist{record, false});
}

// What comes back may have less than was seen last, which the file tells only now and then.
void Pair::note_last_offset(const health::ServerFacts& seen) {
  if (!sight_.record || seen.run_id != sight_.record->run_id) return;
  if (seen.replid != sight_.record->replid || seen.offset <= sight_.record->offset) return;
  sight_.record->offset = seen.offset;
  emit(Persist{*sight_.record, false});
}

// Whoever sees newer data at the peer remembers it: when the peer is out of sight that data is not
// gone. The local server is asked last, and is not about to receive it.
void Pair::note_behind() {
  const ServerSight& local = sight_.local;
  const ServerSight& peer = sight_.peer;
  if (!idle() || !sight_.record || local.health != Health::up || peer.health != Health::up) return;
  if (!local.facts || !peer.facts || local.link_up_since) return;
  // FAILOVER makes the local server a master before its data is the newer.
  const auto& said = sight_.peer_agent.said;
  if (said && said->state == to_string(PairState::leaving)) return;
  if (*peer.facts_at < sight_.idle_since || *local.facts_at < *peer.facts_at) return;
  auto newer = newer_data(sight_);
  // It restarted, and what it followed goes on: how far is not known any more.
  const Record& record = *sight_.record;
  const bool goes_on = record.role == RecordRole::standby && record.run_id != local.facts->run_id &&
                       record.replid == peer.facts->replid;
  if (newer == Fresher::unknown && goes_on) newer = Fresher::peer;
  if (newer == Fresher::unknown || (newer == Fresher::peer) == sight_.record->behind) return;
  sight_.record->behind = newer == Fresher::peer;
  emit(Persist{*sight_.record, false});
}

// The leader goes on, and what it takes from now on is not here.
bool Pair::lost_touch_with_the_leader() const {
  const bool without = idle() && sight_.leader_advertises && !server_usable();
  return without && sight_.record && sight_.record->role == RecordRole::standby &&
         sight_.record->in_sync;
}

// A promotion is seen twice: by who was promoted, and by who follows.
void Pair::note_history(TimePoint now, Record& record) const {
  const bool leads = std::holds_alternative<Leading>(state_);
  const ServerSight& master = leads ? sight_.local : sight_.peer;
  // What was read before the promotion is of the lineage that it ended.
  const bool current = master.is_master() && (!leads || *master.facts_at > since_);
  if (!current || (!leads && !sight_.local.link_up_since)) return;
  const health::ServerFacts& facts = *master.facts;
  note_lineage(record.lineage, {record.epoch, facts.replid, facts.replid2, facts.second_offset,
                                unix_time(now), leads ? reason_ : "the other node leads"});
}

std::int64_t Pair::unix_time(TimePoint now) const {
  return begun_at_ + std::chrono::duration_cast<std::chrono::seconds>(now - sight_.started).count();
}

// Its server is a master whose lineage came out of the local server's.
bool Pair::peer_was_promoted() const {
  const ServerSight& peer = sight_.peer;
  if (peer.health != Health::up || !peer.is_master() || *peer.facts_at < sight_.idle_since) {
    return false;
  }
  return outlived(*sight_.local.facts, *peer.facts) && !peer_strayed(sight_);
}

// Whoever led once does not forget that somebody else leads after it: if that one is gone by the
// time the local server is asked for, what is here is not the newest.
void Pair::note_superseded(TimePoint now) {
  // It may have resigned again before this node had left the role: what counts is that it led.
  const bool led = heard_another_leader_ || peer_says_it_leads(sight_, rules_.candidacy, now) ||
                   peer_was_promoted();
  if (!led || !sight_.record) return;
  if (!idle() && !std::holds_alternative<Leaving>(state_)) return;
  if (sight_.record->role == RecordRole::standby) {
    // The leader goes on without the local server.
    if (stands_by() && follows_the_peer()) return;
    if (!std::exchange(sight_.record->in_sync, false)) return;
    return emit(Persist{*sight_.record, false});
  }
  const std::uint64_t epoch = std::max(sight_.record->epoch + 1, sight_.peer_epoch);
  if (sight_.record->superseded >= epoch) return;
  sight_.record->superseded = epoch;
  emit(Persist{*sight_.record, false});
}

void Pair::note_link(TimePoint now, ServerSight& server) {
  const bool linked =
      server.is_replica() && server.facts->link_up && !server.facts->sync_in_progress;
  if (!linked) {
    server.link_up_since.reset();
    return;
  }
  if (!server.link_up_since) {
    server.link_up_since = now;
    server.link_up_offset = server.facts->offset;
    server.link_streams = false;
  }
  // A replica's offset moves by the stream alone; an idle one acknowledges each second.
  if (server.facts->offset > server.link_up_offset || now > *server.link_up_since + 2 * kAckPeriod)
    server.link_streams = true;
  server.followed = server.facts->replid;
}

void Pair::note_marks(TimePoint now, const ServerSight& before, ServerSight& server) {
  auto& marks = server.marks;
  const bool goes_on =
      before.is_master() && server.is_master() && before.facts->replid == server.facts->replid;
  if (!goes_on) marks.clear();
  if (!server.is_master()) return;
  if (!marks.empty() && now < marks.back().at + kMarkPeriod) return;
  marks.push_back({now, server.facts->offset});
  while (marks.size() > 1 && now >= marks[1].at + kMarkAge) marks.erase(marks.begin());
}

// Link up is not in sync yet: after a diskless full sync the master sends the stream only when it
// has taken the replica's first REPLCONF ACK, which can be a second later, and what it acknowledges
// to clients meanwhile exists once. So the master's word is needed too.
void Pair::note_sync(TimePoint now) {
  const ServerSight& local = sight_.local;
  const ServerSight& peer = sight_.peer;
  standby_in_sync_ = peer.health == Health::up && peer.link_up_since &&
                     acknowledged(now, local, peer, rules_.candidacy.peer);
  // What a replica was before it led says nothing about the next leader.
  if (local.is_master()) sight_.in_sync_at.reset();
  if (!local.link_up_since) return;
  // A master that does not tell us anything leaves only the link to go by. One that hangs while
  // this agent starts tells nothing either: then it is the record that knows.
  const bool known = sight_.record && sight_.record->in_sync && local.facts &&
                     sight_.record->run_id == local.facts->run_id;
  const bool silent = !peer.facts && (known || sight_.leader_advertises);
  const bool mute = peer.health == Health::denied || silent;
  const bool confirmed =
      peer.health == Health::up && acknowledged(now, peer, local, rules_.replication);
  // Of a server that does not answer it is only known what it had.
  const bool abreast = peer.health == Health::up && caught_up(peer, local);
  if (mute || confirmed || abreast) sight_.in_sync_at = now;
}

// A third witness beside adverts and answers: its writes arrive.
void Pair::note_stream(TimePoint now, const ServerSight& before) {
  const auto linked = [](const ServerSight& server) {
    return server.is_replica() && server.facts->link_up;
  };
  if (!linked(before) || !linked(sight_.local)) return;
  const health::ServerFacts& then = *before.facts;
  const health::ServerFacts& facts = *sight_.local.facts;
  if (then.replid != facts.replid || facts.offset <= then.offset) return;
  sight_.stream = Sight::Stream{*before.facts_at, now};
}

// Whether `replica` held all that `master` had a moment before: the master was asked first.
bool Pair::caught_up(const ServerSight& master, const ServerSight& replica) {
  return master.is_master() && master.facts->replid == replica.facts->replid &&
         *master.facts_at >= *replica.link_up_since && *replica.facts_at >= *master.facts_at &&
         replica.facts->offset >= master.facts->offset;
}

// Whether `master` has heard an acknowledgement of `replica` since its link came up.
bool Pair::acknowledged(TimePoint now, const ServerSight& master, const ServerSight& replica,
                        const health::Endpoint& replica_endpoint) const {
  if (!master.is_master() || *master.facts_at < *replica.link_up_since) return false;
  // Nothing was ever streamed, so there is no offset to acknowledge; the first one is due in 1 s.
  if (master.facts->offset == 0) return now >= *replica.link_up_since + kAckPeriod;
  const auto& replicas = master.facts->replicas;
  const auto& marks = master.marks;
  // The acknowledgement that ends a full sync can come before the master waits for it (redis-server
  // under load): it is counted, but the stream begins with the next one. A path that swallows the
  // stream leaves the link up at both ends until repl-timeout.
  const auto acks = [&](const health::ConnectedReplica& one) {
    const bool all = one.offset > replica.link_up_offset || one.offset >= master.facts->offset;
    const bool behind =
        !marks.empty() && now >= marks.front().at + kMarkAge && one.offset < marks.front().offset;
    return one.online && one.offset > 0 && (replica.link_streams || all) && !behind &&
           one.lag <= kOldestAck.count();
  };
  const auto* named = named_replica(*master.facts, replica_endpoint);
  if (named != nullptr) return acks(*named);
  return std::any_of(replicas.begin(), replicas.end(), [&](const auto& one) {
    return acks(one) && !is_further_replica(one.endpoint);
  });
}

// A link that comes up decides whether a failover would work; that is worth more than one look in
// each info_interval. Both sides are asked: the replica knows its link first, the master the rest.
void Pair::watch_the_link(TimePoint now) {
  const bool leads = std::holds_alternative<Leading>(state_);
  const ServerSight& replica = leads ? sight_.peer : sight_.local;
  const bool links = replica.health == Health::up && replica.is_replica() &&
                     (leads ? !standby_in_sync() : !replica.link_up_since || !sight_.in_sync_at);
  // An old master follows as soon as the new leader's server is one.
  const bool changes = !leads && sight_.leader_advertises && sight_.local.is_master() &&
                       sight_.peer.health == Health::up && sight_.peer.is_replica();
  // Whom nobody can ask may still stream.
  const bool silent =
      !leads && sight_.local.link_up_since &&
      (sight_.peer.health == Health::hung || sight_.peer.health == Health::unreachable);
  const bool waits = links || changes || silent;
  if (!waits || (!leads && !stands_by())) return look_again_.reset();
  if (look_again_ && now < *look_again_) return;
  if (look_again_) {
    emit(RefreshFacts{Target::local});
    emit(RefreshFacts{Target::peer});
  }
  look_again_ = now + kLinkPoll;
}

}  // namespace agent
