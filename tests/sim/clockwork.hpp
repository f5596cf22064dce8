// Virtual time and chance of one simulated run: events in their order, everything drawn from a
// seed, and a trace in words for the run that is replayed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sim {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

class Clockwork {
 public:
  Clockwork(std::uint64_t seed, std::ostream* trace) : random_(seed), trace_(trace) {}

  TimePoint now() const { return now_; }
  void at(TimePoint when, std::function<void()> what) {
    events_.push_back({std::max(when, now_), ++scheduled_, std::move(what)});
    std::push_heap(events_.begin(), events_.end(), later);
  }
  void after(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  // The next event, unless it comes after `end`.
  bool run_one(TimePoint end) {
    if (events_.empty() || events_.front().at > end) {
      now_ = end;
      return false;
    }
    std::pop_heap(events_.begin(), events_.end(), later);
    const Event event = std::move(events_.back());
    events_.pop_back();
    now_ = event.at;
    ++run_;
    event.what();
    return true;
  }
  std::uint64_t events() const { return run_; }

  bool chance(double probability) {
    return std::uniform_real_distribution<>(0, 1)(random_) < probability;
  }
  Duration up_to(Duration most) {
    return Duration(std::uniform_int_distribution<Duration::rep>(0, most.count())(random_));
  }
  Duration between(Duration least, Duration most) { return least + up_to(most - least); }
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  bool traced() const { return trace_ != nullptr; }
  void say(const std::string& words) const;

 private:
  struct Event {
    TimePoint at;
    std::uint64_t order = 0;  // of scheduling: events of one moment keep it
    std::function<void()> what;
  };
  static bool later(const Event& one, const Event& other) {
    return one.at != other.at ? one.at > other.at : one.order > other.order;
  }

  std::mt19937_64 random_;
  std::ostream* trace_;
  TimePoint now_{std::chrono::hours(1)};
  std::vector<Event> events_;  // a heap
  std::uint64_t scheduled_ = 0;
  std::uint64_t run_ = 0;
};

}  // namespace sim
