// The clockwork of the simulated LAN: events, packets, machines. What fails and what is checked is
// in storm.cpp.
#include "tests/sim/lan.hpp"

#include <algorithm>
#include <ostream>

#include "tests/sim/router.hpp"
#include "vrrp/io/hmac.hpp"

namespace sim {

using namespace std::chrono_literals;
using vrrp::IpAddress;

Lan::Lan(std::uint64_t seed, std::ostream* trace) : random_(seed), trace_(trace) {
  make_routers();
}

Lan::~Lan() = default;

void Lan::run_until(TimePoint end) {
  while (!events_.empty() && events_.top().at <= end) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    event.what();
  }
  now_ = end;
}

void Lan::at(TimePoint when, std::function<void()> what) {
  events_.push(Event{std::max(when, now_), ++scheduled_, std::move(what)});
}

void Lan::step(Router& router, const vrrp::InstanceInput& input) {
  ++steps_;
  for (const auto& effect : router.instance->step(router.local(now_), input)) {
    if (const auto* advert = std::get_if<vrrp::SendAdvert>(&effect)) {
      send(router, advert->priority);
    } else if (const auto* became = std::get_if<vrrp::BecameMaster>(&effect)) {
      say(router.name() + " leads: " + std::string(to_string(became->why)));
      router.holds_vip = true;
    } else if (const auto* left = std::get_if<vrrp::LeftMaster>(&effect)) {
      say(router.name() + " leaves: " + std::string(to_string(left->why)));
      router.holds_vip = false;
      router.last_advert.reset();
    }
  }
  check_router(router);
  arm(router);
}

void Lan::arm(Router& router) {
  const auto deadline = router.instance->next_deadline();
  if (!deadline || router.armed == deadline) return;
  router.armed = deadline;
  const auto life = router.life;
  const TimePoint due = std::max(router.global(*deadline), router.hung_until);
  at(due, [this, &router, life, deadline] {
    if (router.life != life) return;
    if (now_ < router.hung_until) {  // hung meanwhile: the timer is seen on waking up
      router.armed.reset();
      return arm(router);
    }
    if (router.armed == deadline) router.armed.reset();
    step(router, vrrp::DeadlineReached{});
  });
}

void Lan::send(Router& router, vrrp::Priority priority) {
  if (priority != vrrp::kPriorityResign) note_advert(router);
  for (const IpAddress& source : router.sources) {
    vrrp::Advertisement advert;
    advert.version = version_;
    advert.vrid = vrrp::Vrid{51};
    advert.priority = priority;
    advert.interval = router.instance->config().advert_interval;
    advert.addresses = {vip_of(source.family())};
    const IpAddress group = group_of(source.family());
    auto bytes = std::make_shared<std::vector<std::uint8_t>>(encode(advert, source, group));
    if (router.authenticator) {
      const auto trailer = router.authenticator->sign(*bytes, source, router.wall(now_)).value();
      append_trailer(*bytes, trailer, source, group);
    }
    for (const auto& other : routers_) {
      if (other.get() == &router) continue;
      // The buffer lives as long as its copies are under way.
      at(now_, [this, bytes, source, group, &router, to = other.get()] {
        transmit(router, *to, vrrp::Datagram{source, group, 255, *bytes});
      });
    }
  }
}

void Lan::transmit(const Router& from, Router& to, const vrrp::Datagram& datagram) {
  if (!from.link_up || !to.link_up || island_[from.index] != island_[to.index]) return;
  if (deaf_[to.index][from.index]) return;
  const int copies = chance(duplication_) ? 2 : 1;
  const std::vector<std::uint8_t> bytes(datagram.payload.begin(), datagram.payload.end());
  for (int copy = 0; copy < copies; ++copy) {
    if (chance(loss_)) continue;
    at(now_ + up_to(max_delay_), [this, &to, datagram, bytes] {
      deliver(to, vrrp::Datagram{datagram.source, datagram.destination, datagram.ttl, bytes});
    });
  }
}

void Lan::deliver(Router& to, const vrrp::Datagram& datagram) {
  if (!to.alive || !to.link_up) return;
  if (now_ < to.hung_until) {  // waits in the socket's buffer
    const std::vector<std::uint8_t> bytes(datagram.payload.begin(), datagram.payload.end());
    const auto life = to.life;
    at(to.hung_until, [this, &to, datagram, bytes, life] {
      if (to.life != life) return;
      deliver(to, vrrp::Datagram{datagram.source, datagram.destination, datagram.ttl, bytes});
    });
    return;
  }
  const bool first = datagram.source.family() == to.rules.front().addresses.front().family();
  const auto& rules = first ? to.rules.front() : to.rules.back();
  const auto judged = admit(datagram, rules, to.authenticator.get(), to.wall(now_));
  const auto* admitted = std::get_if<vrrp::Admitted>(&judged);
  if (admitted == nullptr) {
    // A copy, or one that was overtaken, is a replay to who checks for them; what waited in the
    // buffer of a hung router is stale.
    const auto reason = std::get<vrrp::Refused>(judged).reason;
    if (reason != vrrp::Refusal::auth_replayed && reason != vrrp::Refusal::auth_stale) {
      violated(to.name() + " refused a good packet: " + std::string(to_string(reason)));
    }
    return;
  }
  const auto& advert = admitted->advertisement;
  step(to, vrrp::AdvertReceived{datagram.source, advert.priority, advert.interval});
}

void Lan::start(Router& router) {
  say(router.name() + " starts");
  ++router.life;
  router.alive = true;
  router.armed.reset();
  router.hung_until = TimePoint::min();
  router.instance = std::make_unique<vrrp::Instance>(router.config);
  if (authenticated_) {
    vrrp::AuthRules rules;
    rules.keys = {vrrp::AuthKey{1, std::vector<std::uint8_t>(32, 7)}};
    router.authenticator = std::make_unique<vrrp::Authenticator>(rules, vrrp::io::hmac_sha256);
  }
  step(router, vrrp::EligibilityChanged{router.eligible});
  if (router.link_up) step(router, vrrp::LinkChanged{true, router.sources.front()});
}

void Lan::crash(Router& router) {
  say(router.name() + " dies");
  ++router.life;
  router.alive = router.holds_vip = false;
  router.last_advert.reset();
}

bool Lan::chance(double probability) {
  return std::uniform_real_distribution<>(0, 1)(random_) < probability;
}

Duration Lan::up_to(Duration most) {
  return Duration(std::uniform_int_distribution<Duration::rep>(0, most.count())(random_));
}

void Lan::say(const std::string& words) const {
  if (trace_ == nullptr) return;
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now_ - TimePoint{1h});
  *trace_ << since.count() << " us: " << words << '\n';
}

}  // namespace sim
