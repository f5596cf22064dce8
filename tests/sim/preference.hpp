// What has to hold for a preferred node (failback, preemption): it asks for the role only when it
// may, gets it without a loss, has it in the end, and the role rests when nothing fails.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/sim/model_agent.hpp"

namespace sim {

class Preference {
 public:
  struct World {
    Clockwork& clock;
    std::array<Host, 2>& hosts;
    std::array<std::unique_ptr<Server>, 2>& servers;
    std::array<std::unique_ptr<Agent>, 2>& agents;
    std::function<void(const std::string&)> violated;
    std::function<std::optional<std::size_t>()> leader;  // whose VIP takes writes
  };
  explicit Preference(World world) : world_(std::move(world)) {}

  // By the agents.
  void started(std::size_t node);
  void moved(std::size_t node, const agent::Moved& moved);
  void asked(std::size_t node);
  void answered(std::size_t node, bool done);
  void begun(std::size_t node, bool failback);
  void ended(std::size_t node, bool done);
  // By a stranger or an operator.
  void promoted_by_operator(std::size_t node);
  void stranger_came() { stranger_came_ = true; }
  // After each event.
  void look();

  // From here on nothing fails any more, and the pair is together.
  void calm();
  // All has come that has to come, and has lasted.
  bool settled() const;
  void end_of_calm();

  int asks() const { return asks_; }
  int failbacks() const { return failbacks_; }
  int returns() const { return returns_; }
  Duration longest_gap() const { return longest_gap_; }

 private:
  struct Node {
    std::optional<TimePoint> unfit_since;
    TimePoint fit_since{};  // noticeably
    TimePoint held_until{};
    TimePoint refused_at = TimePoint::min();
    bool moved_away = false;  // by an operator
    bool planned = false;     // its leaving
  };
  bool is_fit(std::size_t node) const;
  bool prefers(std::size_t node) const;
  std::optional<std::size_t> preferred() const;
  // max_takeovers_per_hour is reached.
  bool limited(std::size_t node) const;
  // Who has to lead when nothing fails for long enough; nullopt: who leads.
  std::optional<std::size_t> due() const;
  void look_at_the_calm();

  World world_;
  std::array<Node, 2> nodes_;
  bool stranger_came_ = false;
  int asks_ = 0;
  int failbacks_ = 0;
  int returns_ = 0;  // of the preferred node in the calm

  std::optional<TimePoint> calm_since_;
  std::optional<std::size_t> due_;     // as it was then
  std::optional<std::size_t> led_by_;  // last, in the calm
  std::optional<TimePoint> led_since_;
  std::optional<TimePoint> nobody_since_;
  int changes_ = 0;
  Duration longest_gap_{};
};

}  // namespace sim
