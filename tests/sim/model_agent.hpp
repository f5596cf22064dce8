// One node's agent at work in the simulation: agent::Pair and vrrp::Instance with the real monitors
// and the real procedures of hooks, their effects performed on modelled servers, disk, network and
// addresses. Does what agent/io/pair_runner does, without a socket.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "agent/pair.hpp"
#include "health/monitor.hpp"
#include "hooks/procedure.hpp"
#include "tests/sim/model_connection.hpp"
#include "vrrp/instance.hpp"

namespace sim {

struct AgentSettings {
  vrrp::Priority priority{100};
  bool preempt = false;
  Duration advert_interval = std::chrono::milliseconds(100);
  health::MonitorConfig monitor;
  Duration vip_lease = std::chrono::seconds(2);
  Duration wait_for_peer = std::chrono::seconds(5);
  Duration max_replica_age = std::chrono::seconds(30);
  bool peer_link = true;
  bool safe = false;  // mode of the pair (rule 12)
  Duration max_lag_time = std::chrono::seconds(2);
  bool failback = false;
  Duration failback_delay{};
  Duration hold_down{};
  std::size_t max_takeovers = 0;
  double rate = 1;  // of its clock against the true time
};

// What outlives the agent on its host: the record on disk, the addresses of the kernel.
struct Host {
  std::optional<agent::Record> record;
  bool vip = false;  // on the interface
  TimePoint vip_until{};
  Duration disk_delay = std::chrono::milliseconds(2);
  bool disk_full = false;
};

struct Agent;

struct AgentWorld {
  Clockwork& clock;
  Network& network;
  std::array<Host, 2>& hosts;
  std::function<Agent&(std::size_t)> agent;
  std::function<void(std::size_t host)> announced;
  std::function<void(std::size_t host)> taken;      // the VIP, by who leads now
  std::function<void(std::size_t host)> preserved;  // a copy of all that its server holds
  std::function<bool(std::size_t from)> anybody_holds_the_vip;
  std::function<void(const Agent&)> stepped;  // after each input
  // What is judged in preference.hpp.
  std::function<void(std::size_t host)> started;
  std::function<void(std::size_t host, const agent::Moved& moved)> moved;
  std::function<void(std::size_t host)> asked;                 // failback
  std::function<void(std::size_t host, bool done)> answered;   // it
  std::function<void(std::size_t host, bool failback)> begun;  // a switchover, by who leads
  std::function<void(std::size_t host, bool done)> ended;      // it
};

struct Agent {
  AgentWorld& world;
  std::size_t index;
  AgentSettings settings;
  agent::PairRules rules;

  bool alive = false;
  bool hung = false;
  std::uint64_t life = 0;
  bool operators_word = false;  // the promotion under way accepts loss
  bool copy_failed = false;     // it tries again after half a minute
  int fuse = 0;                 // it dies after so many effects; 0: not

  std::unique_ptr<agent::Pair> pair;
  std::unique_ptr<vrrp::Instance> instance;

  Agent(AgentWorld& with, std::size_t number, const AgentSettings& chosen,
        std::array<Server*, 2> servers);

  const std::string& name() const;
  Agent& other() const { return world.agent(1 - index); }
  Host& host() const { return world.hosts.at(index); }
  bool leads() const;
  agent::PairState state() const;

  void start();
  void crash();
  void hang();
  void resume();
  void stop();
  void promote();
  void switchover();            // an operator on this node, which leads
  void switchover_from_here();  // on either node

  void advert(const vrrp::IpAddress& from, vrrp::Priority priority, Duration interval);
  void path_opened();
  void server_died(std::size_t server, bool host_gone);
  void deliver(std::function<void()> what);

  // The peer link.
  struct LinkEnd {
    bool up = false;
    TimePoint heard{};
    std::uint64_t theirs = 0;  // the life of the other end
    bool refused = false;      // nobody listens there
  };
  LinkEnd link;
  void link_beat();
  void hear(std::uint64_t life, const agent::PeerWord& word);
  void set_link(bool up, const std::string& why);
  void call_the_other();

