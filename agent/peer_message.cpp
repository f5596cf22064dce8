// See peer_message.hpp.
#include "agent/peer_message.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <stdexcept>

#include "hooks/output_lines.hpp"

namespace agent {
namespace {

namespace json = boost::json;

constexpr std::size_t kLongestText = 300;
constexpr std::size_t kLongestSetting = 2000;  // a list of VIPs
constexpr std::size_t kMostPairs = 1024;
constexpr std::size_t kMostSettings = 32;
constexpr std::size_t kMostVersions = 16;

// What is wrong with a message, for the one catch below.
class Malformed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// They end up in lines of the log, where even a tab is not expected.
std::string words_of(std::string_view text) {
  std::string words = hooks::printable(text);
  std::replace(words.begin(), words.end(), '\t', ' ');
  return words;
}

// Typed access to the fields of one message.
class Fields {
 public:
  explicit Fields(const json::object& object) : object_(&object) {}

  std::string text(std::string_view key) const { return text_of(key, at(key)); }
  std::uint64_t natural(std::string_view key) const { return number<std::uint64_t>(key); }
  std::int64_t integer(std::string_view key) const { return number<std::int64_t>(key); }
  int small(std::string_view key) const { return number<int>(key); }
  bool flag(std::string_view key) const {
    const bool* value = at(key).if_bool();
    if (value == nullptr) wrong(key);
    return *value;
  }
  const json::object& object(std::string_view key) const {
    const json::object* value = at(key).if_object();
    if (value == nullptr) wrong(key);
    return *value;
  }
  const json::array& list(std::string_view key, std::size_t most) const {
    const json::array* value = at(key).if_array();
    if (value == nullptr || value->size() > most) wrong(key);
    return *value;
  }
  bool is_null(std::string_view key) const { return at(key).is_null(); }

  // A text of the other side that may go to a log line as it is.
  static std::string text_of(std::string_view key, const json::value& value,
                             std::size_t longest = kLongestText) {
    const json::string* text = value.if_string();
    if (text == nullptr || text->size() > longest) wrong(key);
    return words_of({text->data(), text->size()});
  }
  template <typename Number>
  static Number number_of(std::string_view key, const json::value& value) {
    boost::system::error_code error;
    const auto number = value.to_number<Number>(error);
    if (error || value.is_double()) wrong(key);
    return number;
  }
  [[noreturn]] static void wrong(std::string_view key) {
    throw Malformed("its field " + std::string(key) + " is missing or not usable");
  }

 private:
  const json::value& at(std::string_view key) const {
    const json::value* value = object_->if_contains(key);
    if (value == nullptr) wrong(key);
    return *value;
  }
  template <typename Number>
  Number number(std::string_view key) const {
    return number_of<Number>(key, at(key));
  }

