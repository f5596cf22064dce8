// Following: makes a server the replica of a given master and proves it. Never judges whose data
// are newer: a full resync replaces what the server holds, and the rulebook has preserved it
// before.
#include <optional>
#include <utility>

#include "hooks/dialogue.hpp"
#include "hooks/role_change.hpp"

namespace hooks {
namespace {

// It lapses by itself when nobody is left to end it.
constexpr const char* kPauseMilliseconds = "1000";

class Follow final : public Dialogue {
 public:
  Follow(Target server, health::Endpoint master, std::optional<health::ServerFacts> judged = {})
      : server_(server), master_(std::move(master)), judged_(std::move(judged)) {}

  std::string_view name() const override { return "follow"; }
  Step begin(TimePoint now) override;

 private:
  using Judge = Step (Follow::*)(const health::RoleReply&);

  Step look_again(const health::Reply& reply);
  Step ask_role(Judge judge);
  Step judge_before(const health::RoleReply& role);
  Step judge_after(const health::RoleReply& role);
  bool follows(const health::RoleReply& role) const;
  Step lift_fence();

  Target server_;
  health::Endpoint master_;
  std::optional<health::ServerFacts> judged_;
};

Step Follow::begin(TimePoint) {
  if (!judged_) return ask_role(&Follow::judge_before);
  const Question pause{server_, {"CLIENT", "PAUSE", kPauseMilliseconds, "WRITE"}, {}};
  return attempt(pause, [this](TimePoint) {
    return ask_info(server_, "",
                    [this](TimePoint, const health::Reply& reply) { return look_again(reply); });
  });
}

// Clients may have written since the rulebook looked.
Step Follow::look_again(const health::Reply& reply) {
  const health::ServerFacts now = health::parse_info(reply.text);
  const bool same =
      now.replid == judged_->replid && now.offset == judged_->offset && now.keys == judged_->keys;
  if (same) return ask_role(&Follow::judge_before);
  return attempt({server_, {"CLIENT", "UNPAUSE"}, {}}, [this](TimePoint) {
    return Failed{subject(server_) + " took writes while it was looked at", true};
  });
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

std::unique_ptr<Procedure> make_follow_if_unchanged(Target server, health::Endpoint master,
                                                    health::ServerFacts judged) {
  return std::make_unique<Follow>(server, std::move(master), std::move(judged));
}

}  // namespace hooks
