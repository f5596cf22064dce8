// One pair at work: feeds agent::Pair and vrrp::Instance with what happens and performs what they
// want, front to back. One input is taken to its end before the next; nothing here waits.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/config.hpp"
#include "agent/io/fence_script.hpp"
#include "agent/io/interface_hub.hpp"
#include "agent/io/maintenance_request.hpp"
#include "agent/io/pair_story.hpp"
#include "agent/io/peer_links.hpp"
#include "agent/io/record_store.hpp"
#include "agent/io/replica_watches.hpp"
#include "agent/io/server_inspection.hpp"
#include "agent/io/switchover_request.hpp"
#include "agent/io/track_runner.hpp"
#include "agent/log_limit.hpp"
#include "agent/pair.hpp"
#include "agent/status.hpp"
#include "agent/voices.hpp"
#include "health/io/redis_watch.hpp"
#include "hooks/io/notifier.hpp"
#include "hooks/io/preservation.hpp"
#include "hooks/io/procedure_runner.hpp"
#include "hooks/io/recovery_runner.hpp"
#include "hooks/io/veto_script.hpp"
#include "vrrp/admission.hpp"
#include "vrrp/instance.hpp"
#include "vrrp/io/announcer.hpp"
#include "vrrp/io/asio/deadline_timer.hpp"
#include "vrrp/io/netlink.hpp"
#include "vrrp/io/vip_table.hpp"

namespace agent::io {

class PairRunner {
 public:
  // `bulk_disk` runs what writes whole datasets; it outlives the runner. `stopped`: the pair has
  // left its role and its hooks have ended.
  PairRunner(boost::asio::any_io_executor executor, const PairConfig& config,
             vrrp::io::Netlink& netlink, InterfaceHub& hub, RecordStore& records,
             const boost::asio::any_io_executor& bulk_disk, PairStory story,
             std::function<void()> stopped, const std::string& state_dir);

  // Before start(): how the other node's agent is reached, if at all. `links` outlives the pair.
  void join(PeerLinks& links);
  // `told`: what the scripts have heard last, from the runner or process that this one succeeds;
  // `fifo`: what that runner has left of the notify FIFO.
  void start(std::optional<hooks::NotifyState> told = std::nullopt,
             std::optional<hooks::io::FifoRest> fifo = std::nullopt);
  // Hands over if anybody can take it; `stopped` follows.
  void stop();
  // Lets go without a word, for a successor in this process that adopts what it finds: roles, VIPs
  // and record stay, adverts pause. `stopped` follows when the hooks have ended.
  void yield();
  // What the scripts have heard last.
  std::optional<hooks::NotifyState> told() const { return told_; }
  // Of one that has stopped: for its successor.
  std::optional<hooks::io::FifoRest> release_fifo() { return notifier_.release_fifo(); }
  // The same for a successor that this process executes: what nobody has read yet stays there.
  hooks::io::UniqueFd hold_fifo() const { return notifier_.hold_fifo(); }
  // nullopt: begun. Otherwise why not, in one sentence.
  std::optional<std::string> promote();

  // Moves the role to the other node, or takes it from there: then the leader's agent is asked.
  // Answers once, at the end of the move.
  void switchover(const SwitchoverWish& wish, SwitchoverAnswered answered);

  // The operator's word for a server that waits to follow; nullopt: taken. Otherwise why not.
  std::optional<std::string> rejoin(bool accept_data_loss);
  // Brings the local server back beside a leader. nullopt: begun. Otherwise why not, in one clause.
  std::optional<std::string> recover();

  void acknowledge();

  // Answers once, when the other node has heard of it, too, or cannot.
  void maintain(const MaintenanceWish& wish, SwitchoverAnswered answered);

  // Reads the keys of authenticated adverts again; a bad file is reported and changes nothing.
  void reload_auth_keys();
  // As above, the files of `tls`; for the servers' connections that begin from now on.
  void reload_certificates();

  // A VIP that appeared on this host while it does not lead was put there by somebody else.
  void on_address_added(const vrrp::io::AddressFact& address);

  // Links of this host have changed: tracked interfaces may be among them.
  void on_links_changed() { tracking_.look_at_interfaces(); }

  PairStatus status() const;
  PairGlance glance() const;
  const std::string& name() const { return config_.name; }
  const std::string& interface() const { return config_.interface; }
  bool stopped() const { return ended_; }
  // A transition has begun and not ended.
  bool under_way() const;
  vrrp::io::VipTable& vips() { return vips_; }

 private:
  using Input = std::variant<PairInput, vrrp::InstanceInput>;

  void end();
  void feed(Input input);
  void drain();
  void take(const vrrp::InstanceInput& input);
  void take(const PairInput& input);
  void arm();
  void sources_changed(const InterfaceHub::Sources& sources);
  void received(const vrrp::Datagram& datagram);
  void refused(const vrrp::Datagram& datagram, const vrrp::Refused& refused);
  void send_advert(vrrp::Priority priority);
  std::optional<std::string> send(const vrrp::Advertisement& advert, const vrrp::IpAddress& source,
                                  const vrrp::IpAddress& destination);
  void address_list_differs(const vrrp::IpAddress& source);
  bool still_leads();
  std::vector<std::string> wire_alarms() const;