 private:
  using Input = std::variant<agent::PairInput, vrrp::InstanceInput>;
  struct Timer {
    std::optional<TimePoint> armed;
  };
  struct Watch {
    std::unique_ptr<health::Monitor> monitor;
    std::unique_ptr<Connection> connection;
    Timer timer;
  };

  TimePoint local() const { return local(world.clock.now()); }
  TimePoint local(TimePoint global) const;
  TimePoint global(TimePoint local_time) const;
  void later(Duration delay, std::function<void()> what);
  void feed(Input input);
  void take(const vrrp::InstanceInput& input);
  void take(const agent::PairInput& input);
  void arm();
  template <typename Fire>
  void arm(Timer& timer, std::optional<TimePoint> deadline, Fire fire);
  agent::PeerWord word() const;
  void tell_peer();

  // model_ask.cpp
  using Answered = std::function<void(bool done, const std::string& words)>;
  void ask_the_leader(bool failback, Answered answered);
  void give_the_role(bool failback, Answered answered);
  void answer_asked(std::uint64_t id, bool done, const std::string& words);
  void follow_the_switchover();

  void watch(hooks::Target target, const health::MonitorInput& input);
  void obey(hooks::Target target, const health::MonitorEffects& effects);
  void obey(hooks::Target target, const health::Send& send);
  Watch& watch_of(hooks::Target target) {
    return watches_.at(target == hooks::Target::local ? 0 : 1);
  }

  void send_advert(vrrp::Priority priority);
  void perform(const agent::StartWork& effect);
  void perform(const agent::PostFence& effect);
  void perform(const agent::SaveAgain& /*effect*/) {}  // modelled saves do not fail
  void perform(const agent::SetEligibility& effect);
  void perform(const agent::Persist& effect);
  void perform(const agent::InstallVips& effect);
  void perform(const agent::ParkVips& effect);
  void perform(const agent::WithdrawVips& effect);
  void perform(const agent::Announce& effect);
  void perform(const agent::ProbeVip& effect);
  void perform(const agent::ProbeGateway& effect);
  void perform(const agent::Preserve& effect);
  void perform(const agent::StopPreserving& effect);
  void perform(const agent::RefreshFacts& effect);
  void perform(const agent::CallPeer& /*effect*/) {}  // they call each other all the time
  void perform(const agent::AskForTheRole& effect);
  void perform(const agent::StartRecovery& effect);
  void perform(const agent::AbandonRecovery& effect);
  void perform(const agent::FenceHost& effect);
  void perform(const agent::AskScript& effect);
  void perform(const agent::Notify& effect);
  void perform(const agent::Say& effect);
  void perform(const agent::Moved& effect);
  void perform(const agent::Stopped& effect);
  std::unique_ptr<hooks::Procedure> procedure_of(const agent::Work& work);
  void go_on(hooks::Step step);
  void ask_all(std::uint64_t step, const std::vector<hooks::Command>& commands);
  void resume_work(std::uint64_t step, const health::Reply* reply);
  void work_ended(bool done, const std::string& why);
  void write_next_record();
  void renew_vip(std::uint64_t run);

  std::array<Server*, 2> servers_;
  std::array<Watch, 2> watches_;
  std::deque<std::function<void()>> inbox_;  // while hung
  std::deque<Input> queue_;
  bool draining_ = false;
  Timer router_timer_;
  Timer pair_timer_;
  agent::PeerWord told_;

  struct Asked {
    std::uint64_t id = 0;
    Answered answered;
  };
  std::optional<Asked> asked_;  // the leader's agent
  std::uint64_t asked_so_far_ = 0;
  struct Switchover {
    std::uint64_t number = 0;
    bool begun = false;
    bool failback = false;
    Answered answered;
  };
  std::optional<Switchover> switchover_;  // that this node gives the role away by

  std::unique_ptr<hooks::Procedure> procedure_;
  std::uint64_t work_ = 0;
  std::uint64_t work_step_ = 0;
  std::uint64_t awaited_ = 0;

  std::deque<agent::Persist> to_write_;
  bool writing_ = false;

  std::uint64_t preserving_ = 0;
  bool wants_vip_ = false;
  std::uint64_t renewals_ = 0;
};

vrrp::IpAddress address_of(std::size_t index);

}  // namespace sim
