// The virtual router state machine of RFC 9568 section 6.4 (RFC 3768 section 6.4), as a value.
//
// One door in, step(); one list out, Effects, whose order is the contract. It never reads a clock,
// never sends, never waits, and knows nothing of the service behind the virtual address. What the
// RFC does not have is `may_lead`: a router that may not lead stays silent when the master is gone
// and says so, and takes over the moment it may (design rule 4).
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "vrrp/address.hpp"
#include "vrrp/advertisement.hpp"
#include "vrrp/timing.hpp"
#include "vrrp/types.hpp"

namespace vrrp {

struct InstanceConfig {
  Version version = Version::v3;
  Vrid vrid;
  Priority priority{100};
  Duration advert_interval = std::chrono::seconds(1);
  // RFC 9568 section 6.1 Preempt_Mode. Off by default: roles of a data pair are sticky (rule 6).
  bool preempt = false;
  // How long a leader of lower priority is heard before it is preempted.
  Duration preempt_delay{};
  // After the start: how long to listen at least before taking over. A switch port may be deaf.
  Duration startup_hold{};
  // Adverts that may be missed in a row; RFC 9568 section 6.1 says 3.
  int down_adverts = kDownAdverts;
  // After a loss of the link: how long it must stay usable before it counts as usable again.
  Duration link_up_delay{};
  // How long a master may have been held up and, before it gives way, listen whether anybody leads
  // in its place. Zero: it gives way at once. For routers whose peers do not lead for silence
  // alone.
  Duration listens_after{};
};

// ---- inputs ------------------------------------------------------------------------------------

// An advertisement that passed admission. A pair with addresses of both families advertises in both
// and holds one election: the family of LinkChanged::source is the one that breaks ties.
struct AdvertReceived {
  IpAddress source;
  Priority priority;
  Duration interval{};
  Duration waited{};  // since it arrived: until this process came to read it
};
// next_deadline() has come; harmless when it has not.
struct DeadlineReached {};
// Interface up with carrier and with an address to send from, or not.
struct LinkChanged {
  bool usable = false;
  IpAddress source;
};
// Whether this node's server may become the master's. While master, false resigns (priority 0).
struct EligibilityChanged {
  bool may_lead = false;
  // With Preempt_Mode: whether it may follow a live leader, though it may not replace a lost one.
  bool may_preempt = false;
  // While master: a leader of higher priority is answered and not given way to. The user knows
  // better than priorities who of the two has to stay, and ends it by may_lead or by taking this
  // back. Not RFC 9568: both advertise until then.
  bool holds = false;
};
// What is tracked raised or lowered the priority (1 to 254); the next advert carries it.
struct PriorityChanged {
  Priority priority;
};
// Leave for good: priority 0 when master.
struct Stop {};

using InstanceInput = std::variant<AdvertReceived, DeadlineReached, LinkChanged, EligibilityChanged,
                                   PriorityChanged, Stop>;

// ---- effects -----------------------------------------------------------------------------------

enum class Change : std::uint8_t {
  started,          // first usable link: Backup
  leader_silent,    // master-down timer ran out: Master
  leader_resigned,  // priority 0 heard, skew ran out: Master
  became_eligible,  // nobody led and now we may: Master
  preempted,        // a leader of lower priority was outvoted: Master
  higher_priority,  // Master -> Backup
  tie_break,        // equal priority, higher address: Master -> Backup
  resigned,         // told to: Master -> Backup
  link_lost,        // -> Initialize
  stopped,          // -> Initialize
  late,             // our own timer ran so late that peers gave us up: Master -> Backup
};
std::string_view to_string(Change change);

struct SendAdvert {
  Priority priority;
  bool operator==(const SendAdvert&) const = default;
};
struct BecameMaster {
  Change why = Change::leader_silent;
  bool operator==(const BecameMaster&) const = default;
};
struct LeftMaster {
  Change why = Change::resigned;
  bool operator==(const LeftMaster&) const = default;
};
struct BecameBackup {
  Change why = Change::started;
  bool operator==(const BecameBackup&) const = default;
};
struct BecameInitialize {
  Change why = Change::link_lost;
  bool operator==(const BecameInitialize&) const = default;
};
// Things that change no state and that the rulebook, the log or the announcer want to know.
enum class Notice : std::uint8_t {
  leader_heard,            // a (new) leader advertises; `source` and `priority` say who
  leader_resigning,        // backup heard priority 0
  leader_lost,             // timer ran out and we may not lead
  lower_priority_leader,   // master heard a lower one: answered, announce again
  held_against,            // master heard one that it would give way to, and holds
  resign_heard_as_master,  // master heard priority 0: answered
  own_address_conflict,    // equal priority from our own address
  not_heard,               // master: `source` goes on advertising with lower priority, so our
                           // adverts do not reach it; once until it falls silent
  rival_silent,            // master: the one of not_heard is silent now
  late,                    // master: an advert left more than one interval late, but in time
};
std::string_view to_string(Notice notice);
struct Report {
  Notice notice = Notice::leader_heard;
  IpAddress source;
  Priority priority;
  std::optional<TimePoint> last_heard{};  // leader_lost: its last advert
  bool operator==(const Report&) const = default;
};

using InstanceEffect =
    std::variant<SendAdvert, BecameMaster, LeftMaster, BecameBackup, BecameInitialize, Report>;
using InstanceEffects = std::vector<InstanceEffect>;

// ---- the machine -------------------------------------------------------------------------------

enum class State : std::uint8_t { initialize, backup, master };
std::string_view to_string(State state);

struct Leader {
  IpAddress source;
  Priority priority;
  Duration interval{};
  TimePoint last_heard{};
};

struct InstanceSnapshot {
  State state = State::initialize;
  TimePoint since{};
  bool may_lead = false;
  bool leader_lost = false;               // Backup: nobody advertises and we may not
  std::optional<Leader> leader;           // Backup: who leads
  std::optional<IpAddress> not_heard_by;  // Master: who leads too, deaf to our adverts
  bool listens = false;                   // Master: was held up, finds out whether it still is
  std::optional<TimePoint> deadline;
};

class Instance {
 public:
  explicit Instance(InstanceConfig config) : config_(config) {}