  const json::object* object_;
};

// ---- value to JSON -----------------------------------------------------------------------------

json::object fields_of(const PeerHello& hello) {
  json::array versions;
  for (const int version : hello.versions) versions.emplace_back(version);
  json::array pairs;
  for (const PeerPair& pair : hello.pairs) {
    json::object settings;
    for (const auto& [key, value] : pair.settings) settings[key] = value.substr(0, kLongestSetting);
    pairs.push_back(
        {{"name", pair.name}, {"priority", pair.priority}, {"settings", std::move(settings)}});
  }
  return {{"type", "hello"},
          {"node", hello.node},
          {"run", hello.run},
          {"software", hello.software},
          {"versions", std::move(versions)},
          {"listen", hello.listen},
          {"pairs", std::move(pairs)}};
}

json::object fields_of(const PeerHeartbeat& beat) {
  return {{"type", "heartbeat"}, {"sent", beat.sent}, {"echo", beat.echo}, {"held", beat.held}};
}

json::object fields_of(const PeerState& state) {
  const PeerWord& word = state.word;
  json::value record;
  if (word.record) {
    record = {{"epoch", word.record->epoch},
              {"role", word.record->role == RecordRole::leader ? "leader" : "standby"},
              {"in_sync", word.record->in_sync},
              {"has_data", word.record->has_data},
              {"run_id", word.record->run_id},
              {"replid", word.record->replid},
              {"offset", word.record->offset}};
  }
  return {{"type", "state"},
          {"number", state.number},
          {"pair", word.pair},
          {"state", word.state},
          {"epoch", word.epoch},
          {"record", std::move(record)},
          {"health", word.health},
          {"role", word.role},
          {"replid", word.replid},
          {"offset", word.offset},
          {"data_epoch", word.data_epoch},
          {"priority", word.priority},
          {"configured", word.configured},
          {"may_lead", word.may_lead},
          {"why", word.why.substr(0, kLongestText)},
          {"alarms", word.alarms},
          {"unfit", word.unfit.substr(0, kLongestText)},
          {"claims", word.claims},
          {"drained", word.drained},
          {"maintenance", word.maintenance},
          {"restarting_ms", word.restarting_ms},
          {"by_operator", word.by_operator}};
}

json::object fields_of(const PeerRequest& request) {
  return {{"type", "request"},
          {"id", request.id},
          {"pair", request.pair},
          {"command", request.command},
          {"arguments", request.arguments}};
}

json::object fields_of(const PeerAnswer& answer) {
  return {{"type", "answer"},
          {"id", answer.id},
          {"ok", answer.ok},
          {"text", answer.text.substr(0, kLongestText)},
          {"result", answer.result}};
}

json::object fields_of(const PeerRefusal& refusal) {
  return {{"type", "refusal"}, {"why", refusal.why.substr(0, kLongestText)}};
}

// ---- JSON to value -----------------------------------------------------------------------------

PeerHello hello_of(const Fields& fields) {
  PeerHello out;
  out.node = fields.text("node");
  out.run = fields.text("run");
  out.software = fields.text("software");
  for (const auto& version : fields.list("versions", kMostVersions)) {
    out.versions.push_back(Fields::number_of<int>("versions", version));
  }
  out.listen = fields.text("listen");
  for (const auto& entry : fields.list("pairs", kMostPairs)) {
    if (!entry.is_object()) Fields::wrong("pairs");
    const Fields pair(entry.get_object());
    const json::object& settings = pair.object("settings");
    if (settings.size() > kMostSettings) Fields::wrong("settings");
    PeerPair& added = out.pairs.emplace_back();
    added.name = pair.text("name");
    added.priority = pair.small("priority");
    for (const auto& setting : settings) {
      if (setting.key().size() > kLongestText) Fields::wrong("settings");
      const std::string key = words_of({setting.key().data(), setting.key().size()});
      added.settings[key] = Fields::text_of("settings", setting.value(), kLongestSetting);
    }
  }
  return out;
}

Record record_of(const Fields& fields) {
  Record out;
  const std::string role = fields.text("role");
  if (role != "leader" && role != "standby") Fields::wrong("role");
  out.epoch = fields.natural("epoch");
  out.role = role == "leader" ? RecordRole::leader : RecordRole::standby;
  out.in_sync = fields.flag("in_sync");
  out.has_data = fields.flag("has_data");
  out.run_id = fields.text("run_id");
  out.replid = fields.text("replid");
  out.offset = fields.integer("offset");
  return out;
}

PeerState state_of(const Fields& fields) {
  PeerState out;
  out.number = fields.natural("number");
  PeerWord& word = out.word;
  word.pair = fields.text("pair");
  word.state = fields.text("state");
  word.epoch = fields.natural("epoch");
  if (!fields.is_null("record")) word.record = record_of(Fields(fields.object("record")));
  word.health = fields.text("health");
  word.role = fields.text("role");
  word.replid = fields.text("replid");
  word.offset = fields.integer("offset");
  word.data_epoch = fields.natural("data_epoch");
  word.priority = fields.small("priority");
  word.configured = fields.small("configured");
  word.may_lead = fields.flag("may_lead");
  word.why = fields.text("why");
  word.alarms = fields.small("alarms");
  word.unfit = fields.text("unfit");
  word.claims = fields.flag("claims");
  word.drained = fields.flag("drained");
  word.maintenance = fields.flag("maintenance");
  word.restarting_ms = fields.small("restarting_ms");
  word.by_operator = fields.flag("by_operator");
  return out;
}

PeerMessage message_of(const Fields& fields) {
  const std::string type = fields.text("type");
  // Understood in every version.
  if (type == "hello") return hello_of(fields);
  if (type == "refusal") return PeerRefusal{fields.text("why")};
  const int version = fields.small("v");
  if (version != kPeerProtocol) {
    throw Malformed("it is of version " + std::to_string(version) + " of the protocol");
  }
  if (type == "heartbeat") {
    return PeerHeartbeat{fields.integer("sent"), fields.integer("echo"), fields.integer("held")};
  }
  if (type == "state") return state_of(fields);
  if (type == "request") {
    return PeerRequest{fields.natural("id"), fields.text("pair"), fields.text("command"),
                       fields.object("arguments")};
  }
  if (type == "answer") {
    return PeerAnswer{fields.natural("id"), fields.flag("ok"), fields.text("text"),
                      fields.object("result")};
  }
  throw Malformed("its type is not known");
}

}  // namespace

bool says_the_same(PeerWord one, const PeerWord& other) {
  one.offset = other.offset;
  if (one.record && other.record) one.record->offset = other.record->offset;
  return one == other;
}

std::optional<std::string> encode_peer_message(const PeerMessage& message) {
  json::object object{{"v", kPeerProtocol}};
  const json::object fields = std::visit([](const auto& one) { return fields_of(one); }, message);
  object.insert(fields.begin(), fields.end());
  const std::string text = json::serialize(object);
  if (text.size() > kLargestPeerMessage) return std::nullopt;
  std::string frame;
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    frame += static_cast<char>((text.size() >> shift) & 0xffU);
  }
  return frame + text;
}

std::optional<std::size_t> peer_frame_length(std::string_view header) {
  std::size_t length = 0;
  if (header.size() != kPeerFrameHeader) return std::nullopt;
  for (const char byte : header) length = length << 8U | static_cast<unsigned char>(byte);
  if (length == 0 || length > kLargestPeerMessage) return std::nullopt;
  return length;
}

std::variant<PeerMessage, std::string> parse_peer_message(std::string_view text) {
  boost::system::error_code error;
  // A server's words may be in there, which need not be UTF-8.
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  const json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error || !value.is_object()) return "it is no JSON object";
  try {
    return message_of(Fields(value.get_object()));
  } catch (const Malformed& malformed) {
    return std::string(malformed.what());
  }
}

}  // namespace agent
