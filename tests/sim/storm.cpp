// What the seed decides, what fails, and what has to hold.
#include <algorithm>

#include "tests/sim/lan.hpp"
#include "tests/sim/router.hpp"

namespace sim {

using namespace std::chrono_literals;
using vrrp::Family;
using vrrp::IpAddress;
using vrrp::Priority;

void Lan::make_routers() {
  version_ = chance(0.2) ? vrrp::Version::v2 : vrrp::Version::v3;
  preempt_ = chance(0.5);
  both_families_ = version_ == vrrp::Version::v3 && chance(0.3);
  authenticated_ = chance(0.1);
  const bool only_ipv6 = version_ == vrrp::Version::v3 && !both_families_ && chance(0.2);
  const std::uint64_t count = 2 + pick(4);
  // One interval for all as it should be, or in v3, which can adopt, one for each.
  const auto draw_interval = [this]() -> Duration {
    return version_ == vrrp::Version::v2 ? Duration(1s) : Duration(10ms * (1 + pick(30)));
  };
  const Duration common = draw_interval();
  const bool own_intervals = version_ == vrrp::Version::v3 && chance(0.2);
  const bool equal_priorities = chance(0.2);
  for (std::size_t index = 0; index < count; ++index) {
    auto router = std::make_unique<Router>();
    router->index = index;
    router->config.version = version_;
    router->config.vrid = vrrp::Vrid{51};
    router->config.priority =
        Priority{static_cast<std::uint8_t>(equal_priorities ? 100 : 1 + pick(254))};
    router->config.advert_interval = own_intervals ? draw_interval() : common;
    router->config.preempt = preempt_;
    router->rate = 1 + (static_cast<double>(pick(2001)) - 1000) / 1e5;  // 1 % at most
    router->wall_offset = up_to(2s);
    const auto octet = static_cast<std::uint8_t>(index + 1);
    if (!only_ipv6) router->sources.push_back(IpAddress::v4({10, 0, 0, octet}));
    if (only_ipv6 || both_families_) {
      // In the reverse order, so that two families would settle a tie in two ways.
      const auto last = static_cast<std::uint8_t>(0x20 - index);
      router->sources.push_back(
          IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}));
    }
    for (const IpAddress& source : router->sources) {
      vrrp::AdmissionRules rules;
      rules.version = version_;
      rules.vrid = vrrp::Vrid{51};
      rules.interval = router->config.advert_interval;
      rules.addresses = {vip_of(source.family())};
      rules.own_source = source;
      router->rules.push_back(rules);
    }
    longest_interval_ = std::max(longest_interval_, router->config.advert_interval);
    routers_.push_back(std::move(router));
  }
  max_delay_ = up_to(longest_interval_ / 20);
  island_.assign(count, 0);
  deaf_.assign(count, std::vector<bool>(count, false));
}

Result Lan::run() {
  for (const auto& router : routers_) {
    at(now_ + up_to(longest_interval_), [this, one = router.get()] { start(*one); });
  }
  plan_storm();
  run_until(now_ + 60 * longest_interval_);
  heal();
  run_until(now_ + settling_time());
  expect_one_leader("when the time to settle was over");
  for (int look = 0; look < 10; ++look) {
    run_until(now_ + longest_interval_ / 2);
    expect_one_leader("after it had settled");
  }
  Result result;
  kill_the_leader(result);
  result.violations = violations_;
  result.steps = steps_;
  return result;
}

void Lan::plan_storm() {
  const std::uint64_t faults = 5 + pick(20);
  for (std::uint64_t fault = 0; fault < faults; ++fault) {
    at(now_ + up_to(55 * longest_interval_), [this] { plan_fault(); });
  }
}

void Lan::plan_fault() {
  Router& router = *routers_[pick(routers_.size())];
  const Duration some_time = up_to(6 * longest_interval_);
  switch (pick(9)) {
    case 0:
      if (router.alive) return crash(router);
      return start(router);
    case 1: loss_ = chance(0.5) ? 0 : 0.5; return say("loss " + std::to_string(loss_));
    case 2: duplication_ = chance(0.5) ? 0 : 0.3; return;
    case 3:
      for (auto& island : island_) island = static_cast<unsigned>(pick(2));
      return say("partition");
    case 4: island_.assign(island_.size(), 0); return say("partition is over");
    case 5: {
      const std::size_t from = pick(routers_.size());
      deaf_[router.index][from] = !deaf_[router.index][from];
      return say(router.name() + " hears " + std::to_string(from + 1) + ": " +
                 (deaf_[router.index][from] ? "no" : "yes"));
    }
    case 6:
      if (!router.alive) return;
      router.link_up = !router.link_up;
      say(router.name() + (router.link_up ? " has a link" : " has no link"));
      return step(router, vrrp::LinkChanged{router.link_up, router.sources.front()});
    case 7:
      router.eligible = !router.eligible;
      say(router.name() + (router.eligible ? " may lead" : " may not lead"));
      if (router.alive) step(router, vrrp::EligibilityChanged{router.eligible});
      return;
    default:
      if (!router.alive) return;
      router.hung_until = now_ + some_time;
      router.last_advert.reset();  // its gap is the machine's fault
      return say(router.name() + " hangs");
  }
}

