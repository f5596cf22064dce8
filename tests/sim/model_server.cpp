// Commands, clients and the life of a simulated Redis server. See model_server.hpp; replication is
// in model_replication.cpp.
#include "tests/sim/model_server.hpp"

#include <array>
#include <unordered_set>

namespace sim {

using namespace std::chrono_literals;
using health::Reply;

namespace {

constexpr std::int64_t kWriteBytes = 31;
constexpr std::size_t kBacklogItems = 400;

Reply integer(std::int64_t value) {
  Reply reply;
  reply.type = Reply::Type::integer;
  reply.integer = value;
  return reply;
}

Reply array(std::vector<Reply> elements) {
  Reply reply;
  reply.type = Reply::Type::array;
  reply.elements = std::move(elements);
  return reply;
}

}  // namespace

health::Endpoint endpoint_of(std::size_t index) {
  return {index == 0 ? "10.0.0.1" : "10.0.0.2", 6379};
}

const std::string& Server::name() const {
  static const std::array<std::string, 2> kNames{"server A", "server B"};
  return kNames.at(index);
}

bool Server::fenced() const {
  if (min_replicas <= 0 || min_replicas_max_lag <= 0) return false;
  const bool good =
      downstream && downstream->online && !downstream->ended &&
      now() - downstream->acknowledged_at <= std::chrono::seconds(min_replicas_max_lag);
  return (good ? 1 : 0) < min_replicas;
}

bool Server::contains_all_of(const Server& theirs) const {
  const std::unordered_set<WriteId> own(data.begin(), data.end());
  return std::all_of(theirs.data.begin(), theirs.data.end(),
                     [&](WriteId id) { return own.contains(id); });
}

void Server::command(const Words& words, const std::string& by, ReplyTo reply) {
  if (hung) {
    inbox.push_back([this, words, by, reply = std::move(reply)] { reply(execute(words, by)); });
    return;
  }
  reply(execute(words, by));
}

Reply Server::execute(const Words& words, const std::string& by) {
  pump();
  const std::string& what = words.front();
  if (what == "PING") {
    if (loading()) return Reply::error("LOADING Redis is loading the dataset in memory");
    return Reply::status("PONG");
  }
  if (what == "INFO") return info(words.size() == 1);
  if (what == "ROLE") return role();
  if (what == "CONFIG") return config(words);
  if (what == "CLIENT") return client(words);
  if (loading()) return Reply::error("LOADING Redis is loading the dataset in memory");
  if (what == "REPLICAOF") return replicaof(words, by);
  return Reply::error("ERR unknown command");
}

Reply Server::info(bool all) const {
  std::string text;
  const auto line = [&text](const char* name, const std::string& value) {
    text += name;
    text += value;
    text += "\r\n";
  };
  const auto number = [&line](const char* name, std::int64_t value) {
    line(name, std::to_string(value));
  };
  if (all) {
    line("run_id:", run_id);
    line("loading:", loading() ? "1" : "0");
    line("aof_enabled:", persistence == Persistence::aof ? "1" : "0");
    line("rdb_last_bgsave_status:", last_bgsave_ok ? "ok" : "err");
  }
  if (master) {
    line("role:slave\r\nmaster_host:", master->host);
    number("master_port:", master->port);
    line("master_link_status:", link == Link::connected ? "up" : "down");
    number("master_last_io_seconds_ago:", link == Link::connected ? 0 : -1);
    line("master_sync_in_progress:", link == Link::transfer ? "1" : "0");
    number("slave_repl_offset:", offset);
    if (link != Link::connected) number("master_link_down_since_seconds:", lost_at ? 1 : -1);
  } else {
    line("role:master", "");
  }
  const bool served = downstream && !downstream->ended;
  line("connected_slaves:", served ? "1" : "0");
  if (served) {
    const auto lag =
        std::chrono::duration_cast<std::chrono::seconds>(now() - downstream->acknowledged_at);
    text += "slave0:ip=";
    text += endpoint_of(downstream->replica).host;
    text += ",port=6379,state=";
    text += downstream->online ? "online" : "wait_bgsave";
    text += ",offset=";
    text += std::to_string(downstream->acknowledged);
    number(",lag=", lag.count());
  }
  line("master_replid:", replid);
  line("master_replid2:", replid2.empty() ? "0000" : replid2);
  number("master_repl_offset:", offset);
  number("second_repl_offset:", second_offset);
  if (all) {
    line("# Keyspace", "");
    if (!data.empty()) number("db0:keys=", static_cast<std::int64_t>(data.size()));
  }
  return Reply::bulk(std::move(text));
}

Reply Server::role() const {
  if (!master) return array({Reply::bulk("master"), integer(offset)});
  const char* state = link == Link::connected ? "connected" : "connect";
  return array({Reply::bulk("slave"), Reply::bulk(master->host), integer(master->port),
                Reply::bulk(state), integer(offset)});
}

Reply Server::config(const Words& words) {
  if (words[1] == "GET") {
    const int value = words[2] == "min-replicas-to-write" ? min_replicas : min_replicas_max_lag;
    return array({Reply::bulk(words[2]), Reply::bulk(std::to_string(value))});
  }
  if (words[2] == "min-replicas-to-write") min_replicas = std::stoi(words[3]);
  if (words[2] == "min-replicas-max-lag") min_replicas_max_lag = std::stoi(words[3]);
  world.clock.say(name() + ": " + words[2] + " " + words[3]);
  return Reply::status("OK");
}

Reply Server::client(const Words& words) {
  if (words[1] == "PAUSE") {
    paused_until = std::max(paused_until, now() + std::chrono::milliseconds(std::stoll(words[2])));
    const auto run = life;
    world.clock.at(paused_until, [this, run] {
      if (life == run && !paused() && !hung) release_waiting(false);
    });
    world.clock.say(name() + ": paused for " + words[2] + " ms");
    return Reply::status("OK");
  }
  if (words[1] == "UNPAUSE") {
    paused_until = TimePoint{};
    release_waiting(false);
    return Reply::status("OK");
  }
  if (words[1] == "KILL") {
    const auto count = static_cast<std::int64_t>(waiting.size());
    release_waiting(true);
    return integer(count);
  }
  return Reply::error("ERR unknown subcommand");
}

void Server::release_waiting(bool killed) {
  for (const auto& one : std::exchange(waiting, {})) one(killed);
}

void Server::write(WriteId id, std::function<void(bool taken)> answer) {
  if (!alive) return answer(false);
  if (hung) {
    inbox.push_back([this, id, answer = std::move(answer)] { write(id, answer); });
    return;
  }
  if (loading() || !is_master() || fenced()) return answer(false);
  if (paused()) {
    waiting.push_back([this, id, answer = std::move(answer)](bool killed) {
      if (killed) return answer(false);
      write(id, answer);
    });
    return;
  }
  append(id);
  answer(true);
}

void Server::append(WriteId id) {
  data.push_back(id);
  feed(id, kWriteBytes);
}

void Server::feed(WriteId id, std::int64_t bytes) {
  if (!has_backlog) return;  // nothing is counted before the first replica
  offset += bytes;
  backlog.push_back({now(), offset, id});
  if (backlog.size() > kBacklogItems) {
    backlog_from = backlog.front().offset;
    backlog.pop_front();
  }
  if (!downstream || downstream->ended) return;
  auto& replica = other();
  const bool flows = downstream->started && world.network.open(Path::replication) && !replica.hung;
  if (!flows && replica.upstream == downstream && !replica.lost_at) replica.lost_at = now();
  auto& flight = downstream->flight;
  TimePoint due = now() + 50us + world.clock.up_to(500us);
  if (!flight.empty()) due = std::max(due, flight.back().due);
  flight.push_back({due, offset, id});
}

// ---- life and death ----------------------------------------------------------------------------

void Server::kill(bool host_gone) {
  if (!alive) return;
  pump();
  if (!lost_at) lost_at = now();
  world.clock.say(name() + " dies with " + std::to_string(data.size()) + " writes");
  alive = hung = false;
  deaf_kernel = host_gone;
  ++life;
  inbox.clear();
  for (const auto& one : std::exchange(waiting, {})) one(true);
  if (downstream) {
    // The kernel still sends what the process had written; not what it had not come to.
    auto& flight = downstream->flight;
    if (!downstream->started) flight.clear();
    while (!flight.empty() &&
           (host_gone || (flight.back().due > now() && world.clock.chance(0.5)))) {
      flight.pop_back();
    }
    drop_replica();
  }
  if (upstream) {
    const auto stream = std::exchange(upstream, nullptr);
    if (!host_gone) stream->ended = true;
    Server& leader = other();
    if (!host_gone && leader.downstream == stream) leader.downstream.reset();
  }
  link = Link::none;
  ++link_number;
}

void Server::hang() {
  if (!alive || hung) return;
  pump();
  hung = true;
  if (upstream && !lost_at) lost_at = now();
  world.clock.say(name() + " hangs");
}

void Server::resume() {
  if (!hung) return;
  world.clock.say(name() + " goes on");
  hung = false;
  pump();
  const auto run = life;
  if (!paused()) release_waiting(false);
  while (!inbox.empty() && life == run && !hung) {
    const auto next = std::move(inbox.front());
    inbox.pop_front();
    next();
  }
}

void Server::save() {
  if (!alive || hung || loading()) return;
  pump();
  const bool lineage = has_backlog || (master && has_cached_master) || link == Link::connected;
  saved = {data, lineage ? replid : "", lineage ? offset : 0, now()};
}

void Server::restart(bool quarantined, bool follow_the_peer) {
  if (alive) return;
  ++life;
  alive = true;
  deaf_kernel = false;
  run_id = new_id('u');
  if (persistence == Persistence::none) saved = {{}, "", 0, now()};
  if (persistence == Persistence::aof) saved = {data, "", 0, now()};
  if (!lost_at || saved.at < *lost_at) lost_at = saved.at;
  data = saved.data;
  min_replicas = 0;
  paused_until = {};
  backlog.clear();
  upstream.reset();
  downstream.reset();
  const bool lineage = !saved.replid.empty();
  replid = lineage ? saved.replid : new_id('r');
  replid2.clear();
  second_offset = -1;
  offset = saved.offset;
  has_backlog = false;
  has_cached_master = lineage;
  loading_until = now() + world.clock.up_to(200ms);
  master.reset();
  link = Link::none;
  ++link_number;
  if (quarantined) {
    master = follow_the_peer ? endpoint_of(1 - index) : health::Endpoint{"127.0.0.1", 1};
    link = Link::connect;
  } else if (lineage) {
    replid2 = replid;
    second_offset = offset + 1;
    replid = new_id('r');
    has_backlog = true;
    backlog_from = offset;
  }
  world.clock.say(name() + " starts as a " + (master ? "replica" : "master") + " with " +
                  std::to_string(data.size()) + " writes, " + replid + ":" +
                  std::to_string(offset));
}

}  // namespace sim
