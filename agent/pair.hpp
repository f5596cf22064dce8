// The rulebook of a pair, as a value: what a node does about its role, its VIPs and its hooks.
//
// One door in, step(); one list out, PairEffects, whose order is the contract: role before address
// on the way up, fence before address before role on the way down (rule 2). Nothing here waits:
// slow work starts as an effect and comes back as WorkDone. It never reads a clock, never talks to
// a server, and leaves the protocol to vrrp::Instance, which it only tells whether it may lead.
//
//   starting --> standby <--> fault            (server gone, interface down, a tracker failed)
//                   |  ^
//      router leads v  |  all steps of the way down taken
//               promoting --> leading --> leaving
//                   '------------------------^
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/candidacy.hpp"
#include "agent/pair_rules.hpp"
#include "agent/pair_snapshot.hpp"
#include "agent/pair_states.hpp"
#include "agent/pair_words.hpp"

namespace agent {

class Pair {
 public:
  explicit Pair(PairRules rules) : rules_(std::move(rules)) {}

  PairEffects step(TimePoint now, const PairInput& input);
  std::optional<TimePoint> next_deadline() const;
  PairSnapshot snapshot() const;
  PairState state() const { return name_; }
  const std::string& reason() const { return reason_; }  // of the last transition
  std::uint64_t epoch() const { return sight_.record ? sight_.record->epoch : 0; }
  const Sight& sight() const { return sight_; }
  // What the local server said of itself since this node leads; nullptr: nothing, or it does not.
  const health::ServerFacts* leading_facts() const;
  // Why a switchover would not be begun now, each in one sentence; empty: it would. Without what
  // the standby's agent says of its own side, if it is the one that asks.
  std::vector<std::string> switchover_problems(bool standby_asks = false) const;
  // What else is in the way of the servers' own FAILOVER.
  std::vector<std::string> failover_problems() const;
  // The same from the standby's side: why this node would not take over now if the leader gave way.
  std::vector<std::string> takeover_problems(TimePoint now) const;
  const SwitchoverReport& switchover() const { return switchover_; }
  // Why `tandem rejoin` has nothing to do here, each in one sentence.
  std::vector<std::string> rejoin_problems() const;
  // mode "safe": leading, and the server takes no writes for want of a standby.
  bool refuses_writes() const { return !guard_alarm().empty(); }
  // Why a recovery would not be begun now, in one clause; nullopt: it would.
  std::optional<std::string> recovery_problem() const;
  bool maintained() const;
  // What the other node's agent is told, but for what only this one's hands know: the name,
  // priorities, a restart, and what the login to the server may not do.
  PeerWord word(TimePoint now) const;
  // When maintenance ends by itself.
  std::optional<TimePoint> maintenance_due() const;
  // What is tracked and keeps this node from leading: a clause; nullopt: nothing.
  std::optional<std::string> tracked_fault() const;

 private:
  // pair.cpp: what was seen
  void on(TimePoint now, const Begin& begin);
  void on(TimePoint now, const HealthSeen& seen);
  void on(TimePoint now, const FactsSeen& seen);
  void on(TimePoint now, const PeerAnswered& answered);
  void on(TimePoint now, const WorkDone& work);
  void on(TimePoint now, const Persisted& persisted);
  void on(TimePoint now, const VipProbed& probed);
  void on(TimePoint now, const VipsInstalled& installed);
  void on(TimePoint now, const PromoteRequested& requested);
  void on(TimePoint now, const StopRequested& requested);
  void on(TimePoint now, const TimePassed& passed);

  // pair_router.cpp
  void on(TimePoint now, const RouterChanged& router);
  void on_router(TimePoint now, const vrrp::BecameMaster& became);
  void on_router(TimePoint now, const vrrp::LeftMaster& left);
  void on_router(TimePoint now, const vrrp::BecameBackup& became);
  void on_router(TimePoint now, const vrrp::BecameInitialize& became);
  void on_router(TimePoint now, const vrrp::Report& report);
  void ask_who_led();
  // pair_repair.cpp
  void announce_again(TimePoint now, const std::string& why);
  void announce_now(TimePoint now, std::string why);
  void settle_announcement(TimePoint now);
  bool rival_may_be_newer() const;
  void call_the_peer(TimePoint now);
  void peer_is_back(TimePoint now, health::Health before);
  void peer_acts_again();
  void rival_gave_way(TimePoint now);
  void outlast_the_old_vip(TimePoint now);
  void say_who_leads(TimePoint now, const vrrp::Report& report);