void Lan::heal() {
  say("healed");
  loss_ = duplication_ = 0;
  island_.assign(island_.size(), 0);
  for (auto& from : deaf_) from.assign(from.size(), false);
  for (const auto& router : routers_) {
    router->hung_until = TimePoint::min();
    const bool had_link = router->link_up;
    router->link_up = true;
    if (!router->alive) {
      if (chance(0.7)) start(*router);
    } else {
      if (!had_link) step(*router, vrrp::LinkChanged{true, router->sources.front()});
      step(*router, vrrp::DeadlineReached{});
    }
  }
}

// RFC 9568 section 6.4.2: the last Backup to give up waits a Master_Down_Interval from now, with
// the longest interval that any of them may have adopted; packets need their time, clocks differ by
// 1 %. Those that rise together settle it with their first adverts.
Duration Lan::settling_time() const {
  Duration longest{};
  for (const auto& router : routers_) {
    longest = std::max(
        longest, vrrp::master_down_interval(version_, router->config.priority, longest_interval_));
  }
  return longest + longest / 50 + 3 * max_delay_ + 1ms;
}

// ---- what has to hold ---------------------------------------------------------------------------

void Lan::check_router(const Router& router) {
  const bool leads = router.instance->snapshot().state == vrrp::State::master;
  if (leads != router.holds_vip) violated(router.name() + ": VIP and leadership differ");
  if (leads && !router.eligible) violated(router.name() + " leads and may not");
}

// While leading, the distance of two adverts is an interval of its own clock at most.
void Lan::note_advert(Router& router) {
  const Duration interval = router.config.advert_interval;
  const Duration allowed = interval + interval / 50 + 10us;
  if (router.last_advert && now_ - *router.last_advert > allowed) {
    violated(router.name() + " left a gap between two adverts");
  }
  router.last_advert = now_;
}

std::vector<Lan::Router*> Lan::leaders() {
  std::vector<Router*> leading;
  for (const auto& router : routers_) {
    if (router->alive && router->holds_vip) leading.push_back(router.get());
  }
  return leading;
}

void Lan::expect_one_leader(const char* when) {
  const bool anybody = std::any_of(routers_.begin(), routers_.end(), [](const auto& router) {
    return router->alive && router->eligible;
  });
  const auto leading = leaders();
  if (leading.size() == (anybody ? 1U : 0U)) return;
  std::string who;
  for (const Router* router : leading) who += " " + router->name();
  violated(std::to_string(leading.size()) + " leaders " + when + ":" + who);
}

void Lan::kill_the_leader(Result& result) {
  const auto leading = leaders();
  if (leading.size() != 1) return;
  Router& leader = *leading.front();
  for (const auto& router : routers_) {
    if (router.get() == &leader || !router->alive || !router->eligible) continue;
    const Duration interval = version_ == vrrp::Version::v3 ? leader.config.advert_interval
                                                            : router->config.advert_interval;
    const Duration down = vrrp::master_down_interval(version_, router->config.priority, interval);
    const auto slowest =
        Duration(static_cast<Duration::rep>(static_cast<double>(down.count()) / router->rate));
    if (result.bound == Duration{} || slowest < result.bound) result.bound = slowest;
  }
  crash(leader);
  if (result.bound == Duration{}) return;
  result.bound += max_delay_ + 2us;
  const TimePoint died = now_;
  while (leaders().empty() && !events_.empty() && now_ <= died + 2 * result.bound) {
    run_until(events_.top().at);
  }
  result.leaderless = now_ - died;
  if (result.leaderless > result.bound) violated("nobody took over in time");
}

void Lan::violated(const std::string& what) {
  say("VIOLATED: " + what);
  if (violations_.size() < 5) violations_.push_back(what);
}

}  // namespace sim
