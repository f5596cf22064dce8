// What is true in the simulated world and what has to hold: which writes were acknowledged, who
// holds them, which may be lost and by which rule. An acknowledged write may be missing on a leader
// only when it is excused: it died with its server before it was replicated, a promotion that the
// rules allow left it behind, it was taken by a master beside a newer one, or the operator said so.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/model_agent.hpp"

namespace sim {

struct Losses {
  int tail = 0;           // died with their server
  int left_behind = 0;    // a promotion that the rules allow lacked them
  int forked = 0;         // taken beside a newer master
  int accepted = 0;       // the operator's word
  int foreign = 0;        // a stranger's REPLICAOF on a master
  int replaced_sets = 0;  // data sets replaced that held acknowledged writes the new one lacks
  int replaced_writes = 0;
};

class Truth {
 public:
  struct World {
    Clockwork& clock;
    Network& network;
    std::array<Host, 2>& hosts;
    std::array<std::unique_ptr<Server>, 2>& servers;
    std::array<std::unique_ptr<Agent>, 2>& agents;
  };
  Truth(World world, bool safe) : world_(world), safe_(safe) {}

  WriteId new_write();
  void acknowledged(WriteId id);
  // Data may be lost by what was done to the servers themselves.
  void nothing_is_promised() { promised_ = false; }

  void promoted(Server& server, const std::string& by);
  void taken(Server& server);
  void replaced(Server& server, const std::vector<WriteId>& data);
  void preserved(const Server& server);
  void died(Server& server);
  // After each event.
  void look();
  void healed() { healed_ = true; }
  // All that may not be lost is on `server`.
  void expect_all_on(const Server& server);
  std::size_t missing_on(const Server& server) const;

  void violated(const std::string& what);
  const std::vector<std::string>& violations() const { return violations_; }
  const Losses& losses() const { return losses_; }
  bool serves(std::size_t host) const;
  bool holds_vip(std::size_t host) const;

 private:
  struct Write {
    bool acknowledged = false;
    bool excused = false;
    bool preserved = false;  // in a copy that an operator finds
    bool owed = false;       // left behind on a promise that a copy is kept
    TimePoint at{};
  };
  std::vector<WriteId> missing(const std::vector<WriteId>& data) const;
  void excuse(const std::vector<WriteId>& ids, int& counter);
  static bool histories_are_gone(const Server& one, const Server& other);
  bool owes(const Server& holder, const std::vector<WriteId>& ids);
  void judge_promotion(Server& server, const std::vector<WriteId>& ids);
  void begin_fork(const Server& promoted);
  void cut_off_by_a_stranger(const Server& server);
  std::vector<WriteId> unless_accepted(const Server& server, std::vector<WriteId> ids);
  std::vector<WriteId> outside_the_fork(const std::vector<WriteId>& ids);
  std::vector<WriteId> unless_unheard(std::size_t node, const std::vector<WriteId>& ids);
  std::vector<WriteId> beside_its_own_leading(std::size_t node, const std::vector<WriteId>& ids);
  void begins_to_lead(std::size_t node);
  bool hears_of(std::size_t node) const;
  void look_who_hears(std::size_t node);

  World world_;
  bool safe_;  // mode of the pair
  std::vector<Write> writes_{1};
  std::vector<std::string> violations_;
  Losses losses_;
  bool promised_ = true;
  bool healed_ = false;
  // By node: since when its agent cannot see the other server;
  std::array<std::optional<TimePoint>, 2> unseen_since_;
  std::array<std::optional<TimePoint>, 2> seen_since_;
  // Two nodes lead, and the older one cannot know: what either takes meanwhile may be lost.
  struct Fork {
    TimePoint since = TimePoint::max();
    TimePoint until = TimePoint::max();
    std::size_t older = 0;
  };
  Fork fork_;
  // By node: since when the other one has led without a chance that this one learned of it. If it
  // leads meanwhile, as it may in mode "available" (rules 11 and 12), what the other one took since
  // then is beside what it has.
  std::array<std::optional<TimePoint>, 2> unheard_since_;
  std::array<std::optional<TimePoint>, 2> hears_since_;
  std::array<TimePoint, 2> led_at_{};  // when it last began to lead
  std::array<bool, 2> promoted_by_a_stranger_{};
  std::optional<TimePoint> two_since_;
  bool overruled_ = false;  // by an operator, and nobody has followed since
  std::optional<TimePoint> apart_since_;
  std::optional<TimePoint> apart_until_;
  std::array<std::optional<TimePoint>, 2> held_since_;  // leads with a server that refuses writes
};

}  // namespace sim
