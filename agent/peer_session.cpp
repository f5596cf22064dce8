// See peer_session.hpp.
#include "agent/peer_session.hpp"

#include <algorithm>
#include <utility>

namespace agent {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

std::string list_of(const std::vector<int>& numbers) {
  std::string out;
  for (const int number : numbers) out += (out.empty() ? "" : ", ") + std::to_string(number);
  return out.empty() ? "none" : out;
}

std::string names_of(const std::vector<PeerPair>& pairs) {
  std::string out;
  for (const PeerPair& pair : pairs) out += (out.empty() ? "" : ", ") + pair.name;
  return out.empty() ? "none" : out;
}

std::int64_t micros(TimePoint time) {
  return duration_cast<microseconds>(time.time_since_epoch()).count();
}

}  // namespace

std::variant<int, std::string> judge_hello(const PeerHello& own, const PeerHello& theirs) {
  int common = 0;
  for (const int version : theirs.versions) {
    const bool ours = std::ranges::find(own.versions, version) != own.versions.end();
    if (ours) common = std::max(common, version);
  }
  if (common == 0) {
    return "the agents speak different versions of the peer protocol: " + own.node + " " +
           list_of(own.versions) + ", " + theirs.node + " " + list_of(theirs.versions) +
           "; install the same version of Tandem on both";
  }
  if (own.node == theirs.node) {
    return "both agents are node " + own.node + "; give each its own name (agent.node)";
  }
  const bool shared = std::ranges::any_of(own.pairs, [&](const PeerPair& pair) {
    return std::ranges::any_of(theirs.pairs,
                               [&](const PeerPair& other) { return other.name == pair.name; });
  });
  if (!shared) {
    return "the agents share no pair: " + own.node + " has " + names_of(own.pairs) + ", " +
           theirs.node + " has " + names_of(theirs.pairs);
  }
  return common;
}

std::vector<std::string> disagreements(const PeerPair& own, const PeerPair& theirs) {
  std::vector<std::string> out;
  for (const auto& [key, here] : own.settings) {
    const auto found = theirs.settings.find(key);
    if (found == theirs.settings.end() || found->second == here) continue;
    std::string words = key;
    words += " here " + here;
    words += ", there " + found->second;
    out.push_back(std::move(words));
  }
  if (own.priority == theirs.priority) {
    out.push_back("priority " + std::to_string(own.priority) + " on both; make them distinct");
  }
  return out;
}

SessionEffects PeerSession::step(TimePoint now, const SessionInput& input) {
  if (state_ != State::ended) std::visit([&](const auto& one) { on(now, one); }, input);
  return std::exchange(effects_, {});
}

std::optional<TimePoint> PeerSession::next_deadline() const {
  switch (state_) {
    case State::waiting: return began_ + rules_.patience;
    case State::open: return std::min(next_beat_, heard_ + rules_.silence);
    case State::ended: break;
  }
  return std::nullopt;
}

void PeerSession::on(TimePoint now, const SessionBegins& /*begins*/) {
  began_ = now;
  if (side_ == Side::caller) effects_.emplace_back(SessionSends{own_.front().hello});
}

void PeerSession::on(TimePoint now, const FrameArrived& frame) {
  if (too_many(now)) {
    return refuse("it sent more than " + std::to_string(rules_.messages_per_second) +
                  " messages in a second");
  }
  const auto parsed = parse_peer_message(frame.text);
  if (const auto* problem = std::get_if<std::string>(&parsed)) {
    return refuse("its message was not understood: " + *problem);
  }
  const auto& message = std::get<PeerMessage>(parsed);
  const bool greets = std::holds_alternative<PeerHello>(message);
  const bool refuses = std::holds_alternative<PeerRefusal>(message);
  if (greets == is_open() && !refuses) return refuse("its message came out of turn");
  heard_ = now;
  std::visit([&](const auto& one) { take(now, one); }, message);
}

void PeerSession::on(TimePoint now, const SessionTime& /*time*/) {
  if (state_ == State::waiting) {
    if (now >= began_ + rules_.patience) end("it did not introduce itself in time");
    return;
  }
  if (now >= heard_ + rules_.silence) {
    return end("nothing was heard for " +
               std::to_string(duration_cast<std::chrono::milliseconds>(now - heard_).count()) +
               " ms");
  }
  if (now < next_beat_) return;
  next_beat_ = now + rules_.heartbeat;
  send_heartbeat(now);
}

void PeerSession::take(TimePoint now, const PeerHello& hello) {
  const auto own =
      std::ranges::find_if(own_, [&](const Own& one) { return one.agent == hello.listen; });
  if (own == own_.end()) {
    return refuse(side_ == Side::caller
                      ? "it says that it is the agent " + hello.listen + ", not " +
                            own_.front().agent
                      : "no pair here has the agent " + hello.listen + " ([pair.peer] agent)");
  }
  const auto judged = judge_hello(own->hello, hello);
  if (const auto* why = std::get_if<std::string>(&judged)) return refuse(*why);
  state_ = State::open;
  next_beat_ = now + rules_.heartbeat;
  if (side_ == Side::listener) effects_.emplace_back(SessionSends{own->hello});
  effects_.emplace_back(SessionOpened{hello});
  send_heartbeat(now);
}

void PeerSession::take(TimePoint now, const PeerHeartbeat& beat) {
  last_sent_ = beat.sent;
  last_beat_ = now;
  effects_.emplace_back(SessionHeard{beat});
  if (beat.echo <= 0 || beat.held < 0) return;
  // Its word about its own time; what cannot be is not believed.
  const auto passed = microseconds(micros(now) - beat.echo) - microseconds(beat.held);
  if (passed >= microseconds(0) && passed <= rules_.silence) round_trip_ = passed;
}

void PeerSession::take(TimePoint /*now*/, const PeerRefusal& refusal) {
  end("the other side refuses: " + refusal.why);
}

// Counted in whole seconds, which lets twice as many pass at the most.
bool PeerSession::too_many(TimePoint now) {
  if (now >= second_began_ + std::chrono::seconds(1)) {
    second_began_ = now;
    in_this_second_ = 0;
  }
  return ++in_this_second_ > rules_.messages_per_second;
}

void PeerSession::send_heartbeat(TimePoint now) {
  PeerHeartbeat beat{.sent = micros(now)};
  if (last_sent_ != 0) {
    beat.echo = last_sent_;
    beat.held = duration_cast<microseconds>(now - last_beat_).count();
  }
  effects_.emplace_back(SessionSends{beat});
  if (now < next_states_) return;
  next_states_ = now + rules_.states;
  effects_.emplace_back(SessionWantsStates{});
}

void PeerSession::refuse(std::string why) {
  effects_.emplace_back(SessionSends{PeerRefusal{why}});
  end(std::move(why));
}

void PeerSession::end(std::string why) {
  state_ = State::ended;
  effects_.emplace_back(SessionEnded{std::move(why)});
}

}  // namespace agent
