// What a pair counts for the metrics, and what load balancers ask of it. See pair_runner.hpp.
#include "agent/io/pair_runner.hpp"

namespace agent::io {

// Each ends once; a number that has been counted does not count again.
void PairRunner::count_switchovers() {
  const SwitchoverReport& report = pair_.switchover();
  if (report.number == counted_switchover_) return;
  switch (report.outcome) {
    case SwitchoverReport::Outcome::done: ++counters_.switchovers_done; break;
    case SwitchoverReport::Outcome::given_up: ++counters_.switchovers_given_up; break;
    default: return;
  }
  counted_switchover_ = report.number;
}

// Of a leader: a standby's timer is set anew by each advert and is rarely reached.
void PairRunner::count_lateness(vrrp::TimePoint due) {
  if (instance_.snapshot().state != vrrp::State::master) return;
  counters_.advert_lateness.observe(std::chrono::steady_clock::now() - due);
}

PairGlance PairRunner::glance() const {
  const health::MonitorSnapshot& seen = local_.snapshot();
  PairGlance out{config_.name, pair_.state(), pair_.reason(), seen.health, seen.detail};
  out.linked = seen.facts.role == health::Role::replica && seen.facts.link_up;
  return out;
}

}  // namespace agent::io