  // pair.cpp: what follows from it
  void settle(TimePoint now);
  void settle_start(TimePoint now);
  void settle_idle(TimePoint now);
  void settle_leading(TimePoint now);
  void judge(TimePoint now);
  void follow_the_leader(TimePoint now);
  bool follows_the_peer() const;
  bool would_wipe_the_last_copy() const;
  bool would_wipe_the_peer() const;
  std::optional<std::string> fault() const;
  void enter_idle(TimePoint now, const std::string& reason);
  void enter(TimePoint now, PairState state, const std::string& reason);
  void remember(TimePoint now);
  std::optional<TimePoint> persist_due() const;
  void persist_again(TimePoint now);
  void note_last_offset(const health::ServerFacts& seen);
  void note_behind();
  bool lost_touch_with_the_leader() const;
  void note_history(TimePoint now, Record& record) const;
  std::int64_t unix_time(TimePoint now) const;
  void note_superseded(TimePoint now);
  bool peer_was_promoted() const;
  static bool caught_up(const ServerSight& master, const ServerSight& replica);
  static void note_link(TimePoint now, ServerSight& server);
  static void note_marks(TimePoint now, const ServerSight& before, ServerSight& server);
  void note_sync(TimePoint now);
  void note_stream(TimePoint now, const ServerSight& before);
  void save_again(TimePoint now);
  void watch_the_link(TimePoint now);

  // pair_rejoin.cpp
  void on(TimePoint now, const Preserved& preserved);
  void on(TimePoint now, const RejoinRequested& requested);
  bool returned_as_a_replica() const;
  bool replicates_unasked() const;
  void note_taken(const ServerSight& before);
  void hold_what_was_led(TimePoint now);
  void hold_done(const WorkDone& work);
  void hold_at_once(TimePoint now);
  void rejoin(TimePoint now);
  std::optional<TimePoint> keep_retry() const;
  void judge_and_rejoin(TimePoint now);
  void writes_ended(TimePoint now);
  void start_following(TimePoint now);
  void end_rejoining();
  std::string rejoin_alarm() const;

  // pair_promote.cpp: the way up
  void begin_promotion(TimePoint now, vrrp::Change why);
  void record_promotion(TimePoint now);
  void promotion_step(TimePoint now, Promoting::Step step);
  void promotion_work_done(TimePoint now, const WorkDone& work);
  void promotion_recorded(TimePoint now);
  void now_leading(const Promoting& done);
  void settle_claim(const health::ServerFacts& local);
  void settle_claim_ahead(TimePoint now);
  void withdraw_claim_ahead();
  void promotion_failed(TimePoint now, const std::string& why);

  // pair_veto.cpp
  void on(TimePoint now, const ScriptAnswered& answered);
  void ask_script(hooks::Question question, const std::string& reason);
  bool is_vetoed(const ScriptAnswered& answered) const;
  bool asks_before_promotion(bool adopts);
  void promotion_vetoed(TimePoint now, const std::string& words);
  bool veto_alarm() const;
  bool ask_before_switchover(const SwitchoverRequested& requested);
  bool ask_before_stop(TimePoint now);
  void demotion_answered(TimePoint now, const ScriptAnswered& answered);
  void settle_veto(TimePoint now);
  bool drop_questions();

  // pair_leave.cpp: the way down
  std::optional<std::string> reason_to_leave() const;
  enum class Leave : std::uint8_t { forced, stopping, switchover, server_failover };
  void leave(TimePoint now, const std::string& reason, Leave how = Leave::forced);
  void leaving_step(TimePoint now);
  bool start_leaving_step(TimePoint now, LeaveStep step);
  bool has_newer_data() const;
  bool succession_awaited() const;
  bool await_claim(TimePoint now, Leaving& leaving);
  bool await_announcement(TimePoint now, Leaving& leaving);
  bool await_successor(TimePoint now, Leaving& leaving);
  void leaving_work_done(TimePoint now, const WorkDone& work);
  void finish_leaving(TimePoint now);
  void successor_seen(TimePoint now);
  bool successor_announced(TimePoint now) const;
  bool successor_leads(TimePoint now, const Leaving& leaving) const;
  bool successor_fell_back(const Leaving& leaving) const;
  Duration successors_time() const;

  // pair_switchover.cpp
  void on(TimePoint now, const SwitchoverRequested& requested);
  void begin_switchover(TimePoint now, const SwitchoverRequested& requested);
  Duration hold_budget(const Leaving& leaving) const;
  void give_up_switchover(TimePoint now, const std::string& why);
  void resume_leading(TimePoint now);
  void report_switchover(SwitchoverReport::Outcome outcome, std::string words);
  // pair_recovery.cpp
  void on(TimePoint now, const RecoveryRequested& requested);
  void on(TimePoint now, const RecoveryEnded& ended);
  void settle_recovery(TimePoint now);
  std::optional<std::string> recovery_obstacle() const;
  std::optional<std::string> recovery_is_void() const;
  // pair_failback.cpp
  void on(TimePoint now, const RoleAnswered& answered);
  void settle_failback(TimePoint now);
  bool wants_the_role_back() const;
  std::optional<std::string> failback_obstacle(TimePoint now) const;
  std::optional<TimePoint> failback_due() const;
  FailbackReport failback_report() const;
  // pair_tracking.cpp
  void on(TimePoint now, const TrackingSeen& seen);
  void on(TimePoint now, const GatewayAnswered& answered);
  void note_contact(TimePoint now);
  bool stands_by() const;

