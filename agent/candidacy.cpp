// See candidacy.hpp.
#include "agent/candidacy.hpp"

#include <algorithm>

#include "agent/newest.hpp"

namespace agent {
namespace {

using health::Health;
using health::ServerFacts;

// Redis looks at the age of acknowledgements in whole seconds, once in each; and where only the
// leader's frames are lost, its standby's last acknowledgement leaves up to a second later.
constexpr auto kLagRounding = std::chrono::seconds(4);

// Gone is a verdict (refused, no route, no answer to several PINGs). Silent is less: no answer for
// a moment, which counts only together with a second witness.
enum class PeerServer : std::uint8_t { unknown, answers, silent, gone };

PeerServer peer_server(const Sight& sight, const CandidacyRules& rules, TimePoint now) {
  const bool fresh =
      sight.peer.last_answer && now - *sight.peer.last_answer < rules.witness_patience;
  switch (sight.peer.health) {
    case Health::unknown: return PeerServer::unknown;
    // It has woken up, and the verdict waits for a second answer.
    case Health::hung:
      if (fresh && sight.peer.facts && sight.peer.detail != health::kBusy) break;
      return PeerServer::gone;
    case Health::dead:
    case Health::unreachable: return PeerServer::gone;
    // It lives: what ends that is a verdict of its own.
    case Health::denied: return PeerServer::answers;
    default:
      if (!sight.peer.facts) return PeerServer::unknown;
  }
  return fresh ? PeerServer::answers : PeerServer::silent;
}

// The standby's own condition, whatever the reason to take over (rule 4). nullopt: fit.
std::optional<Candidacy> unfit_replica(const Sight& sight, const CandidacyRules& rules) {
  const ServerFacts& local = *sight.local.facts;
  if (!sight.in_sync_at) {
    return ask_operator("the local server was never in sync with the leader");
  }
  if (!local.last_bgsave_ok || !local.last_aof_write_ok) {
    return no("the local server cannot write its data to disk");
  }
  if (sight.leader_seen_at && *sight.leader_seen_at - *sight.in_sync_at > rules.max_replica_age) {
    const auto age =
        std::chrono::duration_cast<std::chrono::seconds>(*sight.leader_seen_at - *sight.in_sync_at);
    return ask_operator("the local server had lost its link " + std::to_string(age.count()) +
                        " s before the leader was lost, longer than max_replica_age");
  }
  return std::nullopt;
}

// Since when the leader's agent is proved gone: its host refuses calls since about when the adverts
// ended, so that no blocked path is the reason of both.
std::optional<TimePoint> agent_gone_since(const Sight& sight, const CandidacyRules& rules) {
  const auto& agent = sight.peer_agent;
  const bool silent = sight.leader_ever_heard && sight.leader_silent_since;
  if (!agent.refused || !agent.down_since || !silent) return std::nullopt;
  const TimePoint last_heard = *sight.leader_silent_since - rules.advert_patience;
  if (*agent.down_since + rules.advert_patience < last_heard) return std::nullopt;
  return std::max(*agent.down_since, last_heard);
}

// VRRP is silent, but the leader's server answers: its agent died or the VRRP path is broken.
// Nothing is broken for clients yet; when the VIP has gone with its lease, take over gently.
Candidacy agent_silent(const Sight& sight, const CandidacyRules& rules, TimePoint now) {
  if (!sight.leader_silent_since) return no("listening for the leader");
  // Nobody was ever heard: the other agent is perhaps just not started yet.
  const Duration patience =
      sight.leader_ever_heard ? rules.vip_lease + rules.vip_lease / 4 : rules.wait_for_peer;
  const TimePoint then = *sight.leader_silent_since + patience;
  const std::string state = sight.leader_ever_heard
                                ? "the leader's agent is silent, its server still serves"
                                : "the peer's server is a master and its agent is not heard yet";
  if (now < then) return not_before(then, state);
  const auto& probe = sight.vip_probe;
  const bool stale = !probe || now - probe->at >= rules.vip_lease;
  if (probe && probe->held) {
    Candidacy answer = ask_operator(
        "adverts of the leader do not arrive, but somebody holds the VIP: is protocol 112 "
        "blocked?");
    answer.probe_vip = stale;
    if (!stale) answer.recheck = probe->at + rules.vip_lease;
    return answer;
  }
  if (stale) return {.probe_vip = true, .why = state};
  Candidacy answer = yes("the leader's agent is gone and so is its VIP");
  answer.gentle = true;
  return answer;
}

// The VIP of a dead agent stays for three quarters of its lease at least: it is renewed each
// quarter. The kernel counts that in seconds, and less exactly than this.
constexpr auto kBeforeTheVipGoes = std::chrono::milliseconds(100);

// The leader's agent is proved gone, its server serves on. It has nearly its lease to come back;
// the takeover comes before its VIP goes, so that clients are never without one. Its server is
// fenced and drained first, so nothing is lost should the proof deceive.
Candidacy agent_gone(const CandidacyRules& rules, TimePoint since, TimePoint now) {
  const TimePoint then = since + rules.vip_lease * 3 / 4 - kBeforeTheVipGoes;
  if (now < then) return not_before(then, "the leader's agent is gone, its server still serves");
  Candidacy answer = yes("the leader's agent is gone");
  answer.gentle = true;
  return answer;
}

// What a server had sent before it died has arrived by then.
constexpr auto kUnderWay = std::chrono::milliseconds(50);
// INFO is asked once a second.
constexpr auto kStreamPatience = std::chrono::milliseconds(1500);

// Rule 5: the leader can be neither heard nor asked, but what it takes still arrives here.
std::optional<Candidacy> leader_streams(const Sight& sight, const CandidacyRules& rules,
                                        TimePoint now) {
  const auto& stream = sight.stream;
  if (!stream || !sight.local.is_replica() || !sight.local.facts->link_up) return std::nullopt;
  const bool outlived_contact =
      !sight.leader_seen_at || stream->after >= *sight.leader_seen_at + kUnderWay;
  const TimePoint until = stream->seen + kStreamPatience;
  if (!outlived_contact || now >= until) return std::nullopt;
  // Its writes are acknowledged here: it would not stop them either.
  Candidacy answer = rules.safe ? no("the leader is silent, but its server still streams")
                                : agent_silent(sight, rules, now);
  answer.gentle = false;  // there is no way to its server
  answer.recheck = std::min(answer.recheck.value_or(until), until);
  return answer;
}

// This node led, and its server has gone on in the lineage of the peer's, whose node took over
// while this agent was not there.
bool was_taken(const Sight& sight, const CandidacyRules& rules) {
  const ServerFacts& local = *sight.local.facts;
  return sight.record->role == RecordRole::leader && sight.local.is_replica() &&
         local.master == rules.peer && local.replid != sight.record->replid;
}

// Rule 11, the peer's server does not answer and the local one was not linked to it in this run.
Candidacy alone(const Sight& sight, const CandidacyRules& rules, TimePoint now) {
  const auto& record = sight.record;
  const bool serving = sight.local.is_master();
  if (lost_its_data(sight)) return empty_server();
  if (!record) {
    if (serving) return yes("the peer is not there, the local server is a master");
    return ask_operator("the peer is not there and no record says what this server holds");
  }
  if (came_back_old(record, *sight.local.facts)) {
    return ask_operator(
        "the local server came back with older data than it had, and the peer, which may have "
        "newer, is not there");
  }
  if (record->behind) {
    return ask_operator(
        "the peer's server held newer data when it was last seen, and is not there");
  }
  if (const auto epoch = std::max(sight.peer_epoch, record->superseded); epoch > record->epoch) {
    return ask_operator("the other node has led since, with epoch " + std::to_string(epoch) +
                        ", and may have newer data");
  }
  const bool same_run = record->run_id == sight.local.facts->run_id;
  if (same_run && was_taken(sight, rules)) {
    return ask_operator(
        "the other node made the local server its replica while this agent was away, and may have "
        "newer data");
  }
  if (rules.safe && record->in_sync && sight.peer.health != Health::dead) {
    return ask_operator(
        "mode is \"safe\": the peer is not there, and it may have led since it was last seen");
  }
  if (record->role == RecordRole::leader && serving && same_run) {
    return yes("it led before and its server never stopped");
  }
  if (record->role == RecordRole::leader && !record->in_sync) {
    return yes("it led alone, nobody can have newer data");
  }
  if (!record->in_sync) return ask_operator("it was not in sync with the leader at last sight");
  const TimePoint then = sight.started + rules.wait_for_peer;
  if (now < then) return not_before(then, "waiting for the peer, which may have newer data");
  return yes("the peer did not come back within wait_for_peer");
}

Candidacy judge_master(const Sight& sight, const CandidacyRules& rules, TimePoint now) {
  if (sight.leader_advertises) return no("the other node leads");
  switch (peer_server(sight, rules, now)) {
    case PeerServer::unknown: return no("the peer's server is not known yet");
    case PeerServer::gone: return alone(sight, rules, now);
    case PeerServer::answers:
    case PeerServer::silent: break;
  }
  if (!sight.peer.facts) return alone(sight, rules, now);
  if (*sight.peer.facts_at < sight.idle_since) {
    return no("the peer's server has not been asked since this node stands by");
  }
  // Whoever advertised was on the way to be promoted.
  const auto silent_since =
      sight.leader_resigned ? sight.advert_reported_at : sight.leader_silent_since;
  if (sight.leader_ever_heard && silent_since && *sight.peer.facts_at < *silent_since) {
    return no("the peer's server has not been asked since its node fell silent");
  }
  // Its node may lead with it: the next advert tells. Whoever preempts does not wait for silence.
  const bool heard_out = sight.leader_silent_since || sight.leader_resigned;
  if (rules.preempt && sight.peer.is_master() && !heard_out) return no("listening for the leader");
  if (sight.peer.is_master()) return newest_leads(sight);
  if (sight.local.facts->keys == 0 && sight.peer.facts->keys.value_or(0) > 0) {
    return no("the local server is an empty master beside a replica with data");
  }
  if (outlived(*sight.local.facts, *sight.peer.facts) && !peer_strayed(sight)) {
    return no("the peer's data is the newer, though its server is a replica");
  }
  const auto& record = sight.record;
  const auto& said = sight.peer_agent.said;
  if (!said && strayed(sight) && came_back_old(record, *sight.local.facts)) {
    return ask_operator(
        "the local server came back with older data than it had and was made a master since, while "
        "the peer's goes on from there");
  }
  const bool older =
      said && data_epoch(record, *sight.local.facts, said->record) < said->data_epoch;
  const bool knows_less =
      record && (older || std::max(record->superseded, sight.peer_epoch) > record->epoch ||
                 (record->role == RecordRole::standby && !record->in_sync));
  if (knows_less && !sight.peer.link_up_since) return newest_leads(sight);
  return yes("the local server is the master");
}

// A master that was replaced and has not followed yet, while nobody leads: there is nothing to
// drain.
Candidacy outlives(const Sight& sight, const CandidacyRules& rules, TimePoint now) {
  if (fresh_word(sight, rules, now) != nullptr) return yes("the local data is the newer");
  Candidacy answer = agent_silent(sight, rules, now);
  answer.gentle = false;
  return answer;
}

// Without keys anybody can say that in the leader's name. Its agent's word tells: whoever leaves
// says so over the link too, and until then led_by_the_peer() holds. Without a link the state of
// its server does, or the next advert: whoever resigned sends none.
Candidacy leader_resigned(const Sight& sight, const CandidacyRules& rules, TimePoint now) {
  const bool speaks = fresh_word(sight, rules, now) != nullptr;
  const TimePoint then = sight.advert_reported_at.value_or(now) + rules.advert_interval * 3 / 2;
  const bool serves = peer_server(sight, rules, now) == PeerServer::answers;
  if (speaks || !serves || now >= then) return yes("the leader resigned");
  return not_before(then, "the leader resigned, and may advertise again");
}

Candidacy judge_replica(const Sight& sight, const CandidacyRules& rules, TimePoint now) {
  if (sight.leader_advertises) return no("the other node leads");
  if (sight.local.facts->sync_in_progress) return no("the local server is being synchronised");

  const PeerServer peer = peer_server(sight, rules, now);
  const bool answers = peer == PeerServer::answers;
  const auto unfit = unfit_replica(sight, rules);
  if (sight.leader_resigned && !unfit) return leader_resigned(sight, rules, now);
  if (answers && sight.peer.is_master()) {
    const bool stray = strayed(sight);
    if (!stray && outlived(*sight.peer.facts, *sight.local.facts))
      return outlives(sight, rules, now);
    // Nobody leads with that master: it may have come back with old data. One that is streamed from
    // has all that is here, and its own node is about to lead with it.
    const PeerWord* word = fresh_word(sight, rules, now);
    const bool idle = word != nullptr && (word->state == "standby" || word->state == "fault");
    const bool apart = !sight.in_sync_at && !sight.local.link_up_since;
    if (apart && idle) return newest_leads(sight);
    if (unfit) return *unfit;
    const auto gone = agent_gone_since(sight, rules);
    return gone ? agent_gone(rules, *gone, now) : agent_silent(sight, rules, now);
  }
  if (peer == PeerServer::unknown) return no("the peer's server is not known yet");
  if (answers && sight.peer.facts) return newest_leads(sight);
  if (answers) {
    return ask_operator("the peer's server answers, but does not say what it is: " +
                        sight.peer.detail);
  }
  if (sight.in_sync_at && unfit) return *unfit;
  if (sight.in_sync_at) {
    if (const auto streams = leader_streams(sight, rules, now)) return *streams;
    const std::string gone = "the leader is silent and its server does not answer";
    if (!rules.safe || sight.peer.health == Health::dead) return yes(gone);
    if (!sight.leader_silent_since) return no("listening for the leader");
    if (sight.peer_fenced) return yes("the leader is silent and its host is proved down (fence)");
    // It may be cut off and alive.
    const TimePoint then = *sight.leader_silent_since + rules.max_lag_time + kLagRounding;
    if (now >= then) return yes(gone);
    Candidacy answer =
        not_before(then, "mode is \"safe\": an isolated leader stops taking writes first");
    answer.fence = true;
    return answer;
  }
  if (peer == PeerServer::silent) return no("the peer's server does not answer at the moment");
  return alone(sight, rules, now);
}

// The live leader's data is here, and its server can be told to hold its writes.
bool may_preempt(const Sight& sight, const CandidacyRules& rules, TimePoint now) {
  if (!rules.preempt || !sight.leader_advertises || !sight.local.is_replica()) return false;
  const bool linked = sight.local.link_up_since && !sight.local.facts->sync_in_progress;
  return linked && !unfit_replica(sight, rules) && sight.peer.is_master() &&
         peer_server(sight, rules, now) == PeerServer::answers;
}

// Rule 15: who hears nothing of the peer may be the one that is cut off. Only an answer of the
// gateway since then tells.
Candidacy unless_isolated(Candidacy answer, const Sight& sight) {
  if (!answer.may_lead || !sight.out_of_touch_since) return answer;
  if (sight.tracking.gateway == GatewaySight::untracked) return answer;
  const bool lost = sight.tracking.gateway == GatewaySight::lost;
  const auto& answered = sight.gateway_answered_at;
  if (!lost && answered && *answered >= *sight.out_of_touch_since) return answer;
  Candidacy isolated = no(lost ? isolation_words(sight)
                               : "the peer is silent and track_gateway " +
                                     sight.tracking.gateway_name + " has not answered since");
  isolated.probe_gateway = true;
  isolated.recheck = answer.recheck;
  return isolated;
}

// Rule 5: what the leader's agent says itself counts more than adverts that do not arrive, or that
// anybody sends in its name.
std::optional<Candidacy> led_by_the_peer(const Sight& sight, const CandidacyRules& rules,
                                         TimePoint now) {
  if (sight.leader_advertises) return std::nullopt;
  if (!peer_says_it_leads(sight, rules, now)) return std::nullopt;
  Candidacy answer =
      sight.leader_silent_since
          ? ask_operator(
                "adverts of the leader do not arrive, but its agent says that it leads: is "
                "protocol 112 blocked?")
          : no("the other node's agent says that it leads");
  answer.recheck = sight.peer_agent.said_at + rules.word_patience;
  return answer;
}

}  // namespace

Candidacy judge_candidacy(const Sight& sight, const CandidacyRules& rules, TimePoint now) {
  const ServerSight& local = sight.local;
  if (!sight.router_up) return no("the interface is not usable");
  if (local.health != Health::up || !local.facts) {
    return no("the local server is " + std::string(health::to_string(local.health)) +
              (local.detail.empty() ? "" : ": " + local.detail));
  }
  if (!sight.tracking.faults.empty()) return no(sight.tracking.faults.front());
  if (!sight.tracking.pending.empty()) return no(sight.tracking.pending);
  if (sight.hold && now < sight.hold->until) return not_before(sight.hold->until, sight.hold->why);
  if (const auto led = led_by_the_peer(sight, rules, now)) return *led;
  if (sight.accept_data_loss && !sight.leader_advertises) {
    Candidacy answer = yes("the operator said so");
    // A master whose agent is gone takes writes until the lease of its VIP ends.
    answer.gentle = sight.peer.is_master() && peer_server(sight, rules, now) == PeerServer::answers;
    return unless_isolated(std::move(answer), sight);
  }
  Candidacy answer =
      local.is_master() ? judge_master(sight, rules, now) : judge_replica(sight, rules, now);
  answer.may_preempt = may_preempt(sight, rules, now);
  if (peer_server(sight, rules, now) == PeerServer::answers && sight.peer.last_answer) {
    // The moment from which its silence counts.
    const TimePoint silent = *sight.peer.last_answer + rules.witness_patience;
    answer.recheck = std::min(answer.recheck.value_or(silent), silent);
  }
  return unless_isolated(std::move(answer), sight);
}

}  // namespace agent
