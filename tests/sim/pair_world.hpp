// Two whole nodes in virtual time, everything drawn from one seed: two agents with their rulebooks,
// two Redis servers, the network between them, disks, clocks, an operator, and clients that write
// through the VIP and remember what was acknowledged.
//
// A run begins with a pair in sync. In the storm things fail and come back at random. Then all is
// healed, and the pair has to come to one leader with one standby in sync. What has to hold on the
// way is in pair_truth.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/model_agent.hpp"
#include "tests/sim/pair_truth.hpp"
#include "tests/sim/preference.hpp"

namespace sim {

struct PairResult {
  std::vector<std::string> violations;
  std::uint64_t steps = 0;   // inputs of the rulebooks
  Duration until_served{};   // from the healing until the VIP took writes again
  Duration until_in_sync{};  // and until a standby was in sync
  bool operator_needed = false;
  std::string operator_reason;
  bool needless = false;  // the operator was asked, yet nothing could have been lost
  Losses losses;
  int asks = 0;                      // by failback
  int failbacks = 0;                 // begun
  int returns = 0;                   // of the preferred node when nothing failed any more
  Duration longest_gap{};            // without a leader meanwhile
  std::map<std::string, int> deeds;  // what happened, how often
};

// What a quiet day leaves behind.
struct PairDay {
  int moves = 0;
  std::size_t held_early = 0;  // bytes that both rulebooks and routers held after some moves
  std::size_t held_late = 0;   // and in the end
};

// Which pairs are drawn; what is drawn for one kind takes nothing from the chance of another, so
// that seeds keep their meaning.
struct PairKind {
  bool safe = false;      // mode of the pair (rule 12)
  bool failback = false;  // a preferred node takes the role back, by plan or by preemption (rule 6)
};

class PairWorld {
 public:
  // `trace`: each event in words, to replay one seed; nullptr for none.
  explicit PairWorld(std::uint64_t seed, std::ostream* trace = nullptr, PairKind kind = {});
  ~PairWorld();
  PairResult run();
  // Nothing fails and nobody writes: an operator moves the role back and forth for so long. Instead
  // of run().
  PairDay spend(Duration length);

 private:
  struct Client {
    std::size_t side = 0;
    std::optional<std::size_t> route;  // whose announcement came last
    int failures = 0;
  };

  void choose_settings();
  void choose_preference();
  void begin();
  void every(Duration period, std::function<void()> what);
  void run_for(Duration time);
  void look();
  std::size_t bytes_held() const;  // pair_day.cpp

  // pair_storm.cpp
  void plan_storm(Duration length);
  void fault();
  void fault_of_a_server(std::size_t which);
  void fault_of_an_agent(std::size_t which);
  void fault_of_the_network();
  void foreign_act(std::size_t which);
  void operators_act(std::size_t which);
  void cut(Path path, std::size_t from, bool cut);
  void cut_all(bool cut);
  void host_off(std::size_t which);
  void host_on(std::size_t which);
  void start_server(std::size_t which);
  void start_agent(std::size_t which);
  void heal();

  // pair_clients.cpp
  void client_writes(Client& client);
  void announced(std::size_t host);
  bool holds_vip(std::size_t host) const;
  bool reaches(const Client& client, std::size_t host) const;

  void link_the_agents();
  bool converged() const;
  std::optional<std::size_t> leader() const;
  void converge(PairResult& result);
  void stay_calm(PairResult& result);
  bool leader_needs_the_operator(PairResult& result);
  void ask_the_operator(PairResult& result);
  std::string picture() const;

  PairKind kind_;
  Clockwork clock_;
  Network network_;
  std::array<Host, 2> hosts_;
  ServerWorld server_world_;
  AgentWorld agent_world_;
  std::array<std::unique_ptr<Server>, 2> servers_;
  std::array<std::unique_ptr<Agent>, 2> agents_;
  std::vector<Client> clients_;
  Truth truth_;
  Preference preference_;
  std::array<AgentSettings, 2> settings_;
  std::map<std::string, int> deeds_;
  std::uint64_t steps_ = 0;
  bool storming_ = true;
  bool writing_ = true;
};

}  // namespace sim
