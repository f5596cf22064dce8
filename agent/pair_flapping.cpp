// Rule 16: a pair whose role goes to and fro has a trouble that more failovers do not mend. After
// so many of them in an hour a node leads again only when an operator has looked.
#include "agent/pair.hpp"

namespace agent {

namespace {
constexpr auto kWindow = std::chrono::hours(1);
}  // namespace

// What an operator or a leader that hands over wanted does not count.
void Pair::note_takeover(TimePoint now, bool automatic) {
  if (automatic) takeovers_.push_back(now);
  while (!takeovers_.empty() && now - takeovers_.front() >= kWindow) takeovers_.pop_front();
}

Candidacy Pair::unless_flapping(TimePoint now, Candidacy answer) const {
  const bool wanted = sight_.accept_data_loss || sight_.leader_resigned || sight_.local.is_master();
  if (!answer.may_lead || rules_.max_takeovers == 0 || wanted) return answer;
  if (takeovers_.size() < rules_.max_takeovers) return answer;
  const TimePoint then = takeovers_[takeovers_.size() - rules_.max_takeovers] + kWindow;
  if (now >= then) return answer;
  Candidacy refused;
  refused.needs_operator = true;
  refused.recheck = then;
  refused.why = std::to_string(rules_.max_takeovers) +
                " takeovers within an hour (max_takeovers_per_hour): look for the cause, then "
                "tandem acknowledge PAIR";
  return refused;
}

void Pair::hold_down(TimePoint now) {
  if (rules_.hold_down <= Duration::zero()) return;
  sight_.hold = Sight::Hold{now + rules_.hold_down, "hold_down after it left the role: " + reason_};
}

void Pair::on(TimePoint /*now*/, const Acknowledged& /*acknowledged*/) {
  takeovers_.clear();
  sight_.hold.reset();
  foreign_.written_to = false;
}

}  // namespace agent