  // pair_peer.cpp
  void on(TimePoint now, const PeerSaid& said);
  void on(TimePoint now, const PeerVouched& vouched);
  void on(TimePoint now, const PeerLinkChanged& link);
  void on(TimePoint now, const PeerCompared& compared);
  std::uint64_t next_epoch(const Record& record) const;
  std::optional<std::string> newer_leader(TimePoint now) const;
  void outlive_the_peers_epoch(TimePoint now);
  void held_against(TimePoint now, const vrrp::Report& report);
  bool holds(TimePoint now) const;
  std::optional<TimePoint> link_alarm_due() const;
  void add_peer_alarms(TimePoint now, std::map<std::string, std::string>& out) const;
  Candidacy unless_restarting(TimePoint now, Candidacy answer) const;

  // pair_flapping.cpp
  void on(TimePoint now, const Acknowledged& acknowledged);
  void count_takeover(TimePoint now);
  bool given_by_an_operator() const;
  std::optional<TimePoint> flapping_until(TimePoint now) const;
  std::string flapping_words() const;
  Candidacy unless_flapping(TimePoint now, Candidacy answer) const;
  void hold_down(TimePoint now);
  // pair_guard.cpp
  std::optional<std::string> proof_that_nobody_else_leads(TimePoint now) const;
  void guard_writes(TimePoint now);
  void set_guard(TimePoint now, int replicas);
  void guard_work_done(TimePoint now, const WorkDone& work);
  std::string guard_alarm() const;
  bool guarded() const { return guard_.value_or(0) > 0; }
  // pair_foreign.cpp
  void on(TimePoint now, const SettingsSeen& seen);
  void add_foreign_alarms(std::map<std::string, std::string>& out) const;
  bool is_read_only_work(const WorkDone& work);
  void name_foreign_role(const ServerSight& before);
  bool is_unknown_lineage(const std::string& replid) const;
  Candidacy unless_foreign_data(Candidacy answer) const;
  // pair_replicas.cpp
  const health::ConnectedReplica* named_replica(const health::ServerFacts& master,
                                                const health::Endpoint& wanted) const;
  bool is_further_replica(const health::Endpoint& endpoint) const;
  int further_acknowledgements() const;
  // pair_maintenance.cpp
  void on(TimePoint now, const MaintenanceOrdered& ordered);
  void settle_maintenance(TimePoint now);
  std::string maintenance_words() const;
  Candidacy unless_maintained(Candidacy answer) const;
  // pair_fence.cpp
  void on(TimePoint now, const HostFenced& fenced);
  void note_silence(TimePoint now);
  bool wants_a_proof() const;
  void settle_fence(TimePoint now);
  void stop_for_a_rival();
  // pair_report.cpp
  void update_alarms(TimePoint now);
  std::map<std::string, std::string> alarms(TimePoint now) const;

  // Keys of alarms that are raised only when their cause has lasted for kAlarmDelay.
  static constexpr const char* kUnprotected = "unprotected";
  static constexpr const char* kPeerLink = "peer link";
  static constexpr const char* kNotEligible = "not eligible";
  static constexpr Duration kAlarmDelay = std::chrono::seconds(2);
  // After a partition the adverts are back at once, the peer link a little later.
  static constexpr Duration kEpochPatience = std::chrono::seconds(3);

  bool idle() const {
    return std::holds_alternative<Standby>(state_) || std::holds_alternative<Fault>(state_);
  }
  bool server_usable() const;
  bool acknowledged(TimePoint now, const ServerSight& master, const ServerSight& replica,
                    const health::Endpoint& replica_endpoint) const;
  bool standby_in_sync() const { return standby_in_sync_; }
  void start_work(TimePoint now, Work work, Duration budget);
  template <typename Effect>
  void emit(Effect effect) {
    effects_.emplace_back(std::move(effect));
  }

