// How answers and their absence add up to a verdict, and when a verdict is news.
#include "health/monitor.hpp"

#include <algorithm>
#include <utility>

namespace health {

void Monitor::count_good(TimePoint now) {
  misses_ = strange_ = 0;
  good_ = std::min(good_ + 1, config_.rise);
  judge_up(now);
}

void Monitor::count_miss(TimePoint now, std::string why) {
  good_ = 0;
  misses_ = std::min(misses_ + 1, config_.fall);
  if (misses_ == config_.fall) judge(now, Health::hung, std::move(why));
}

void Monitor::count_alive() {
  good_ = misses_ = strange_ = 0;
}

void Monitor::judge_up(TimePoint now) {
  const int needed = snapshot_.health == Health::unknown ? 1 : config_.rise;
  if (!facts_current_ || good_ < needed) return;
  if (std::optional<std::string> why = unsuitable(snapshot_.facts)) {
    return judge(now, Health::denied, std::move(*why));
  }
  judge(now, Health::up, "answers PING");
}

void Monitor::judge(TimePoint now, Health health, std::string detail) {
  const bool same = health == snapshot_.health;
  // A new reason of a refusal is news; two ways in which a lost host is lost are not.
  const bool reason_matters =
      health == Health::denied || health == Health::degraded || health == Health::hung;
  const bool news = !same || (reason_matters && detail != snapshot_.detail);
  if (!same) snapshot_.since = now;
  snapshot_.health = health;
  snapshot_.detail = detail;
  if (news) effects_.emplace_back(HealthChanged{health, std::move(detail)});
}

}  // namespace health
