// Replication of simulated servers: roles, handshake, partial and full resync, the stream and its
// acknowledgements. See model_server.hpp.
#include "tests/sim/model_server.hpp"

namespace sim {

using namespace std::chrono_literals;
using health::Reply;

namespace {

constexpr std::int64_t kPingBytes = 14;
constexpr auto kReplTimeout = 60s;
constexpr std::uint64_t kPingPeriod = 10;  // in seconds

}  // namespace

std::string Server::new_id(char kind) const {
  return kind + std::to_string(world.clock.pick(1000000000));
}

Reply Server::replicaof(const Words& words, const std::string& by) {
  if (words[1] == "NO") {
    if (master) stand_alone(by);
    return Reply::status("OK");
  }
  const health::Endpoint endpoint{words[1], static_cast<std::uint16_t>(std::stoi(words[2]))};
  if (master == endpoint) return Reply::status("OK Already connected to specified master");
  follow(endpoint);
  foreign_master = by.empty();
  return Reply::status("OK");
}

void Server::stand_alone(const std::string& by) {
  world.promoted(*this, by);
  lose_link();
  master.reset();
  link = Link::none;
  ++link_number;
  has_cached_master = false;
  replid2 = replid;
  second_offset = offset + 1;
  replid = new_id('r');
  drop_replica();
  if (!by.empty()) lost_at.reset();
  world.clock.say(name() + " is promoted with " + std::to_string(data.size()) + " writes, " +
                  replid + ":" + std::to_string(offset));
}

void Server::follow(const health::Endpoint& endpoint) {
  world.clock.say(name() + " is made a replica of " + endpoint.to_string());
  if (!lost_at) lost_at = now();
  if (!master) has_cached_master = true;  // of its own past
  lose_link();
  drop_replica();
  master = endpoint;
  link = Link::connect;
  const auto number = ++link_number;
  world.clock.after(200us, [this, number] {
    if (link_number == number) try_connect();
  });
}

// Our end of the upstream goes; the master hears of it when it can.
void Server::lose_link() {
  const auto stream = std::exchange(upstream, nullptr);
  if (!stream) return;
  stream->ended = true;
  if (!lost_at) lost_at = now();
  Server& leader = other();
  if (leader.downstream == stream && world.network.open(Path::replication)) {
    leader.downstream.reset();
  }
}

// The other end of the upstream went.
void Server::link_broken() {
  pump();
  lose_link();
  link = Link::connect;
  const auto number = ++link_number;
  world.clock.say(name() + " has lost its link");
  world.clock.after(200us, [this, number] {
    if (link_number == number) try_connect();
  });
}

// Ends the connection of the replica; what is in flight arrives first.
void Server::drop_replica() {
  const auto stream = std::exchange(downstream, nullptr);
  if (!stream) return;
  stream->ended = true;
  if (deaf_kernel) return;  // no FIN from a host that is gone
  const TimePoint last = stream->flight.empty() ? now() : stream->flight.back().due;
  world.clock.at(last + 100us, [this, stream] {
    Server& replica = other();
    if (replica.upstream == stream && world.network.open(Path::replication) && !replica.hung) {
      replica.link_broken();
    }
  });
}

void Server::try_connect() {
  if (!alive || hung || loading() || link != Link::connect || !master) return;
  if (*master != endpoint_of(1 - index) || !world.network.open(Path::replication)) return;
  if (!other().alive || other().hung) return;
  link = Link::handshake;
  const auto number = ++link_number;
  world.clock.after(world.clock.between(500us, 4ms), [this, number] {
    if (link_number == number) handshake();
  });
}

void Server::handshake() {
  Server& from = other();
  link = Link::connect;  // unless it succeeds, cron tries again
  if (!world.network.open(Path::replication) || hung || !from.alive || from.hung) return;
  if (from.loading()) return;
  if (from.master && from.link != Link::connected) return;  // -NOMASTERLINK
  from.pump();
  from.drop_replica();
  if (from.may_continue(*this)) return continue_from(from);
  full_sync_from(from);
}

bool Server::may_continue(const Server& replica) const {
  if (!replica.has_cached_master || !has_backlog) return false;
  const std::int64_t wanted = replica.offset + 1;
  const bool known =
      replica.replid == replid || (replica.replid == replid2 && wanted <= second_offset);
  return known && replica.offset >= backlog_from && wanted <= offset + 1;
}

void Server::continue_from(Server& from) {
  world.clock.say(name() + " continues at " + std::to_string(offset));
  if (replid != from.replid) {
    replid2 = replid;
    second_offset = offset + 1;
    replid = from.replid;
  }
  if (!has_backlog) {
    has_backlog = true;
    backlog_from = offset;
  }
  auto stream = std::make_shared<Stream>();
  stream->master = from.index;
  stream->replica = index;
  stream->online = stream->started = true;
  stream->acknowledged_at = now();
  for (const auto& item : from.backlog) {
    if (item.offset > offset) stream->flight.push_back({now() + 300us, item.offset, item.write});
  }
  from.downstream = upstream = stream;
  link = Link::connected;
  pump();
}

void Server::full_sync_from(Server& from) {
  if (!from.has_backlog) {
    from.replid = from.new_id('r');
    from.replid2.clear();
    from.second_offset = -1;
    from.has_backlog = true;
    from.backlog_from = from.offset;
  }
  has_cached_master = false;
  link = Link::transfer;
  auto stream = std::make_shared<Stream>();
  stream->master = from.index;
  stream->replica = index;
  stream->acknowledged_at = now();
  from.downstream = upstream = stream;
  world.clock.say(name() + " is being synchronised in full");
  Save snapshot{from.data, from.replid, from.offset, now()};
  const auto number = link_number;
  const Duration takes = world.clock.chance(0.7) ? world.clock.up_to(50ms) : world.clock.up_to(1s);
  world.clock.after(5ms + takes, [this, number, stream, snapshot = std::move(snapshot)] {
    if (link_number == number && upstream == stream) loaded(stream, snapshot);
  });
}

void Server::loaded(const std::shared_ptr<Stream>& stream, const Save& snapshot) {
  if (hung || !world.network.open(Path::replication) || stream->ended) return link_broken();
  world.replaced(*this, snapshot.data);
  data = snapshot.data;
  replid = snapshot.replid;
  replid2.clear();
  second_offset = -1;
  offset = snapshot.offset;
  backlog.clear();
  backlog_from = offset;
  has_backlog = has_cached_master = true;
  link = Link::connected;
  stream->online = true;
  stream->acknowledged_at = now();
  note_whole();
  world.clock.say(name() + " is synchronised: " + std::to_string(data.size()) + " writes, " +
                  replid + ":" + std::to_string(offset));
}

void Server::pump() {
  if (!alive || hung || !upstream || link != Link::connected) return;
  Stream& stream = *upstream;
  if (!world.network.open(Path::replication) || !stream.started || now() < stream.not_before) {
    return;
  }
  while (!stream.flight.empty() && stream.flight.front().due <= now()) {
    const Stream::Item item = stream.flight.front();
    stream.flight.pop_front();
    offset = item.offset;
    if (item.write != 0) data.push_back(item.write);
    backlog.push_back(item);
  }
  has_cached_master = true;
  note_whole();
}

// It holds all that its master has.
void Server::note_whole() {
  const Server& leader = other();
  const bool whole = leader.alive && leader.replid == replid && leader.offset == offset;
  if (whole && upstream && !upstream->ended && link == Link::connected) lost_at.reset();
}

void Server::acknowledge() {
  if (!upstream || link != Link::connected || upstream->ended) return;
  if (!world.network.open(Path::replication)) return;
  Server& leader = other();
  if (leader.hung || leader.downstream != upstream) return;
  pump();
  upstream->acknowledged = offset;
  upstream->acknowledged_at = now();
  upstream->started = true;
}

// Once a second.
void Server::cron() {
  if (!alive || hung) return;
  pump();
  if (link == Link::connect) try_connect();
  acknowledge();
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(now().time_since_epoch());
  const auto count = static_cast<std::uint64_t>(second.count());
  if (downstream && !downstream->ended && count % kPingPeriod == 0) feed(0, kPingBytes);
  const bool silent = upstream && (!world.network.open(Path::replication) || other().hung);
  if (upstream && !silent) upstream->silent_since = TimePoint::max();
  if (silent && upstream->silent_since == TimePoint::max()) upstream->silent_since = now();
  if (silent && now() - upstream->silent_since > kReplTimeout) link_broken();
  // The other end is gone without a word, or closed while nothing passed.
  const bool dead_end = upstream && (upstream->ended || other().downstream != upstream);
  if (dead_end && world.network.open(Path::replication)) link_broken();
  const bool dead_replica = downstream && (!other().alive || other().upstream != downstream);
  if (dead_replica && world.network.open(Path::replication)) downstream.reset();
}

void Server::path_changed(bool open) {
  if (!upstream) return;
  if (!open && !lost_at) lost_at = now();
  if (open) upstream->not_before = now() + world.clock.up_to(200ms);
}

}  // namespace sim
