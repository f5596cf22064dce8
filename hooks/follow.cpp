// Following: makes a server the replica of a given master and proves it. Never judges whose data
// are newer: a full resync replaces what the server holds, and the rulebook has preserved it
// before.
#include <utility>

#include "hooks/dialogue.hpp"
#include "hooks/role_change.hpp"

namespace hooks {
namespace {

class Follow final : public Dialogue {
 public:
  Follow(Target server, health::Endpoint master) : server_(server), master_(std::move(master)) {}

  std::string_view name() const override { return "follow"; }
  Step begin(TimePoint now) override;

 private:
  using Judge = Step (Follow::*)(const health::RoleReply&);

  Step ask_role(Judge judge);
  Step judge_before(const health::RoleReply& role);
  Step judge_after(const health::RoleReply& role);
  bool follows(const health::RoleReply& role) const;
  Step lift_fence();

  Target server_;
  health::Endpoint master_;
};

Step Follow::begin(TimePoint) {
  return ask_role(&Follow::judge_before);
}

Step Follow::ask_role(Judge judge) {
  return ask({server_, {"ROLE"}, {}}, [this, judge](TimePoint, const health::Reply& reply) -> Step {
    const auto role = health::parse_role(reply);
    if (!role) return unexpected({server_, {"ROLE"}, {}}, reply);
    return (this->*judge)(*role);
  });
}

Step Follow::judge_before(const health::RoleReply& role) {
  if (follows(role)) return lift_fence();
  return order(replicaof(server_, master_.host, std::to_string(master_.port)),
               [this](TimePoint) { return ask_role(&Follow::judge_after); });
}

Step Follow::judge_after(const health::RoleReply& role) {
  if (follows(role)) return lift_fence();
  const std::string found = role.role == health::Role::replica
                                ? "a replica of " + role.master.to_string()
                                : "a " + std::string(health::to_string(role.role));
  return Failed{subject(server_) + " is " + found + " after it was told to follow " +
                master_.to_string()};
}

bool Follow::follows(const health::RoleReply& role) const {
  return role.role == health::Role::replica && role.master == master_;
}

Step Follow::lift_fence() {
  return open(server_, [](TimePoint) { return Done{}; });
}

}  // namespace

std::unique_ptr<Procedure> make_follow(Target server, health::Endpoint master) {
  return std::make_unique<Follow>(server, std::move(master));
}

}  // namespace hooks
