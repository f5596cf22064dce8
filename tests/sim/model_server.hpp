// A Redis server as agents, clients and its replica see it: role, lineage, offsets, backlog, fence
// and pause, kill, hang and restart. Its data set is the list of the writes that it took. Rules of
// replication are those measured on 7.0.15: one generation of replid2, a backlog that a partial
// resync must lie in, an acknowledgement each second, a retry each second.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "health/facts.hpp"
#include "health/reply.hpp"
#include "tests/sim/clockwork.hpp"
#include "tests/sim/model_network.hpp"

namespace sim {

using WriteId = std::uint32_t;
using Words = std::vector<std::string>;
using ReplyTo = std::function<void(const health::Reply&)>;

enum class Persistence : std::uint8_t { none, rdb, aof };

struct Server;

// What the rest of the world wants to hear of a server, and what a server wants to know of it.
struct ServerWorld {
  Clockwork& clock;
  Network& network;
  std::function<Server&(std::size_t)> server;
  std::function<void(Server&, const std::string& by)> promoted;
  // The data set is about to be replaced by `data`.
  std::function<void(Server&, const std::vector<WriteId>& data)> replaced;
};

// One replication connection, shared by both ends.
struct Stream {
  struct Item {
    TimePoint due;
    std::int64_t offset = 0;
    WriteId write = 0;  // 0: noise
  };
  std::size_t master = 0;
  std::size_t replica = 0;
  std::deque<Item> flight;
  bool online = false;   // the data set is across
  bool started = false;  // the stream flows: after the first acknowledgement of a full sync
  std::int64_t acknowledged = 0;
  TimePoint acknowledged_at{};
  TimePoint not_before{};  // after a cut: retransmission
  TimePoint silent_since = TimePoint::max();
  bool ended = false;  // its master's end is closed; what is in flight still arrives
};

struct Server {
  enum class Link : std::uint8_t { none, connect, handshake, transfer, connected };
  struct Save {
    std::vector<WriteId> data;
    std::string replid;  // empty: none was stored
    std::int64_t offset = 0;
    TimePoint at{};
  };

  ServerWorld& world;
  std::size_t index;
  Persistence persistence = Persistence::rdb;

  bool alive = true;
  bool hung = false;
  bool deaf_kernel = false;  // its host is gone
  std::uint64_t life = 1;
  TimePoint loading_until{};
  std::deque<std::function<void()>> inbox;  // while hung

  std::optional<health::Endpoint> master;  // nullopt: a master
  Link link = Link::none;
  std::uint64_t link_number = 0;
  std::shared_ptr<Stream> upstream;
  std::shared_ptr<Stream> downstream;
  bool has_cached_master = false;

  std::vector<WriteId> data;
  std::string run_id;
  std::string replid;
  std::string replid2;
  std::int64_t offset = 0;
  std::int64_t second_offset = -1;
  bool has_backlog = false;
  std::int64_t backlog_from = 0;  // offsets above it are there
  std::deque<Stream::Item> backlog;
  Save saved;
  bool last_bgsave_ok = true;

  int min_replicas = 0;
  int min_replicas_max_lag = 10;
  TimePoint paused_until{};
  std::vector<std::function<void(bool killed)>> waiting;  // clients that a pause holds

  bool foreign_master = false;       // somebody else than an agent said whom to follow
  std::optional<TimePoint> lost_at;  // since when the leader's stream does not reach it whole

  Server(ServerWorld& with, std::size_t number) : world(with), index(number) {}

  const std::string& name() const;
  Server& other() const { return world.server(1 - index); }
  TimePoint now() const { return world.clock.now(); }
  bool is_master() const { return !master; }
  bool loading() const { return now() < loading_until; }
  bool paused() const { return now() < paused_until; }
  bool fenced() const;
  // A write that came now would be taken.
  bool writable() const { return alive && !hung && is_master() && !loading() && !fenced(); }
  bool contains_all_of(const Server& theirs) const;

  // What is executed when the server comes to it: at once, or when it wakes up.
  void command(const Words& words, const std::string& by, ReplyTo reply);
  // `answer`: taken, refused; or later when a pause holds it.
  void write(WriteId id, std::function<void(bool taken)> answer);
  void pump();  // takes what has arrived of the stream
  void cron();

  void kill(bool host_gone);
  void hang();
  void resume();
  void restart(bool quarantined, bool follow_the_peer);
  void save();
  void host_back();
  void path_changed(bool open);
  void follow(const health::Endpoint& endpoint);

 private:
  health::Reply execute(const Words& words, const std::string& by);
  health::Reply info(bool all) const;
  health::Reply role() const;
  health::Reply config(const Words& words);
  health::Reply client(const Words& words);
  health::Reply replicaof(const Words& words, const std::string& by);
  void stand_alone(const std::string& by);
  void release_waiting(bool killed);
  void append(WriteId id);
  void feed(WriteId id, std::int64_t bytes);

  // model_replication.cpp
  void lose_link();
  void link_broken();
  void drop_replica();
  void try_connect();
  void handshake();
  bool may_continue(const Server& replica) const;
  void continue_from(Server& from);
  void full_sync_from(Server& from);
  void loaded(const std::shared_ptr<Stream>& stream, const Save& snapshot);
  void note_whole();
  void acknowledge();
  std::string new_id(char kind) const;
};

health::Endpoint endpoint_of(std::size_t index);

}  // namespace sim
