// Rule 18: the operator is in charge. While maintenance is on nothing is done automatically: a
// leader keeps role and VIP whatever its server does, a standby neither takes over nor follows,
// nothing is recovered and nothing fails back. What an operator asks for is still done.
#include "agent/pair.hpp"

namespace agent {

bool Pair::maintained() const {
  return sight_.record && sight_.record->maintenance.has_value();
}

std::optional<TimePoint> Pair::maintenance_due() const {
  if (!maintained() || sight_.record->maintenance->until == 0) return std::nullopt;
  return sight_.started + std::chrono::seconds(sight_.record->maintenance->until - begun_at_);
}

void Pair::on(TimePoint /*now*/, const MaintenanceOrdered& ordered) {
  if (!ordered.on && !maintained()) return;
  if (!sight_.record) sight_.record = Record{};
  sight_.record->maintenance = ordered.on;
  emit(Persist{*sight_.record, false});
  if (!ordered.on) return emit(Say{Weight::info, "maintenance is over: an operator ended it"});
  emit(Say{Weight::warning, "maintenance is on: " + maintenance_words() +
                                "; nothing is done automatically until it is over"});
}

void Pair::settle_maintenance(TimePoint now) {
  const auto due = maintenance_due();
  if (!due || now < *due) return;
  sight_.record->maintenance.reset();
  emit(Persist{*sight_.record, false});
  emit(Say{Weight::warning, "maintenance is over: its time has come"});
}

std::string Pair::maintenance_words() const {
  const Maintenance& on = *sight_.record->maintenance;
  return on.why.empty() ? on.who : on.who + ", " + on.why;
}

// In maintenance a leader resigns only because somebody wants it to: the role moves on their word.
// One that is not in maintenance may resign for its server's sake, which is not ours to judge now.
Candidacy Pair::unless_maintained(Candidacy answer) const {
  if (!maintained() || !idle() || sight_.accept_data_loss) return answer;
  const auto& said = sight_.peer_agent.said;
  if (sight_.leader_resigned && said && said->maintenance) return answer;
  Candidacy refused;
  refused.why = "maintenance is on: " + maintenance_words();
  return refused;
}

}  // namespace agent
