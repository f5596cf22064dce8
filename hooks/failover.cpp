// The servers' own handover, FAILOVER (Redis 6.2): the master holds its writes, waits for the
// replica, becomes its replica and tells it to lead. TIMEOUT bounds only the wait; afterwards a
// target that hangs or refuses the master's password leaves two replicas and no end, which is why
// it is watched here and aborted.
#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "hooks/dialogue.hpp"
#include "hooks/role_change.hpp"

namespace hooks {
namespace {

using health::Role;

constexpr Duration kPollInterval = std::chrono::milliseconds(2);
// The server looks at its TIMEOUT ten times a second.
constexpr Duration kLateness = std::chrono::seconds(1);

std::string in_ms(Duration duration) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

// master_failover_state of INFO replication; empty before Redis 6.2.
std::string_view failover_state(std::string_view info) {
  constexpr std::string_view kField = "master_failover_state:";
  const auto at = info.find(kField);
  if (at == std::string_view::npos) return {};
  const std::string_view value = info.substr(at + kField.size());
  return value.substr(0, value.find_first_of("\r\n"));
}

class Failover final : public Dialogue {
 public:
  explicit Failover(FailoverRules rules) : rules_(std::move(rules)) {}

  std::string_view name() const override { return "failover"; }
  Step begin(TimePoint now) override;

 private:
  Step choose(TimePoint now, const health::Reply& info);
  Step demand(TimePoint now, const health::ConnectedReplica& replica);
  Step look();
  Step look_again();
  Step judge(TimePoint now, const health::Reply& info);
  Step verify();
  Step abort();
  Step judge_abort(const health::Reply& info);

  FailoverRules rules_;
  TimePoint wait_end_;
  std::optional<TimePoint> told_at_;  // the replica, to lead
};

Step Failover::begin(TimePoint) {
  return ask_info(Target::local, "replication",
                  [this](TimePoint now, const health::Reply& reply) { return choose(now, reply); });
}

// FAILOVER compares text: the address is the one in slaveN, which need not be the configured one.
Step Failover::choose(TimePoint now, const health::Reply& info) {
  const auto facts = health::parse_info(info.text);
  const std::string who = subject(Target::local);
  const std::string_view state = failover_state(info.text);
  if (facts.role != Role::master) return Failed{who + " is not a master", true};
  if (state.empty()) return Failed{who + " has no FAILOVER, which came with Redis 6.2", true};
  if (state != "no-failover") {
    return Failed{who + " is in a FAILOVER already (" + std::string(state) + ")", true};
  }
  std::vector<health::ConnectedReplica> online;
  // Who only reads the stream has no port.
  std::ranges::copy_if(facts.replicas, std::back_inserter(online),
                       [](const auto& one) { return one.online && one.endpoint.port != 0; });
  const auto named = std::ranges::find_if(
      online, [this](const auto& one) { return one.endpoint == rules_.replica; });
  if (named != online.end()) return demand(now, *named);
  if (online.size() == 1) return demand(now, online.front());
  if (online.empty()) return Failed{"no replica of " + who + " is online", true};
  return Failed{"none of the " + std::to_string(online.size()) + " replicas of " + who + " is " +
                    rules_.replica.to_string(),
                true};
}

Step Failover::demand(TimePoint now, const health::ConnectedReplica& replica) {
  wait_end_ = now + rules_.catch_up + kLateness;
  const Question question{
      Target::local,
      {"FAILOVER", "TO", replica.endpoint.host, std::to_string(replica.endpoint.port), "TIMEOUT",
       in_ms(rules_.catch_up)},
      {}};
  return order(question, [this](TimePoint) { return look(); });
}

Step Failover::look() {
  return ask_info(Target::local, "replication",
                  [this](TimePoint now, const health::Reply& reply) { return judge(now, reply); });
}

Step Failover::look_again() {
  return wait(kPollInterval, [this](TimePoint) { return look(); });
}

Step Failover::judge(TimePoint now, const health::Reply& info) {
  const auto facts = health::parse_info(info.text);
  const std::string_view state = failover_state(info.text);
  if (state == "no-failover" && facts.role == Role::replica) return verify();
  if (state == "no-failover") {
    return Failed{
        subject(Target::peer) + " did not catch up within " + in_ms(rules_.catch_up) + " ms", true};
  }
  if (state == "failover-in-progress") {
    if (!told_at_) told_at_ = now;
    if (now < *told_at_ + rules_.takeover) return look_again();
    return abort();
  }
  return now < wait_end_ ? look_again() : abort();
}

// Only now is the replica asked: before it has answered its master it may be the one that hangs.
Step Failover::verify() {
  return ask({Target::peer, {"ROLE"}, {}}, [](TimePoint, const health::Reply& reply) -> Step {
    const auto role = health::parse_role(reply);
    if (!role) return unexpected({Target::peer, {"ROLE"}, {}}, reply);
    if (role->role == Role::master) return Done{};
    return Failed{subject(Target::peer) + " is no master after the FAILOVER"};
  });
}

// The replica may have begun to lead with its answer on the way: nobody writes here before that is
// known.
Step Failover::abort() {
  return order(set_min_replicas(Target::local, "to-write", kFenceReplicas), [this](TimePoint) {
    return attempt({Target::local, {"FAILOVER", "ABORT"}, {}}, [this](TimePoint) {
      return ask_info(Target::local, "replication",
                      [this](TimePoint, const health::Reply& reply) { return judge_abort(reply); });
    });
  });
}

Step Failover::judge_abort(const health::Reply& info) {
  const auto facts = health::parse_info(info.text);
  const bool over = failover_state(info.text) == "no-failover";
  // It came to its end just before.
  if (over && facts.role == Role::replica) return verify();
  std::string why = subject(Target::peer) + " did not take over within ";
  why += in_ms(told_at_ ? rules_.takeover : rules_.catch_up) + " ms";
  if (!over) return Failed{why + ", and the FAILOVER could not be aborted"};
  return Failed{why + ": aborted, the local server is a master again, with its writes fenced"};
}

}  // namespace

std::unique_ptr<Procedure> make_failover(FailoverRules rules) {
  return std::make_unique<Failover>(std::move(rules));
}

}  // namespace hooks
