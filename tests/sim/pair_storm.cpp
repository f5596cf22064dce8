// What fails in a simulated pair, how it comes back, and what the operator does meanwhile. See
// pair_world.hpp.
#include "tests/sim/pair_world.hpp"

namespace sim {

using namespace std::chrono_literals;

namespace {
// A server that boots as a replica of the peer copies whatever master it finds there, and that may
// be one that was replaced and has not followed yet: no rulebook can prevent it.
constexpr double kQuarantinedAtThePeer = 0;
}  // namespace

void PairWorld::plan_storm(Duration length) {
  std::uint64_t faults = 1 + clock_.pick(7);
  if (kind_.failback) faults -= 1;
  for (std::uint64_t one = 0; one < faults; ++one) {
    clock_.after(clock_.up_to(length * 9 / 10), [this] { fault(); });
  }
}

void PairWorld::fault() {
  // The leader's side is the interesting one.
  const auto lead = leader();
  const std::size_t which = lead && clock_.chance(0.65) ? *lead : clock_.pick(2);
  const auto kind = clock_.pick(100);
  if (kind < 25) return fault_of_a_server(which);
  if (kind < 50) return fault_of_an_agent(which);
  if (kind < 57) {
    ++deeds_["host gone"];
    host_off(which);
    return clock_.after(clock_.between(300ms, 5s), [this, which] { host_on(which); });
  }
  if (kind < 77) return fault_of_the_network();
  if (kind < 82) {
    Host& host = hosts_.at(which);
    ++deeds_["disk"];
    host.disk_delay = clock_.up_to(1s);
    host.disk_full = clock_.chance(0.3);
    return clock_.after(clock_.up_to(3s), [&host] {
      host.disk_delay = 2ms;
      host.disk_full = false;
    });
  }
  if (kind < 87) return foreign_act(which);
  operators_act(which);
}

void PairWorld::fault_of_a_server(std::size_t which) {
  Server& server = *servers_.at(which);
  if (clock_.chance(0.4)) {
    ++deeds_["server hangs"];
    server.hang();
    return clock_.after(clock_.between(20ms, 4s), [&server] { server.resume(); });
  }
  ++deeds_["server killed"];
  if (!server.alive) return;
  server.kill(false);
  truth_.died(server);
  for (const auto& agent : agents_) agent->server_died(which, false);
  clock_.after(clock_.between(50ms, 4s), [this, which] { start_server(which); });
}

void PairWorld::fault_of_an_agent(std::size_t which) {
  Agent& agent = *agents_.at(which);
  const Duration pause = clock_.between(50ms, 5s);
  switch (clock_.pick(4)) {
    case 0:
      ++deeds_["agent hangs"];
      agent.hang();
      return clock_.after(pause, [&agent] { agent.resume(); });
    case 1: {
      ++deeds_["host freezes"];
      Server& server = *servers_.at(which);
      agent.hang();
      server.hang();
      return clock_.after(pause, [&agent, &server] {
        if (agent.world.clock.chance(0.5)) {
          agent.resume();
          server.resume();
        } else {
          server.resume();
          agent.resume();
        }
      });
    }
    case 2:
      ++deeds_["agent dies between two effects"];
      agent.fuse = 1 + static_cast<int>(clock_.pick(14));
      if (clock_.chance(0.5)) operators_act(which);
      break;
    default:
      ++deeds_["agent killed"];
      agent.crash();
      break;
  }
  clock_.after(pause, [this, which] {
    agents_.at(which)->fuse = 0;
    start_agent(which);
  });
}

void PairWorld::fault_of_the_network() {
  const Duration pause = clock_.between(50ms, 5s);
  const std::size_t from = clock_.pick(2);
  switch (clock_.pick(7)) {
    case 0:
      ++deeds_["partition"];
      network_.partitioned = true;
      cut_all(true);
      return clock_.after(pause, [this] { cut_all(false); });
    case 1:
      ++deeds_["cut in one direction"];
      for (std::size_t path = 0; path < kPaths; ++path) cut(static_cast<Path>(path), from, true);
      return clock_.after(pause, [this] { cut_all(false); });
    case 2:
      ++deeds_["adverts lost"];
      network_.vrrp_loss = 0.4;
      return clock_.after(pause, [this] { network_.vrrp_loss = 0; });
    case 3: {
      ++deeds_["adverts cut"];
      const bool both = clock_.chance(0.5);
      cut(Path::vrrp, from, true);
      if (both) cut(Path::vrrp, 1 - from, true);
      break;
    }
    case 4:
      ++deeds_["peer link cut"];
      cut(Path::agents, from, true);
      break;
    case 5:
      ++deeds_["servers cut"];
      cut(Path::servers, from, true);
      break;
    default:
      ++deeds_["replication cut"];
      cut(Path::replication, from, true);
      break;
  }
  clock_.after(pause, [this] { cut_all(false); });
}

void PairWorld::foreign_act(std::size_t which) {
  Server& server = *servers_.at(which);
  ++deeds_["foreign REPLICAOF"];
  preference_.stranger_came();
  Words words{"REPLICAOF", "NO", "ONE"};
  const auto kind = clock_.pick(3);
  if (kind == 0) words = {"REPLICAOF", "10.0.0.9", "6379"};
  if (kind == 1) words = {"REPLICAOF", endpoint_of(1 - which).host, "6379"};
  if (server.alive) server.command(words, "", [](const health::Reply&) {});
}

void PairWorld::operators_act(std::size_t which) {
  Agent& agent = *agents_.at(which);
  switch (clock_.pick(6)) {
    case 0:
      ++deeds_["promote"];
      preference_.promoted_by_operator(which);
      return agent.promote();
    case 1:
    case 2:
      ++deeds_["stop"];
      agent.stop();
      return clock_.after(clock_.between(1s, 5s), [this, which] { start_agent(which); });
    default:
      ++deeds_["switchover"];
      return kind_.failback ? agent.switchover_from_here() : agent.switchover();
  }
}

// ---- what comes back ---------------------------------------------------------------------------

void PairWorld::cut(Path path, std::size_t from, bool cut) {
  auto& blocked = network_.blocked.at(static_cast<std::size_t>(path));
  if (blocked.at(from) == cut) return;
  const bool before = network_.open(path);
  for (const auto& server : servers_) server->pump();
  blocked.at(from) = cut;
  clock_.say(std::string(cut ? "cut" : "mended") + ": path " +
             std::to_string(static_cast<int>(path)) + " from " + (from == 0 ? "A" : "B"));
  const bool after = network_.open(path);
  if (before == after) return;
  if (path == Path::replication) {
    for (const auto& server : servers_) server->path_changed(after);
  }
  if (path == Path::servers && after) {
    for (const auto& agent : agents_) agent->path_opened();
  }
}

void PairWorld::cut_all(bool yes) {
  if (!yes) network_.partitioned = false;
  for (std::size_t path = 0; path < kPaths; ++path) {
    for (const std::size_t from : {0U, 1U}) cut(static_cast<Path>(path), from, yes);
  }
}

void PairWorld::host_off(std::size_t which) {
  if (!network_.host_up.at(which)) return;
  clock_.say(which == 0 ? "host A is gone" : "host B is gone");
  for (const auto& server : servers_) server->pump();
  network_.host_up.at(which) = false;
  for (const auto& server : servers_) server->path_changed(false);
  Server& server = *servers_.at(which);
  const bool lived = server.alive;
  server.kill(true);
  if (lived) truth_.died(server);
  for (const auto& agent : agents_) agent->server_died(which, true);
  agents_.at(which)->crash();
  hosts_.at(which).vip = false;
}

void PairWorld::host_on(std::size_t which) {
  if (network_.host_up.at(which)) return;
  clock_.say(which == 0 ? "host A is back" : "host B is back");
  network_.host_up.at(which) = true;
  for (const auto& server : servers_) server->path_changed(true);
  for (const auto& agent : agents_) agent->path_opened();
  clock_.after(clock_.up_to(1s), [this, which] { start_server(which); });
  clock_.after(clock_.up_to(1s), [this, which] { start_agent(which); });
}

void PairWorld::start_server(std::size_t which) {
  if (network_.host_up.at(which))
    servers_.at(which)->restart(true, clock_.chance(kQuarantinedAtThePeer));
}

void PairWorld::start_agent(std::size_t which) {
  if (network_.host_up.at(which)) agents_.at(which)->start();
}

void PairWorld::heal() {
  clock_.say("healed: " + picture());
  storming_ = false;
  truth_.healed();
  network_.vrrp_loss = 0;
  cut_all(false);
  for (const std::size_t node : {0U, 1U}) {
    hosts_.at(node).disk_delay = 2ms;
    hosts_.at(node).disk_full = false;
    agents_.at(node)->fuse = 0;
    host_on(node);
    servers_.at(node)->resume();
    agents_.at(node)->resume();
    start_server(node);
    start_agent(node);
    // A supervisor starts what ends after all.
    every(500ms, [this, node] { start_agent(node); });
  }
}

}  // namespace sim
