// What an agent reads of its own or of another agent: the record, the line of an event, a message
// of the peer link and what operators' requests carry. Any text is refused in words or understood,
// and what was understood is the same after it was written and read again.
//
// An input is one byte, what it is, then the text.
#include <algorithm>
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "agent/event.hpp"
#include "agent/io/maintenance_request.hpp"
#include "agent/io/switchover_request.hpp"
#include "agent/peer_message.hpp"
#include "agent/peer_session.hpp"
#include "agent/record.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using fuzz::promise;

constexpr std::size_t kKinds = 5;

// A line of a log holds no control characters of strangers.
bool is_one_line(std::string_view words) {
  for (const char c : words) {
    if (static_cast<unsigned char>(c) < ' ') return false;
  }
  return !words.empty();
}

void check_record(std::string_view text) {
  const auto parsed = agent::parse_record("redis", text);
  if (const auto* problem = std::get_if<std::string>(&parsed))
    return promise(is_one_line(*problem));
  const auto& record = std::get<agent::Record>(parsed);
  const auto again = agent::parse_record("redis", agent::format_record("redis", record));
  promise(std::get<agent::Record>(again) == record);
  promise(record.lineage.size() <= agent::kLineageEntries);
}

void check_event(std::string_view text) {
  const auto event = agent::parse_event(text);
  if (!event) return;
  const std::string line = agent::format_event(*event);
  promise(line.find('\n') == std::string::npos);
  const auto again = agent::parse_event(line);
  promise(again && agent::format_event(*again) == line);
  promise(!agent::event_text(*event, {}).empty());
}

void check_message(std::string_view text) {
  const auto length = agent::peer_frame_length(text.substr(0, agent::kPeerFrameHeader));
  promise(!length || *length > 0);
  const auto parsed = agent::parse_peer_message(text);
  if (const auto* problem = std::get_if<std::string>(&parsed))
    return promise(is_one_line(*problem));
  const auto& message = std::get<agent::PeerMessage>(parsed);
  const auto frame = agent::encode_peer_message(message);
  if (!frame) return;  // longer than what may be sent
  const auto again =
      agent::parse_peer_message(std::string_view(*frame).substr(agent::kPeerFrameHeader));
  promise(std::get<agent::PeerMessage>(again) == message);
}

// A frame for each line: the session ends once, with a clause, and says nothing after it.
void check_session(std::string_view text, agent::PeerSession::Side side) {
  agent::PeerHello own;
  own.node = "server11";
  own.run = "a";
  own.software = "0";
  own.versions = {agent::kPeerProtocol};
  own.listen = "10.0.0.1:7112";
  own.pairs = {{"redis", 250, {{"vrid", "51"}}}};
  agent::PeerSession session(side, {{"10.0.0.2:7112", own}}, {});
  agent::TimePoint now{};
  int ends = 0;
  const auto look = [&](const agent::SessionEffects& effects) {
    promise(ends == 0 || effects.empty());
    for (const auto& effect : effects) {
      const auto* ended = std::get_if<agent::SessionEnded>(&effect);
      if (ended == nullptr) continue;
      ++ends;
      promise(is_one_line(ended->why));
    }
    promise(ends <= 1);
  };
  look(session.step(now, agent::SessionBegins{}));
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    look(session.step(now, agent::FrameArrived{std::string(text.substr(0, end))}));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (const auto due = session.next_deadline(); due && text.size() % 3 == 0) now = *due;
    look(session.step(now, agent::SessionTime{}));
  }
}

void check_request(std::string_view text) {
  boost::system::error_code error;
  const auto value = boost::json::parse(text, error);
  if (error || !value.is_object()) return;
  const auto wish = agent::io::wish_of(value.get_object());
  if (const auto* problem = std::get_if<std::string>(&wish)) promise(is_one_line(*problem));
  const auto upkeep = agent::io::maintenance_of(value.get_object());
  if (const auto* problem = std::get_if<std::string>(&upkeep)) promise(is_one_line(*problem));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % kKinds) {
    case 0: check_record(text); break;
    case 1: check_event(text); break;
    case 2: check_message(text); break;
    case 3: check_request(text); break;
    default:
      check_session(text, (data[0] & 0x80U) != 0 ? agent::PeerSession::Side::caller
                                                 : agent::PeerSession::Side::listener);
  }
  return 0;
}
