// A LAN of two to five virtual routers in virtual time, everything drawn from one seed: versions,
// intervals, priorities, families, and a network and machines that fail. Packets are real ones:
// they go through encode(), the Authenticator of some seeds, and admit().
//
// A run has three phases. In the storm everything fails at random. Then all is healed, and one
// router has to lead within the time that RFC 9568 gives. Then the leader dies without a word, and
// the next one has to lead within the Master_Down_Interval of the quickest.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "vrrp/admission.hpp"
#include "vrrp/authentication.hpp"
#include "vrrp/instance.hpp"

namespace sim {

using vrrp::Duration;
using vrrp::TimePoint;

struct Result {
  std::vector<std::string> violations;
  Duration leaderless{};  // after the death of the leader
  Duration bound{};       // that it must not exceed; 0: nobody was left to take over
  std::uint64_t steps = 0;
};

class Lan {
 public:
  // `trace`: each event in words, to replay one seed; nullptr for none.
  explicit Lan(std::uint64_t seed, std::ostream* trace = nullptr);
  ~Lan();
  Result run();

 private:
  struct Router;
  struct Event {
    TimePoint at;
    std::uint64_t order = 0;  // of scheduling: events of one moment keep it
    std::function<void()> what;
    bool operator>(const Event& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  // What the seed decides.
  void make_routers();
  void plan_storm();
  void plan_fault();
  void heal();

  // The clockwork.
  void run_until(TimePoint end);
  void at(TimePoint when, std::function<void()> what);
  void step(Router& router, const vrrp::InstanceInput& input);
  void arm(Router& router);
  void send(Router& router, vrrp::Priority priority);
  void transmit(const Router& from, Router& to, const vrrp::Datagram& datagram);
  void deliver(Router& to, const vrrp::Datagram& datagram);
  void start(Router& router);
  void crash(Router& router);

  // What is checked.
  void check_router(const Router& router);
  void note_advert(Router& router);
  std::vector<Router*> leaders();
  void expect_one_leader(const char* when);
  Duration settling_time() const;
  void kill_the_leader(Result& result);
  void violated(const std::string& what);

  bool chance(double probability);
  Duration up_to(Duration most);
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  void say(const std::string& words) const;

  std::mt19937_64 random_;
  std::ostream* trace_;
  TimePoint now_{std::chrono::hours(1)};
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t scheduled_ = 0;
  std::uint64_t steps_ = 0;
  std::vector<std::unique_ptr<Router>> routers_;
  std::vector<std::string> violations_;

  vrrp::Version version_ = vrrp::Version::v3;
  bool preempt_ = false;
  bool both_families_ = false;
  bool authenticated_ = false;
  Duration longest_interval_{};
  Duration max_delay_{};
  // The state of the network.
  double loss_ = 0;
  double duplication_ = 0;
  std::vector<unsigned> island_;         // by router: only those on one island hear each other
  std::vector<std::vector<bool>> deaf_;  // [to][from]: loss in one direction
};

}  // namespace sim
