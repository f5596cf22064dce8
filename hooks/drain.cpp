// Draining: waits until a replica has read all of its fenced master's stream. Changes nothing.
#include <utility>
#include <vector>

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

// Which of the two answers first does not matter: the master writes nothing any more.
Step Drain::read_both() {
  const std::vector<Question> infos{{to_, {"INFO", "replication"}, {}},
                                    {from_, {"INFO", "replication"}, {}}};
  return ask_all(
      infos, [this, infos](TimePoint, const std::vector<health::Reply>& replies) -> Step {
        for (std::size_t i = 0; i < infos.size(); ++i) {
          if (replies[i].type != health::Reply::Type::bulk) return unexpected(infos[i], replies[i]);
        }
        return judge(health::parse_info(replies[0].text), health::parse_info(replies[1].text));
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
