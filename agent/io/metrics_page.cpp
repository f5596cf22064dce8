// See metrics_page.hpp. One function for each part of a pair; a family without a sample is left
// out, because nothing is known then.
#include "agent/io/metrics_page.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <cmath>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

namespace agent::io {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr double kMilli = 1000;

double in_seconds(health::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// Families in the order in which they are first named.
class Families {
 public:
  void gauge(const char* name, const char* help, Labels labels, double value) {
    sample(name, help, MetricType::Gauge, std::move(labels)).gauge.value = value;
  }
  void counter(const char* name, const char* help, Labels labels, double value) {
    sample(name, help, MetricType::Counter, std::move(labels)).counter.value = value;
  }
  void counter(const char* name, const char* help, Labels labels, std::uint64_t value) {
    counter(name, help, std::move(labels), static_cast<double>(value));
  }
  void histogram(const char* name, const char* help, Labels labels,
                 const health::Histogram& histogram) {
    auto& out = sample(name, help, MetricType::Histogram, std::move(labels)).histogram;
    out.sample_count = histogram.count();
    out.sample_sum = in_seconds(histogram.sum());
    std::uint64_t below = 0;
    const auto bounds = histogram.bounds();
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      below += histogram.in_class(i);
      out.bucket.push_back({below, in_seconds(bounds[i])});
    }
    out.bucket.push_back({histogram.count(), INFINITY});
  }
  const std::vector<MetricFamily>& all() const { return families_; }

 private:
  ClientMetric& sample(const char* name, const char* help, MetricType type, Labels labels) {
    const auto [at, added] = places_.try_emplace(name, families_.size());
    if (added) families_.push_back({name, help, type, {}});
    auto& metric = families_[at->second].metric.emplace_back();
    metric.label = std::move(labels);
    return metric;
  }

  std::map<std::string, std::size_t> places_;
  std::vector<MetricFamily> families_;
};

std::string word(std::string_view text) {
  return std::string(text);
}

void add_role(Families& out, const PairStatus& pair, double now) {
  for (const auto state :
       {PairState::starting, PairState::standby, PairState::promoting, PairState::leading,
        PairState::leaving, PairState::fault, PairState::stopped}) {
    out.gauge("tandem_pair_state", "1 for the state of this node in the pair, 0 for all others.",
              {{"pair", pair.name}, {"state", word(to_string(state))}},
              pair.pair.state == state ? 1 : 0);
  }
  out.gauge("tandem_pair_state_since_timestamp_seconds", "When this state began, in Unix time.",
            {{"pair", pair.name}}, std::round((now - pair.for_seconds) * kMilli) / kMilli);
  for (const auto& [kind, count] : pair.counters.story.transitions) {
    out.counter("tandem_transitions_total", "Transitions of this node, by class of their reason.",
                {{"pair", pair.name},
                 {"from", word(to_string(kind.from))},
                 {"to", word(to_string(kind.to))},
                 {"reason", word(to_string(kind.cause))}},
                count);
  }
  out.gauge("tandem_epoch", "Epoch of the pair: it counts the promotions.", {{"pair", pair.name}},
            static_cast<double>(pair.pair.epoch));
  out.gauge("tandem_may_lead", "1: this node would take the role, or keep it.",
            {{"pair", pair.name}}, pair.pair.candidacy.may_lead ? 1 : 0);
  if (pair.pair.state == PairState::leading) {
    out.gauge("tandem_standby_in_sync", "Of a leader. 1: a failover now would lose nothing.",
              {{"pair", pair.name}}, pair.pair.standby_in_sync ? 1 : 0);
  }
  out.gauge("tandem_priority", "Effective VRRP priority.", {{"pair", pair.name}},
            pair.priority.value);
  out.gauge("tandem_alarms", "Alarms that are raised now; tandem status names them.",
            {{"pair", pair.name}}, static_cast<double>(pair.pair.alarms.size()));
  out.gauge("tandem_record_problem", "1: the pair's record could not be written to the disk.",
            {{"pair", pair.name}}, pair.counters.record_problem ? 1 : 0);
}

void add_server(Families& out, const PairStatus& pair, const char* which,
                const ServerStatus& server) {
  using health::Health;
  for (const auto health : {Health::unknown, Health::up, Health::loading, Health::degraded,
                            Health::hung, Health::dead, Health::unreachable, Health::denied}) {
    out.gauge("tandem_server_health",
              "1 for what the server looks like from this node, 0 for all else.",
              {{"pair", pair.name}, {"server", which}, {"health", word(to_string(health))}},
              server.monitor.health == health ? 1 : 0);
  }
  out.histogram("tandem_ping_duration_seconds", "Round trips of PING.",
                {{"pair", pair.name}, {"server", which}}, server.monitor.round_trips);
  if (server.monitor.facts_at) {
    out.gauge("tandem_replication_offset_bytes",
              "Replication offset of the server when it was last asked.",
              {{"pair", pair.name}, {"server", which}},
              static_cast<double>(server.monitor.facts.offset));
  }
}

// Of the one replica that the pair has, whichever side it is on.
void add_replication(Families& out, const PairStatus& pair) {
  const std::int64_t lag = std::max(pair.server.lag_bytes, pair.peer.lag_bytes);
  if (lag >= 0) {
    out.gauge("tandem_replication_lag_bytes", "Bytes of the master that the replica lacks.",
              {{"pair", pair.name}}, static_cast<double>(lag));
  }
  const health::ServerFacts& facts = pair.server.monitor.facts;
  std::optional<std::int64_t> seconds;
  if (facts.role == health::Role::master) {
    for (const auto& replica : facts.replicas) {
      if (replica.online && (!seconds || replica.lag < *seconds)) seconds = replica.lag;
    }
  } else if (facts.role == health::Role::replica && facts.last_io_seconds_ago >= 0) {
    seconds = facts.last_io_seconds_ago;
  }
  if (!seconds) return;
  out.gauge("tandem_replication_lag_seconds",
            "Since master and replica have last heard of each other, in whole seconds.",
            {{"pair", pair.name}}, static_cast<double>(*seconds));
}

void add_network(Families& out, const PairStatus& pair) {
  for (const VipStatus& vip : pair.vips) {
    out.gauge("tandem_vip_present", "1: the VIP is on its interface of this host.",
              {{"pair", pair.name}, {"vip", vip.address}}, vip.present ? 1 : 0);
  }
  out.counter("tandem_vip_repairs_total", "VIPs that were gone and have been put back.",
              {{"pair", pair.name}}, pair.vip_repairs);
  out.counter("tandem_adverts_sent_total", "VRRP adverts sent.", {{"pair", pair.name}}, pair.sent);
  out.counter("tandem_adverts_received_total", "VRRP adverts received and admitted.",
              {{"pair", pair.name}}, pair.received.accepted);
  for (std::size_t i = 0; i < vrrp::kRefusalCount; ++i) {
    out.counter("tandem_adverts_refused_total", "VRRP packets refused, by the first failed check.",
                {{"pair", pair.name}, {"reason", word(to_string(static_cast<vrrp::Refusal>(i)))}},
                pair.received.refused.at(i));
  }
  out.histogram("tandem_advert_lateness_seconds",
                "How late the leader's advert timer ran after it was due.", {{"pair", pair.name}},
                pair.counters.advert_lateness);
  if (pair.peer_link.state != PeerLinkStatus::State::off) {
    out.gauge("tandem_peer_link_up", "1: the agents of both nodes speak to each other.",
              {{"pair", pair.name}}, pair.peer_link.state == PeerLinkStatus::State::up ? 1 : 0);
  }
  if (pair.peer_link.rtt_ms) {
    out.gauge("tandem_peer_link_round_trip_seconds", "Round trip between the agents.",
              {{"pair", pair.name}}, *pair.peer_link.rtt_ms / kMilli);
  }
  for (const TrackerStatus& tracker : pair.trackers) {
    out.gauge("tandem_tracker_good", "1: what is tracked is in order; 0: bad or not known.",
              {{"pair", pair.name},
               {"kind", word(to_string(tracker.seen.kind))},
               {"tracker", tracker.seen.name}},
              tracker.seen.state == TrackState::good ? 1 : 0);
  }
}

void add_work(Families& out, const PairStatus& pair) {
  const PairCounters& counters = pair.counters;
  for (std::size_t i = 0; i < hooks::kHookResults; ++i) {
    out.counter(
        "tandem_hooks_total", "Notify scripts, by how they ended.",
        {{"pair", pair.name}, {"result", word(to_string(static_cast<hooks::HookResult>(i)))}},
        counters.hooks.ended.at(i));
  }
  out.histogram("tandem_hook_duration_seconds", "How long notify scripts ran.",
                {{"pair", pair.name}}, counters.hooks.durations);
  const char* const switchovers = "Planned moves that this node began as leader, by result.";
  out.counter("tandem_switchovers_total", switchovers, {{"pair", pair.name}, {"result", "done"}},
              counters.switchovers_done);
  out.counter("tandem_switchovers_total", switchovers,
              {{"pair", pair.name}, {"result", "given_up"}}, counters.switchovers_given_up);
  for (std::size_t i = 0; i < counters.recoveries.size(); ++i) {
    out.counter(
        "tandem_recoveries_total", "Recoveries of the local server, by result.",
        {{"pair", pair.name}, {"result", word(to_string(static_cast<hooks::RecoveryOutcome>(i)))}},
        counters.recoveries.at(i));
  }
  if (pair.recovery) {
    out.gauge("tandem_recovery_running", "1: the local server is being brought back.",
              {{"pair", pair.name}}, pair.recovery->running ? 1 : 0);
  }
  out.counter("tandem_diverged_copies_total",
              "Copies kept of data that the leader lacked; tandem diverged lists them.",
              {{"pair", pair.name}}, counters.diverged_copies);
  if (counters.diverged_at) {
    const auto at = counters.diverged_at->time_since_epoch();
    out.gauge("tandem_diverged_copy_timestamp_seconds", "When the last such copy was kept.",
              {{"pair", pair.name}}, std::chrono::duration<double>(at).count());
  }
  for (const auto& [kind, count] : counters.story.events) {
    out.counter("tandem_events_total", "Lines of the history, by kind and severity.",
                {{"pair", pair.name},
                 {"kind", word(to_string(kind.first))},
                 {"severity", word(to_string(kind.second))}},
                count);
  }
}

void add_process(Families& out, const ProcessFacts& process) {
  out.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", {},
            process.resident_bytes);
  out.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", {},
            process.virtual_bytes);
  out.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", {},
              process.cpu_seconds);
  out.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
            {}, process.start_seconds);
  out.gauge("process_open_fds", "Number of open file descriptors.", {}, process.open_fds);
  out.gauge("process_max_fds", "Maximum number of open file descriptors.", {}, process.max_fds);
}

}  // namespace

std::string metrics_text(const AgentStatus& status, const ProcessFacts& process, double now) {
  Families out;
  out.gauge("tandem_build_info", "1; the labels say which agent this is.",
            {{"node", status.node}, {"version", status.version}}, 1);
  for (const PairStatus& pair : status.pairs) {
    add_role(out, pair, now);
    add_server(out, pair, "local", pair.server);
    add_server(out, pair, "peer", pair.peer);
    add_replication(out, pair);
    add_network(out, pair);
    add_work(out, pair);
  }
  add_process(out, process);
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, out.all());
  return text.str();
}

}  // namespace agent::io
