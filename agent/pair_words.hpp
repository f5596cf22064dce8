// What goes into the rulebook and what comes out of it. See pair.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/candidacy.hpp"
#include "agent/peer_word.hpp"
#include "agent/record.hpp"
#include "agent/tracking.hpp"
#include "health/facts.hpp"
#include "health/monitor.hpp"
#include "hooks/notify.hpp"
#include "hooks/procedure.hpp"
#include "hooks/psync.hpp"
#include "hooks/recovery.hpp"
#include "vrrp/instance.hpp"

namespace agent {

enum class PairState : std::uint8_t {
  starting,
  standby,
  promoting,
  leading,
  leaving,
  fault,
  stopped
};
std::string_view to_string(PairState state);

// ---- inputs ------------------------------------------------------------------------------------

// Once, first: what was found at start.
struct Begin {
  std::optional<Record> record;
  bool vips_present = false;   // left by an agent that died within the lease
  std::int64_t unix_time = 0;  // seconds since 1970, now
  // What the scripts have heard last from a predecessor that left the pair to this one.
  std::optional<hooks::NotifyState> told{};
  std::string rejected{};  // why the record on disk was not trusted, and where it is kept
};
// What the router did; the rulebook lets the advert itself pass.
struct RouterChanged {
  std::variant<vrrp::BecameMaster, vrrp::LeftMaster, vrrp::BecameBackup, vrrp::BecameInitialize,
               vrrp::Report>
      what;
};
struct HealthSeen {
  hooks::Target server = hooks::Target::local;
  health::Health health = health::Health::unknown;
  std::string detail;
};
struct FactsSeen {
  hooks::Target server = hooks::Target::local;
  health::ServerFacts facts;
  bool restarted = false;
};
// What the local server's configuration says of what the rulebook manages; nullopt: not known.
struct SettingsSeen {
  TimePoint asked_at{};
  std::optional<int> min_replicas;  // min-replicas-to-write
  std::optional<bool> read_only;    // replica-read-only
  std::optional<bool> can_follow;   // masterauth is what the peer's server wants
};
// The peer's server answered anything: it lives.
struct PeerAnswered {};
// The end of the work that StartWork{id} began.
struct WorkDone {
  std::uint64_t id = 0;
  bool done = false;
  std::string why;  // clause, when not done
};
struct Persisted {
  std::string problem;  // empty: on disk
};
struct VipProbed {
  bool held = false;
};
struct VipsInstalled {
  bool complete = false;
};
// `tandem promote --accept-data-loss`
struct PromoteRequested {};
// `tandem switchover`: the role goes to the standby without losing a write (rule 7), or stays. The
// caller has asked Pair::switchover_problems() before.
struct SwitchoverRequested {
  Duration budget{};  // for holding the writes until the standby has them
  std::string reason = "a switchover was asked for";
  bool by_operator = true;       // failback does not undo it
  bool server_failover = false;  // by the servers' own FAILOVER
  bool ignore_veto = false;      // pre_demote is not asked
};
// `tandem maintenance`; without `on` it ends.
struct MaintenanceOrdered {
  std::optional<Maintenance> on;
};
// The end of what AskForTheRole began.
struct RoleAnswered {
  bool done = false;
  std::string why;  // sentence, when not done
};
// `tandem recover`, or an agent that died in the middle of a recovery: as soon as that is safe.
struct RecoveryRequested {};
// The end of what StartRecovery began, with one clause.
struct RecoveryEnded {
  hooks::RecoveryOutcome outcome = hooks::RecoveryOutcome::done;
  std::string words;
};
// The end of AskScript{id}.
struct ScriptAnswered {
  std::uint64_t id = 0;
  hooks::Verdict verdict = hooks::Verdict::consent;
  std::string words;  // clause, unless it consents
};
// SIGTERM: hand over if anybody can take it, then stop. Repeated: without asking pre_demote.
struct StopRequested {};
struct TimePassed {};
// track_gateway answered a probe.
struct GatewayAnswered {};
// The end of FenceHost{id}.
struct HostFenced {
  std::uint64_t id = 0;
  bool down = false;
  std::string why;  // clause, when it is not proved
};
// The end of Preserve{id}.
struct Preserved {
  std::uint64_t id = 0;
  std::string problem;        // clause; empty: what it holds may be replaced
  std::string path;           // of the copy's directory
  bool nothing_lost = false;  // what it is ahead holds no command of a client: no copy is needed
  std::optional<std::uint64_t> commands;  // of clients, kept one by one
};
// `tandem acknowledge`: an operator has looked into what went to and fro.
struct Acknowledged {};
// `tandem rejoin`: the operator's word after Preserved.
struct RejoinRequested {
  bool accept_data_loss = false;  // also without a copy
};
// The other node's agent over the peer link: its word, whether it can be heard at all, and what the
// two configurations disagree about.
struct PeerSaid {
  PeerWord word;
};
// What it said last still holds.
struct PeerVouched {};
struct PeerLinkChanged {
  bool up = false;
  std::string why;       // clause, when not up
  bool refused = false;  // its host is there and says that no agent listens
};
struct PeerCompared {
  std::vector<std::string> differences;
};

using PairInput =
    std::variant<Begin, RouterChanged, HealthSeen, FactsSeen, PeerAnswered, WorkDone, Persisted,
                 VipProbed, VipsInstalled, PromoteRequested, StopRequested, TimePassed,
                 TrackingSeen, GatewayAnswered, PeerSaid, PeerVouched, PeerLinkChanged,
                 PeerCompared, SwitchoverRequested, Preserved, RejoinRequested, Acknowledged,
                 RoleAnswered, RecoveryRequested, RecoveryEnded, MaintenanceOrdered, SettingsSeen,
                 HostFenced, ScriptAnswered>;

// ---- effects -----------------------------------------------------------------------------------

struct PromoteWork {
  bool accept_data_loss = false;
  std::optional<std::int64_t> leader_offset;  // at last sight, same lineage: for max_lag
  bool drained = false;  // the leader takes no writes, and all that it took is here
  bool operator==(const PromoteWork&) const = default;
};
struct FollowWork {
  hooks::Target server = hooks::Target::local;
  health::Endpoint master;
  bool operator==(const FollowWork&) const = default;
};
struct FenceWork {
  hooks::Target server = hooks::Target::local;
  std::optional<Duration> pause;
  bool operator==(const FenceWork&) const = default;
};
struct PauseWork {
  hooks::Target server = hooks::Target::local;
  Duration length{};
  bool operator==(const PauseWork&) const = default;
};
struct UnfenceWork {
  hooks::Target server = hooks::Target::local;
  bool operator==(const UnfenceWork&) const = default;
};
struct DrainWork {
  hooks::Target from = hooks::Target::local;
  hooks::Target to = hooks::Target::peer;
  bool operator==(const DrainWork&) const = default;
};
// Fences a replica and makes it a master for itself: without a link to its master it would give its
// data to nobody.
struct DetachWork {
  hooks::Target server = hooks::Target::local;
  bool operator==(const DetachWork&) const = default;
};
struct KillClientsWork {
  bool operator==(const KillClientsWork&) const = default;
};
// min-replicas-to-write and min-replicas-max-lag (whole seconds) of the local server.
struct GuardWork {
  int replicas = 0;
  Duration max_lag{};
  bool operator==(const GuardWork&) const = default;
};
// replica-read-only yes on the local server.
struct ReadOnlyWork {
  bool operator==(const ReadOnlyWork&) const = default;
};
// The servers' own FAILOVER, from the local to the peer's.
struct FailoverWork {
  Duration catch_up{};  // how long the writes may wait for the replica
  Duration takeover{};  // how long it may take to begin to lead
  bool operator==(const FailoverWork&) const = default;
};
using Work = std::variant<PromoteWork, FollowWork, FenceWork, PauseWork, UnfenceWork, DrainWork,
                          KillClientsWork, DetachWork, GuardWork, FailoverWork, ReadOnlyWork>;

// Begins slow work; WorkDone{id} answers within about `budget`. New work cancels older work.
struct StartWork {
  std::uint64_t id = 0;
  Work work;
  Duration budget{};
  bool operator==(const StartWork&) const = default;
};
// Queues a fence on the local server without waiting: a hung server executes it when it wakes.
struct PostFence {
  bool operator==(const PostFence&) const = default;
};
// BGSAVE on the local server, which refuses writes until one succeeds. What comes of it is in its
// next INFO.
struct SaveAgain {
  bool operator==(const SaveAgain&) const = default;
};
struct SetEligibility {
  bool may_lead = false;
  bool may_preempt = false;
  bool holds = false;  // against a leader of higher priority, until epochs decide (rule 13)
  bool operator==(const SetEligibility&) const = default;
};
struct Persist {
  Record record;
  bool answer = false;  // Persisted is awaited
  bool operator==(const Persist&) const = default;
};
// VipsInstalled answers, at once.
struct InstallVips {
  bool operator==(const InstallVips&) const = default;
};
struct ParkVips {
  bool operator==(const ParkVips&) const = default;
};
struct WithdrawVips {
  bool operator==(const WithdrawVips&) const = default;
};
struct Announce {
  bool operator==(const Announce&) const = default;
};
struct ProbeVip {
  bool operator==(const ProbeVip&) const = default;
};
// GatewayAnswered answers, if it does.
struct ProbeGateway {
  bool operator==(const ProbeGateway&) const = default;
};
// Preserved{id} answers: the local server, a fenced master, is about to lose what it holds.
struct Preserve {
  std::uint64_t id = 0;
  std::uint64_t epoch = 0;
  std::string why;
  std::string replid;
  std::optional<hooks::StreamRange> lost;
  std::string commands_missing;  // why there is no range
  std::optional<std::int64_t> keys;
  bool precaution = false;  // RejoinVerdict
  bool operator==(const Preserve&) const = default;
};
// Nobody waits for Preserved any more.
struct StopPreserving {
  bool operator==(const StopPreserving&) const = default;
};
struct RefreshFacts {
  hooks::Target server = hooks::Target::local;
  bool operator==(const RefreshFacts&) const = default;
};
// Calls the peer's agent at once and not when its turn comes: somebody has seen it.
struct CallPeer {
  bool operator==(const CallPeer&) const = default;
};
// Failback: asks the leader's agent for a switchover to this node; RoleAnswered follows.
struct AskForTheRole {
  bool operator==(const AskForTheRole&) const = default;
};
struct Notify {
  hooks::NotifyState state = hooks::NotifyState::backup;
  std::string reason;
  bool initial = false;
  bool operator==(const Notify&) const = default;
};
enum class Weight : std::uint8_t { info, warning };
enum class Topic : std::uint8_t { note, alarm, recovery };
// One line for the log: something an operator should read.
struct Say {
  Weight weight = Weight::info;
  std::string text;
  Topic topic = Topic::note;
  bool operator==(const Say&) const = default;
};
// Asks the fence script whether the peer's host is down; HostFenced{id} answers.
struct FenceHost {
  std::uint64_t id = 0;
  bool operator==(const FenceHost&) const = default;
};
// Asks pre_promote or pre_demote; ScriptAnswered{id} answers in bounded time.
struct AskScript {
  std::uint64_t id = 0;
  hooks::Question question = hooks::Question::promote;
  hooks::NotifyState next = hooks::NotifyState::master;  // what scripts would hear then
  std::string reason;
  bool operator==(const AskScript&) const = default;
};
// A transition has come to its end.
struct Moved {
  PairState from = PairState::starting;
  PairState to = PairState::starting;
  std::string reason;
  std::optional<Duration> took;  // absent: it had no steps
  bool operator==(const Moved&) const = default;
};
// Brings the local server back as a replica of the leader (rule 9); RecoveryEnded answers.
struct StartRecovery {
  bool operator==(const StartRecovery&) const = default;
};
// What it is based on is not true any more; RecoveryEnded answers all the same.
struct AbandonRecovery {
  std::string why;
  bool operator==(const AbandonRecovery&) const = default;
};
// Left for good; nothing follows. The router is Backup, or falls silent on purpose: it is owed no
// priority 0 any more.
struct Stopped {
  bool operator==(const Stopped&) const = default;
};

using PairEffect =
    std::variant<StartWork, PostFence, SaveAgain, SetEligibility, Persist, InstallVips, ParkVips,
                 WithdrawVips, Announce, ProbeVip, ProbeGateway, Preserve, StopPreserving,
                 RefreshFacts, CallPeer, AskForTheRole, Notify, Say, Moved, Stopped, StartRecovery,
                 AbandonRecovery, FenceHost, AskScript>;
using PairEffects = std::vector<PairEffect>;

// "standby -> leading: the leader resigned (6 ms)"
std::string to_words(const Moved& moved);

}  // namespace agent
