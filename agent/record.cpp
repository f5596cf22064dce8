// See record.hpp.
#include "agent/record.hpp"

#include <boost/json.hpp>

namespace agent {
namespace {

constexpr int kFormat = 1;

template <typename T>
std::optional<T> field(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return std::nullopt;
  const auto converted = boost::json::try_value_to<T>(*value);
  if (!converted) return std::nullopt;
  return *converted;
}

}  // namespace

std::string format_record(const std::string& pair, const Record& record) {
  const boost::json::object object{
      {"format", kFormat},
      {"pair", pair},
      {"epoch", record.epoch},
      {"role", record.role == RecordRole::leader ? "leader" : "standby"},
      {"in_sync", record.in_sync},
      {"has_data", record.has_data},
      {"run_id", record.run_id},
      {"replid", record.replid},
      {"offset", record.offset},
  };
  return boost::json::serialize(object) + "\n";
}

std::variant<Record, std::string> parse_record(const std::string& pair, std::string_view text) {
  boost::json::error_code error;
  const auto value = boost::json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return std::string("it is not a whole JSON object");
  const auto& object = value.get_object();
  if (field<int>(object, "format") != kFormat) return std::string("its format is not 1");
  if (field<std::string>(object, "pair") != pair) return std::string("it is of another pair");

  const auto epoch = field<std::uint64_t>(object, "epoch");
  const auto role = field<std::string>(object, "role");
  const auto in_sync = field<bool>(object, "in_sync");
  const auto has_data = field<bool>(object, "has_data");
  const auto run_id = field<std::string>(object, "run_id");
  const auto replid = field<std::string>(object, "replid");
  const auto offset = field<std::int64_t>(object, "offset");
  const bool known_role = role == "leader" || role == "standby";
  if (!epoch || !known_role || !in_sync || !has_data || !run_id || !replid || !offset) {
    return std::string("a field is missing or of the wrong type");
  }
  return Record{*epoch,   role == "leader" ? RecordRole::leader : RecordRole::standby,
                *in_sync, *has_data,
                *run_id,  *replid,
                *offset};
}

}  // namespace agent