  void perform(const vrrp::SendAdvert& effect);
  void perform(const StartWork& effect);
  void perform(const PostFence& effect);
  void perform(const SaveAgain& effect);
  void perform(const SetEligibility& effect);
  void perform(const Persist& effect);
  void perform(const InstallVips& effect);
  void perform(const ParkVips& effect);
  void perform(const WithdrawVips& effect);
  void perform(const Announce& effect);
  void perform(const ProbeVip& effect);
  void perform(const ProbeGateway& effect);
  void perform(const Preserve& effect);
  void perform(const StopPreserving& effect);
  void perform(const RefreshFacts& effect);
  void perform(const CallPeer& effect);
  void perform(const AskForTheRole& effect);
  void perform(const Notify& effect);
  void perform(const Say& effect);
  void perform(const Moved& effect);
  void perform(const Stopped& effect);
  void perform(const StartRecovery& effect);
  void perform(const AbandonRecovery& effect);
  void perform(const FenceHost& effect);
  void perform(const AskScript& effect);

  hooks::NotifyEvent notify_event(hooks::NotifyState state, const std::string& reason) const;
  hooks::io::Notifier::Log hook_log();
  std::unique_ptr<hooks::Procedure> make_procedure(const Work& work) const;
  health::io::WatchEvents events_of(hooks::Target server);
  ServerInspection::Say inspection_log();
  void server_changed(hooks::Target server, const health::HealthChanged& changed);
  void mark_router(const RouterChanged& router);
  TrackEvents track_events();
  // pair_recovery_hands.cpp
  hooks::io::RecoverySettings recovery_settings(const std::string& state_dir) const;
  hooks::io::RecoveryRunner::Events recovery_events();
  void local_server_seen();
  void leave_recovery();
  // pair_settings.cpp
  void ask_settings();
  void tell_replicas(bool fresh);
  ReplicaWatches::Events replica_events();
  void give_the_role(const SwitchoverWish& wish, SwitchoverAnswered answered);
  void ask_the_leader(const SwitchoverWish& wish, SwitchoverAnswered answered);
  std::vector<std::string> takeover_problems() const;
  Duration longest_switchover(Duration budget) const;
  void tell_who_asked();
  // pair_counts.cpp
  void count_switchovers();
  void count_lateness(vrrp::TimePoint due);
  PeerWord peer_word() const;
  void tell_peer();
  health::io::RedisWatch& watch(hooks::Target server);
  std::uint16_t server_port() const;
  // Of the VIPs whose links can carry a frame now.
  std::vector<vrrp::io::Announcement> announcements() const;

  boost::asio::any_io_executor executor_;
  PairConfig config_;
  vrrp::io::Netlink& netlink_;
  InterfaceHub& hub_;
  RecordStore& records_;
  PairStory story_;
  std::function<void()> stopped_;

  std::vector<Voice> voices_;
  std::optional<vrrp::Authenticator> authenticator_;
  vrrp::Instance instance_;
  Pair pair_;
  std::deque<Input> queue_;
  bool draining_ = false;
  bool to_be_told_ = false;  // something may have changed that others are told
  bool ended_ = false;

  vrrp::io::DeadlineTimer router_timer_;
  vrrp::io::DeadlineTimer pair_timer_;
  health::io::RedisWatch local_;
  health::io::RedisWatch peer_;
  ServerInspection local_inspection_;
  ServerInspection peer_inspection_;
  hooks::io::ProcedureRunner procedures_;
  hooks::io::Notifier notifier_;
  hooks::io::VetoScript veto_;
  hooks::io::Preservation preservation_;
  vrrp::io::VipTable vips_;
  vrrp::io::Announcer announcer_;
  hooks::io::RecoveryRunner recovery_;
  TrackRunner tracking_;
  ReplicaWatches replicas_;
  vrrp::TimePoint settings_asked_{};
  FenceScript fence_;
  PeerLinks* links_ = nullptr;
  PeerWord told_peer_;
  struct Asker {
    std::uint64_t number = 0;  // of the switchover
    SwitchoverAnswered answered;
  };
  std::optional<Asker> asker_;
  struct Heard {
    TimePoint at{};
    bool resigned = false;
  };
  std::chrono::milliseconds back_in_{0};  // told to the other node when this runner yields
  std::optional<Heard> heard_;            // the last advert that was admitted

  PairCounters counters_;
  std::uint64_t counted_switchover_ = 0;  // its number
  std::uint16_t advert_id_ = 0;
  std::uint64_t adverts_sent_ = 0;
  vrrp::ReceiveCounters received_;
  struct Trouble {
    vrrp::TimePoint seen{};
    std::string text;
  };
  std::array<LogLimit, vrrp::kRefusalCount> refusal_logs_;  // by Refusal
  LogLimit list_difference_log_;
  std::optional<Trouble> list_difference_;
  std::optional<Trouble> refused_peer_;
  std::string send_problem_;
  std::optional<hooks::NotifyState> told_;
  bool adopted_ = false;  // what `told_` was at the start is a predecessor's
  std::chrono::system_clock::time_point since_wall_;
  // What answers later holds a weak reference: none outlives the runner. Timers end with it.
  std::shared_ptr<PairRunner*> self_;
};

}  // namespace agent::io