  PairRules rules_;
  Sight sight_;
  Candidacy candidacy_;
  std::variant<Starting, Standby, Fault, Promoting, Leading, Leaving, End> state_ = Starting{};
  PairState name_ = PairState::starting;
  PairState settled_ = PairState::starting;  // the last that was neither promoting nor leaving
  std::string reason_ = "the agent started";
  TimePoint since_{};
  bool notified_ = false;                           // the first notification has been sent
  std::optional<hooks::NotifyState> told_scripts_;  // by a predecessor
  SetEligibility told_;                             // what the router knows
  bool probe_running_ = false;
  std::int64_t begun_at_ = 0;                   // Begin::unix_time
  std::optional<TimePoint> gateway_asked_for_;  // the loss of contact that it was asked about
  std::optional<TimePoint> contact_deadline_;   // when time alone changes who is reached
  SwitchoverReport switchover_;
  std::optional<TimePoint> writes_held_since_;
  struct Failback {
    bool asked = false;                    // the leader's agent, whose answer is awaited
    std::optional<TimePoint> clear_since;  // nothing is in its way
    std::optional<TimePoint> not_before;   // after an attempt that came to nothing
    Duration pause{};                      // the last one
    std::string obstacle;
    std::string failed;  // what came of the last attempt
  };
  Failback failback_;
  bool router_leads_ = false;
  bool heard_another_leader_ = false;  // since this node led
  bool isolated_ = false;              // rule 15, for isolation_patience
  bool fault_is_tracked_ = false;      // the fault that was entered
  std::optional<std::uint64_t> work_;  // outstanding
  std::uint64_t last_work_ = 0;
  std::optional<TimePoint> step_deadline_;  // of the step under way
  std::optional<TimePoint> follow_retry_;
  std::optional<TimePoint> save_retry_;  // the last BGSAVE of the local server failed
  std::optional<Rejoining> rejoining_;
  std::optional<RejoinRequested> rejoin_ordered_;
  std::string directed_run_;     // run_id of the local server that was last told whom to follow
  bool taken_unsynced_ = false;  // note_taken()
  std::optional<std::uint64_t> holding_;  // the work of hold_what_was_led()
  struct RecoveryState {
    bool requested = false;
    bool running = false;
    bool abandoning = false;
    int failures = 0;
    std::string problem;  // of the last attempt
    std::optional<TimePoint> down_since;
    std::optional<TimePoint> retry_at;
    std::optional<TimePoint> wake;  // time alone may begin it
  };
  RecoveryState recovery_;
  Announcing announcing_;
  std::string rejected_record_;                 // why; until this node leads or is in sync again
  std::optional<TimePoint> unprotected_since_;  // leading without a standby in sync
  std::optional<TimePoint> ineligible_since_;   // nobody leads, or only an operator can make us
  bool standby_in_sync_ = false;             // the peer's replica has all that our master streams
  std::optional<TimePoint> offset_kept_at_;  // when the record last got an offset
  std::optional<TimePoint> look_again_;      // at a replication link that is on its way up
  std::optional<int> guard_;                 // min-replicas-to-write as set by guard_writes()
  std::optional<int> guarding_;              // is being set
  bool opened_by_operator_ = false;
  bool stopped_for_a_rival_ = false;  // the writes, beyond guard_
  struct HostFence {
    std::optional<std::uint64_t> running;
    std::optional<TimePoint> silent_since;  // nothing at all is heard of the peer
    std::optional<TimePoint> asked_in;      // this silence
    std::optional<TimePoint> retry_at;
    std::optional<TimePoint> wake;
    std::string problem;
  };
  HostFence fence_;
  std::optional<TimePoint> held_since_;  // a leader of higher priority is heard and held against
  TimePoint last_held_{};
  std::string leader_said_;
  std::array<std::optional<TimePoint>, 5> leader_said_at_{};  // a ring
  std::size_t leaders_said_ = 0;
  struct Foreign {
    std::string setting_said;                     // until the setting is right again
    std::optional<std::uint64_t> read_only_work;  // ReadOnlyWork
    std::string problem;                          // why it could not be put right
    bool written_to = false;                      // clients could write to a replica
    std::string data_of;                          // the local server has taken a stranger's data
    bool cannot_follow = false;                   // masterauth is not the peer's password
  };
  Foreign foreign_;
  struct Veto {
    std::optional<std::uint64_t> promotion;  // the question whose answer is awaited
    std::optional<std::uint64_t> demotion;
    std::optional<SwitchoverRequested> move;  // waits for it
    std::optional<TimePoint> stopping_since;  // a stop waits for it
    std::optional<TimePoint> ask_again;       // about the stop
    std::string put_off;                      // what was said of that
    std::string said;                         // the veto of the last promotion
  };
  Veto veto_;
  TimePoint own_act_at_{};  // the end of the last work
  std::string follow_problem_;
  std::optional<bool> claim_ahead_;  // Record::claimed is of a promotion to come; true: on disk
  std::string persist_problem_;
  TimePoint persist_retry_{};
  std::map<std::string, std::string> alarms_;
  PairEffects effects_;
};

}  // namespace agent
