// Boost.JSON reads and writes; every key must be there, of its type and within its range.
#include "hooks/io/diverged_about.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "hooks/crc64.hpp"

namespace hooks::io {
namespace {

namespace json = boost::json;

constexpr std::string_view kFormat = "tandem-diverged-1";
constexpr std::size_t kHexDigits = 16;

// Reads keys of one object; the first that is missing or wrong is remembered.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  std::string text(std::string_view key) {
    const json::value* value = find(key);
    if (value == nullptr || !value->is_string()) return blame(key), "";
    return std::string(value->get_string());
  }
  bool boolean(std::string_view key) {
    const json::value* value = find(key);
    if (value == nullptr || !value->is_bool()) return blame(key), false;
    return value->get_bool();
  }
  template <typename Number>
  Number number(std::string_view key) {
    const json::value* value = find(key);
    boost::system::error_code error;
    const Number number = value == nullptr ? Number{} : value->to_number<Number>(error);
    if (value == nullptr || !value->is_number() || value->is_double() || error) blame(key);
    return number;
  }
  std::uint64_t checksum(std::string_view key) {
    const std::string hex = text(key);
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    if (hex.size() != kHexDigits || parsed.ptr != hex.data() + hex.size()) blame(key);
    return value;
  }
  const json::object* object(std::string_view key) {
    const json::value* value = find(key);
    if (value == nullptr) return nullptr;
    if (!value->is_object()) return blame(key), nullptr;
    return &value->get_object();
  }
  bool has(std::string_view key) const { return object_.if_contains(key) != nullptr; }
  void blame(std::string_view key) {
    if (wrong_.empty()) wrong_ = key;
  }
  const std::string& wrong() const { return wrong_; }

 private:
  const json::value* find(std::string_view key) const { return object_.if_contains(key); }

  const json::object& object_;
  std::string wrong_;
};

KeptDataset read_dataset(const json::object& object, Reader& whole) {
  Reader reader(object);
  const KeptDataset kept{reader.number<std::uint64_t>("bytes"), reader.checksum("crc64"),
                         reader.number<int>("rdb_version")};
  if (!reader.wrong().empty()) whole.blame("dataset");
  return kept;
}

KeptCommands read_commands(const json::object& object, Reader& whole) {
  Reader reader(object);
  const KeptCommands kept{reader.number<std::uint64_t>("bytes"), reader.checksum("crc64"),
                          reader.number<std::uint64_t>("count"), reader.boolean("selects")};
  if (!reader.wrong().empty()) whole.blame("commands");
  return kept;
}

json::object object_of(const DivergedAbout& about) {
  json::object object = {{"format", kFormat},
                         {"pair", about.pair},
                         {"time", utc_name(about.name.time)},
                         {"epoch", about.name.epoch},
                         {"why", about.why},
                         {"server", about.server},
                         {"replid", about.replid},
                         {"first_offset", about.first_offset},
                         {"last_offset", about.last_offset},
                         {"dataset_missing", about.dataset_missing},
                         {"commands_missing", about.commands_missing}};
  if (about.precaution) object["precaution"] = true;
  if (about.keys) object["keys"] = *about.keys;
  if (const auto& dataset = about.dataset) {
    object["dataset"] = {{"file", kDatasetFile},
                         {"bytes", dataset->bytes},
                         {"crc64", to_hex(dataset->checksum)},
                         {"rdb_version", dataset->rdb_version}};
  }
  if (const auto& commands = about.commands) {
    object["commands"] = {{"file", kCommandsFile},
                          {"bytes", commands->bytes},
                          {"crc64", to_hex(commands->checksum)},
                          {"count", commands->commands},
                          {"selects", commands->selects}};
  }
  return object;
}

}  // namespace

// One key on each line, for people.
std::string format_about(const DivergedAbout& about) {
  std::string text;
  for (const auto& [key, value] : object_of(about)) {
    text += text.empty() ? "{\n" : ",\n";
    text += "  " + json::serialize(json::string(key)) + ": " + json::serialize(value);
  }
  return text + "\n}\n";
}

std::variant<DivergedAbout, std::string> parse_about(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error || !value.is_object()) return "it is no JSON object";
  Reader reader(value.get_object());
  if (reader.text("format") != kFormat) {
    return "its format is not \"" + std::string(kFormat) + '"';
  }
  DivergedAbout about;
  about.pair = reader.text("pair");
  const auto time = parse_utc_name(reader.text("time"));
  if (!time) reader.blame("time");
  about.name = {time.value_or(0), reader.number<std::uint64_t>("epoch")};
  about.why = reader.text("why");
  about.server = reader.text("server");
  about.replid = reader.text("replid");
  about.first_offset = reader.number<std::int64_t>("first_offset");
  about.last_offset = reader.number<std::int64_t>("last_offset");
  about.dataset_missing = reader.text("dataset_missing");
  about.commands_missing = reader.text("commands_missing");
  if (reader.has("precaution")) about.precaution = reader.boolean("precaution");
  if (reader.has("keys")) about.keys = reader.number<std::int64_t>("keys");
  if (const auto* dataset = reader.object("dataset")) {
    about.dataset = read_dataset(*dataset, reader);
  }
  if (const auto* commands = reader.object("commands")) {
    about.commands = read_commands(*commands, reader);
  }
  if (!reader.wrong().empty()) return "its \"" + reader.wrong() + "\" is missing or wrong";
  return about;
}

}  // namespace hooks::io
