// What the virtual router did and heard, as the rulebook takes it.
#include "agent/pair.hpp"

namespace agent {

namespace {

std::string_view sentence(vrrp::Change change) {
  switch (change) {
    case vrrp::Change::higher_priority: return "a leader with higher priority advertises";
    case vrrp::Change::tie_break:
      return "a leader with equal priority and higher address advertises";
    case vrrp::Change::link_lost: return "the interface is down or has no address";
    case vrrp::Change::late: return "this agent was held up for longer than the peer waits";
    default: return "the router stepped down";
  }
}

}  // namespace

void Pair::on(TimePoint now, const RouterChanged& router) {
  std::visit([&](const auto& one) { on_router(now, one); }, router.what);
}

void Pair::on_router(TimePoint now, const vrrp::BecameMaster& became) {
  router_leads_ = true;
  begin_promotion(now, became.why);
  sight_.leader_advertises = sight_.leader_resigned = false;
  sight_.leader_silent_since.reset();
}

void Pair::on_router(TimePoint now, const vrrp::LeftMaster& left) {
  router_leads_ = false;
  sight_.not_heard_by.clear();
  const bool up =
      std::holds_alternative<Promoting>(state_) || std::holds_alternative<Leading>(state_);
  if (up) leave(now, std::string(sentence(left.why)));
}

void Pair::on_router(TimePoint /*now*/, const vrrp::BecameBackup& /*became*/) {
  sight_.router_up = true;
}

void Pair::on_router(TimePoint /*now*/, const vrrp::BecameInitialize& /*became*/) {
  sight_.router_up = false;
  sight_.leader_advertises = sight_.leader_resigned = false;
  sight_.leader_silent_since.reset();
}

// Beside a master of our own it counts what the other server became meanwhile.
void Pair::ask_who_led() {
  if (idle() && sight_.leader_ever_heard && sight_.local.is_master()) {
    emit(RefreshFacts{hooks::Target::peer});
  }
}

void Pair::on_router(TimePoint now, const vrrp::Report& report) {
  switch (report.notice) {
    case vrrp::Notice::leader_heard:
      sight_.leader_advertises = sight_.leader_ever_heard = true;
      heard_another_leader_ = true;
      sight_.advert_reported_at = now;
      sight_.leader_resigned = sight_.accept_data_loss = false;
      sight_.leader_silent_since.reset();
      sight_.vip_probe.reset();
      say_who_leads(now, report);
      call_the_peer(now);
      break;
    case vrrp::Notice::leader_resigning:
      sight_.leader_advertises = false;
      sight_.leader_resigned = true;
      sight_.advert_reported_at = sight_.leader_seen_at = now;
      ask_who_led();
      break;
    case vrrp::Notice::leader_lost:
      sight_.leader_advertises = false;
      sight_.leader_silent_since = now;
      // It lived until then, and took writes, even if its server could not be asked.
      if (report.last_heard && report.last_heard > sight_.leader_seen_at) {
        sight_.leader_seen_at = report.last_heard;
      }
      ask_who_led();
      break;
    case vrrp::Notice::lower_priority_leader:
      announcing_.rival_heard = now;
      stop_for_a_rival();
      if (stopped_for_a_rival_) break;
      // Its announcements may have moved the VIP in the switches' and neighbours' tables.
      announce_again(now, "a second leader " + report.source.to_string() +
                              " advertises with lower priority: answered, announced again");
      break;
    case vrrp::Notice::held_against:
      stop_for_a_rival();
      held_against(now, report);
      break;
    case vrrp::Notice::late:
      // Nobody gave us up, but what the network learned meanwhile is not known.
      announce_again(now, "an advert left more than an interval late: announced again");
      break;
    case vrrp::Notice::not_heard: sight_.not_heard_by = report.source.to_string(); break;
    case vrrp::Notice::rival_silent: sight_.not_heard_by.clear(); break;
    case vrrp::Notice::resign_heard_as_master:
    case vrrp::Notice::own_address_conflict: break;
  }
}

}  // namespace agent