  InstanceEffects step(TimePoint now, const InstanceInput& input);
  // When step() wants a DeadlineReached; nullopt while nothing is due.
  std::optional<TimePoint> next_deadline() const;
  InstanceSnapshot snapshot() const;
  const InstanceConfig& config() const { return config_; }

 private:
  struct Initialize {
    std::optional<TimePoint> usable_at;  // the link is back and has to last until then
  };
  struct Backup {
    std::optional<TimePoint> master_down;       // Master_Down_Timer; nullopt: ran out, may not lead
    Change why_master = Change::leader_silent;  // what its end will mean
    std::optional<Leader> leader;
    std::optional<TimePoint> preempt_at;  // a lower leader is heard and tolerated until then
  };
  // Somebody of lower priority who leads too.
  struct Rival {
    IpAddress source;
    TimePoint first_heard{};
    TimePoint last_heard{};
    bool reported = false;
  };
  struct Master {
    TimePoint next_advert;  // Advertisement_Interval timer, absolute so that adverts do not drift
    TimePoint answer_allowed;  // rate limit of answers
    std::optional<Rival> rival;
    std::optional<TimePoint> listens_until;  // held up: does not advertise before, and next then
  };

  void on(TimePoint now, const AdvertReceived& advert);
  void on(TimePoint now, const DeadlineReached& deadline);
  void on(TimePoint now, const LinkChanged& link);
  void on(TimePoint now, const EligibilityChanged& eligibility);
  void on(TimePoint now, const PriorityChanged& changed);
  void on(TimePoint now, const Stop& stop);

  void give_way_when_late(TimePoint now, const InstanceInput& input);
  bool listen_when_late(TimePoint now, Master& master, const InstanceInput& input);
  void deadline_as_backup(TimePoint now, Backup& backup);
  void deadline_as_master(TimePoint now, Master& master);
  void advert_as_backup(TimePoint now, Backup& backup, const AdvertReceived& advert);
  bool preempts(TimePoint now, Backup& backup, const AdvertReceived& advert) const;
  void resignation_as_backup(TimePoint now, Backup& backup, const AdvertReceived& advert);
  void advert_as_master(TimePoint now, Master& master, const AdvertReceived& advert);
  void answer(TimePoint now, Master& master);
  void watch_rival(TimePoint now, Master& master, const AdvertReceived& advert);
  void become_master(TimePoint now, Change why);
  void become_backup(TimePoint now, Change why, Duration leader_interval);
  void become_initialize(TimePoint now, Change why);
  void start_listening(TimePoint now);

  Duration skew(const std::optional<Leader>& leader) const;
  Duration master_down_after(Duration interval) const;
  bool breaks_ties(const IpAddress& source) const { return source.family() == source_.family(); }
  bool is_leader(const Backup& backup, const IpAddress& source) const;
  template <typename Effect>
  void emit(Effect effect) {
    effects_.emplace_back(std::move(effect));
  }

  InstanceConfig config_;
  std::variant<Initialize, Backup, Master> state_ = Initialize{};
  TimePoint since_{};
  IpAddress source_;
  bool may_lead_ = false;
  bool may_preempt_ = false;
  bool holds_ = false;
  bool link_was_lost_ = false;
  TimePoint hold_until_ = TimePoint::min();  // of startup_hold
  InstanceEffects effects_;
};

}  // namespace vrrp
