// Who may lead (rules 4, 5 and 11): a pure judgement over everything this node sees. It decides
// nothing by itself; agent::Pair asks after each input and tells the router the answer.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/peer_word.hpp"
#include "agent/record.hpp"
#include "agent/tracking.hpp"
#include "health/facts.hpp"
#include "health/monitor.hpp"

namespace agent {

// Where a master's stream was at one of its INFOs. A replica that has not acknowledged what was
// there kMarkAge ago is behind, however recent its acknowledgement: after a cable was out TCP sends
// again ever more slowly, and in one direction before the other.
struct StreamMark {
  TimePoint at{};
  std::int64_t offset = 0;
};
inline constexpr std::chrono::seconds kMarkAge{4};
inline constexpr std::chrono::milliseconds kMarkPeriod{500};

// One server as seen from here.
struct ServerSight {
  health::Health health = health::Health::unknown;
  std::string detail;                        // clause behind the verdict
  std::optional<health::ServerFacts> facts;  // last INFO that was understood
  std::optional<TimePoint> facts_at;         // when
  std::optional<TimePoint> last_answer;      // any reply
  std::optional<TimePoint> link_up_since;    // replica: linked and whole, as seen from here
  std::int64_t link_up_offset = 0;           // replica: its offset when its link was first seen up
  bool link_streams = false;                 // replica: its master has streamed since then
  std::string followed;                      // the lineage that it was linked to last
  // master: of this lineage, the oldest first, one that is older than kMarkAge and all since
  std::vector<StreamMark> marks;
  bool is_master() const { return facts && facts->role == health::Role::master; }
  bool is_replica() const { return facts && facts->role == health::Role::replica; }
};

struct CandidacyRules {
  health::Endpoint peer;    // where the local server replicates from
  bool safe = false;        // rule 12: never two that take writes, rather none
  Duration max_lag_time{};  // safe: an isolated leader stops taking writes after it
  bool preempt = false;     // take the role from a live leader of lower priority
  Duration max_replica_age{};
  Duration wait_for_peer{};
  Duration vip_lease{};  // how long a dead agent's VIP outlives it
  Duration advert_interval{};
  Duration advert_patience{};   // without adverts, until VRRP takes the leader for gone
  Duration witness_patience{};  // a peer server silent for longer does not answer any more
  Duration word_patience{};     // what the peer's agent said counts for so long
};

struct Sight {
  ServerSight local;
  ServerSight peer;
  bool router_up = false;                        // the virtual router is running (interface usable)
  bool leader_advertises = false;                // heard, neither resigned nor silent
  bool leader_resigned = false;                  // its last word was priority 0
  std::optional<TimePoint> leader_silent_since;  // the router's master-down timer ran out
  bool leader_ever_heard = false;                // since this agent started
  TimePoint idle_since{};                        // standing by, or in fault
  std::string not_heard_by;  // leading: who advertises too and does not hear our adverts
  TimePoint started{};
  std::optional<TimePoint> in_sync_at;      // local replica linked to the peer, at last sight
  std::optional<TimePoint> leader_seen_at;  // peer server answered as a master, at last sight
  // The leader's stream moved the local replica's offset between these two looks, the last that saw
  // it move.
  struct Stream {
    TimePoint after{};
    TimePoint seen{};
  };
  std::optional<Stream> stream;
  struct VipProbe {
    bool held = false;
    TimePoint at{};
  };
  std::optional<VipProbe> vip_probe;  // of the current silence
  TrackingSeen tracking;
  std::optional<TimePoint> advert_reported_at;   // a first advert, or one of priority 0
  std::optional<TimePoint> gateway_answered_at;  // track_gateway
  // Since when the peer is reached in no way; kept only while a gateway is tracked (rule 15).
  std::optional<TimePoint> out_of_touch_since;
  std::optional<Record> record;
  // The other node's agent, over the peer link.
  struct PeerAgent {
    bool linked = false;
    std::string why_not;
    std::optional<TimePoint> down_since;  // a link is configured and is not up
    bool refused = false;                 // its host says that no agent listens
    std::optional<PeerWord> said;         // while this link is up
    TimePoint said_at{};
    std::optional<TimePoint> back_by;      // it leads and executes its program anew
    std::vector<std::string> differences;  // between the two configurations
  };
  PeerAgent peer_agent;
  bool peer_fenced = false;      // its host is proved down, and nothing was heard of it since
  std::uint64_t peer_epoch = 0;  // the highest that the other node ever named
  struct Hold {
    TimePoint until{};
    std::string why;
  };
  std::optional<Hold> hold;       // after a failed promotion
  bool accept_data_loss = false;  // the operator's word
};

struct Candidacy {
  bool may_lead = false;
  bool may_preempt = false;     // fit to take the role from a live leader, which hands over
  bool gentle = false;          // the peer's server still serves: fence and drain it first (rule 5)
  bool probe_vip = false;       // ask the network whether anybody holds the VIP
  bool probe_gateway = false;   // ask track_gateway now, not in its interval
  bool fence = false;           // a proof that the peer's host is down would do
  bool needs_operator = false;  // no condition that we wait for will change the answer
  std::string why;              // one clause, for status, log and hooks
  std::optional<TimePoint> recheck{};  // the answer may change by time alone
};

Candidacy judge_candidacy(const Sight& sight, const CandidacyRules& rules, TimePoint now);

// What the peer's agent said a moment ago (word_patience), over a link that is up; nullptr:
// nothing.
const PeerWord* fresh_word(const Sight& sight, const CandidacyRules& rules, TimePoint now);

// Whether that is that its node leads, or is about to.
bool peer_says_it_leads(const Sight& sight, const CandidacyRules& rules, TimePoint now);

// Until when the peer counts as reached if nothing more is heard of it: its adverts, an answer of
// its server, or its host's refusal. TimePoint::max(): until another input says so. nullopt: it is
// out of touch.
std::optional<TimePoint> in_touch_until(const Sight& sight, const CandidacyRules& rules,
                                        TimePoint now);
// "it reaches neither the peer nor track_gateway 192.168.1.1"
std::string isolation_words(const Sight& sight);

// Which of two data sets is the newer one, from lineage and offsets (INFO replication). Offsets
// rank only inside one lineage.
enum class Fresher : std::uint8_t { local, peer, same, unknown };
Fresher compare_data(const health::ServerFacts& local, const health::ServerFacts& peer);

}  // namespace agent
