// Promotion: makes the local replica a master and proves it. Decides whether the server itself is
// fit for it now; never whether this node should lead.
#include <utility>
#include <vector>

#include "hooks/dialogue.hpp"
#include "hooks/role_change.hpp"

namespace hooks {
namespace {

constexpr Duration kPollInterval = std::chrono::microseconds(300);
constexpr int kStillReads = 2;

class Promotion final : public Dialogue {
 public:
  explicit Promotion(PromotionRules rules) : rules_(rules) {}

  std::string_view name() const override { return "promote"; }
  Step begin(TimePoint now) override;

 private:
  Step judge(TimePoint now);
  std::optional<Failed> refusal() const;
  Step drain(TimePoint now);
  Step judge_drain(TimePoint now, const health::ServerFacts& before);
  Step promote();
  std::optional<Failed> lag() const;
  Step open_and_verify();
  static Step verify(const health::Reply& role);

  PromotionRules rules_;
  TimePoint drain_end_;
  int still_reads_ = 0;
  health::ServerFacts facts_;
};

Step Promotion::begin(TimePoint) {
  return ask_info(Target::local, "", [this](TimePoint now, const health::Reply& reply) {
    facts_ = health::parse_info(reply.text);
    return judge(now);
  });
}

Step Promotion::judge(TimePoint now) {
  if (auto failed = refusal()) return *failed;
  if (facts_.role == health::Role::master) return open_and_verify();
  drain_end_ = now + rules_.drain_budget;
  return drain(now);
}

std::optional<Failed> Promotion::refusal() const {
  const std::string who = subject(Target::local);
  if (facts_.role == health::Role::unknown) return Failed{who + " did not name its role in INFO"};
  if (facts_.loading) return Failed{who + " is still loading its data set", true};
  if (facts_.role == health::Role::master || rules_.accept_data_loss) return std::nullopt;
  if (facts_.sync_in_progress) {
    return Failed{who + " is in the middle of a sync and has no whole data set", true};
  }
  if (!facts_.last_bgsave_ok) {
    return Failed{who + " could not save its last RDB file and would refuse writes (-MISCONF)",
                  true};
  }
  if (!facts_.last_aof_write_ok) {
    return Failed{who + " could not write its append-only file and would refuse writes (-MISCONF)",
                  true};
  }
  return std::nullopt;
}

Step Promotion::drain(TimePoint now) {
  if (!facts_.link_up || now >= drain_end_) return promote();
  return wait(kPollInterval, [this](TimePoint) {
    return ask_info(Target::local, "replication", [this](TimePoint at, const health::Reply& reply) {
      const health::ServerFacts before = facts_;
      facts_ = health::parse_info(reply.text, before);
      return judge_drain(at, before);
    });
  });
}

// The stream is read to its end when the link is down, or when two reads in a row found the offset
// where the one before had it. Between two replies the server has been through its event loop at
// least once, the master's socket included, so bytes that waited there would have been read. A
// command that comes in pieces moves the offset only with its last one, but each piece sets
// master_last_io_seconds_ago back: such a read counts as movement.
Step Promotion::judge_drain(TimePoint now, const health::ServerFacts& before) {
  if (auto failed = refusal()) return *failed;
  if (facts_.role == health::Role::master) return open_and_verify();
  const bool still =
      facts_.offset == before.offset && facts_.last_io_seconds_ago >= before.last_io_seconds_ago;
  still_reads_ = still ? still_reads_ + 1 : 0;
  if (still_reads_ >= kStillReads) return promote();
  return drain(now);
}

Step Promotion::promote() {
  if (auto failed = lag()) return *failed;
  const Question promotion = replicaof(Target::local, "NO", "ONE");
  const std::vector<Question> all{promotion,
                                  set_min_replicas(Target::local, "to-write", 0),
                                  {Target::local, {"CLIENT", "UNPAUSE"}, {}},
                                  {Target::local, {"ROLE"}, {}}};
  // In one go where the server is as servers are; what is not as expected is asked step by step.
  return ask_all(all,
                 [this, promotion](TimePoint, const std::vector<health::Reply>& replies) -> Step {
                   const bool open = replies[1].type == health::Reply::Type::status;
                   const auto role = health::parse_role(replies[3]);
                   if (open && role && role->role == health::Role::master) return Done{};
                   return order(promotion, [this](TimePoint) { return open_and_verify(); });
                 });
}

std::optional<Failed> Promotion::lag() const {
  if (!rules_.leader_offset || rules_.accept_data_loss) return std::nullopt;
  const std::int64_t behind = *rules_.leader_offset - facts_.offset;
  if (behind <= rules_.max_lag) return std::nullopt;
  return Failed{subject(Target::local) + " lacks " + std::to_string(behind) +
                    " bytes that the leader had, more than max_lag",
                true};
}

Step Promotion::open_and_verify() {
  return open(Target::local, [this](TimePoint) {
    return ask({Target::local, {"ROLE"}, {}},
               [](TimePoint, const health::Reply& reply) { return verify(reply); });
  });
}

Step Promotion::verify(const health::Reply& reply) {
  const auto role = health::parse_role(reply);
  if (!role) return unexpected({Target::local, {"ROLE"}, {}}, reply);
  if (role->role == health::Role::master) return Done{};
  return Failed{subject(Target::local) + " is a replica of " + role->master.to_string() +
                " after its promotion"};
}

}  // namespace

std::unique_ptr<Procedure> make_promotion(PromotionRules rules) {
  return std::make_unique<Promotion>(rules);
}

}  // namespace hooks
