// Draining: waits until a replica has read all of its fenced master's stream. Changes nothing.
#include <utility>

#include "hooks/dialogue.hpp"
#include "hooks/role_change.hpp"

namespace hooks {
namespace {

constexpr Duration kPollInterval = std::chrono::milliseconds(1);

class Drain final : public Dialogue {
 public:
  Drain(Target from, Target to) : from_(from), to_(to) {}

  std::string_view name() const override { return "drain"; }
  Step begin(TimePoint) override { return read_both(); }

 private:
  Step read_both();
  Step judge(const health::ServerFacts& replica, const health::ServerFacts& master);

  Target from_;
  Target to_;
};

// The master is read last: what it has written since the replica was read counts as missing.
Step Drain::read_both() {
  return ask_info(to_, "replication", [this](TimePoint, const health::Reply& replica) {
    auto facts = health::parse_info(replica.text);
    return ask_info(from_, "replication",
                    [this, facts = std::move(facts)](TimePoint, const health::Reply& master) {
                      return judge(facts, health::parse_info(master.text));
                    });
  });
}

// Offsets count bytes of one lineage. Servers before Redis 4 name none: there the link must do.
Step Drain::judge(const health::ServerFacts& replica, const health::ServerFacts& master) {
  if (master.role != health::Role::master) return Failed{subject(from_) + " is not a master"};
  if (replica.role != health::Role::replica) return Failed{subject(to_) + " is not a replica"};
  if (!replica.link_up) {
    return Failed{subject(to_) + " has no link to its master " + replica.master.to_string()};
  }
  if (replica.replid != master.replid) {
    return Failed{subject(to_) + " follows " + replica.master.to_string() +
                  ", which has another replication id than " + subject(from_)};
  }
  if (replica.offset >= master.offset) return Done{};
  return wait(kPollInterval, [this](TimePoint) { return read_both(); });
}

}  // namespace

std::unique_ptr<Procedure> make_drain(Target from, Target to) {
  return std::make_unique<Drain>(from, to);
}

}  // namespace hooks
