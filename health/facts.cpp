// Reads INFO and ROLE. Foreign text: a line that cannot be understood is skipped, never guessed.
#include "health/facts.hpp"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <utility>

namespace health {
namespace {

constexpr std::size_t kLongestText = 255;  // more than a host name, an id or a version may have

struct Field {
  std::string_view name;
  std::string_view value;
};

// Whoever may say REPLICAOF chooses the host that stands here, and it ends up in lines of the log
// and on terminals. What is changed equals no address, as no address has a question mark.
std::string text_of(std::string_view value) {
  std::string text(value.substr(0, kLongestText));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return text;
}

std::optional<Field> split(std::string_view text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos || at == 0) return std::nullopt;
  return Field{text.substr(0, at), text.substr(at + 1)};
}

// Cuts the next piece off `rest`, without its separator.
std::string_view next_piece(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view piece = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
  return piece;
}

// The whole text must be a number that fits; otherwise `number` stays as it was.
template <std::integral Number>
bool read_number(std::string_view text, Number& number) {
  Number value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc{} || result.ptr != end) return false;
  number = value;
  return true;
}

void read_flag(std::string_view text, std::string_view yes, std::string_view no, bool& flag) {
  if (text == yes) flag = true;
  if (text == no) flag = false;
}

// "slave0", "slave12"; not "slave_priority".
bool is_numbered(std::string_view name, std::string_view prefix) {
  return name.size() > prefix.size() && name.starts_with(prefix) &&
         name.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos;
}

class InfoParser {
 public:
  explicit InfoParser(ServerFacts base) : facts_(std::move(base)) {}

  void read_line(std::string_view line);
  ServerFacts finish();

 private:
  void read_server(const Field& field);
  void read_persistence(const Field& field);
  void read_replication(const Field& field);
  void read_link(const Field& field);
  void read_role(std::string_view value);
  void read_replica(std::string_view value);
  void read_database(std::string_view value);

  ServerFacts facts_;
  std::optional<std::int64_t> slave_repl_offset_;
};

void InfoParser::read_line(std::string_view line) {
  // An empty server has no dbN line: the heading alone says that there are no keys.
  if (line == "# Keyspace") facts_.keys = 0;
  const std::optional<Field> field = split(line, ':');
  if (!field) return;
  read_server(*field);
  read_persistence(*field);
  read_replication(*field);
  read_link(*field);
  if (is_numbered(field->name, "slave")) read_replica(field->value);
  if (is_numbered(field->name, "db")) read_database(field->value);
}

ServerFacts InfoParser::finish() {
  // A server that has dropped what it knew of its master (KeyDB and Redis before 7.0, as soon as a
  // full sync begins) says 1, and what it still holds in master_repl_offset.
  const bool dropped = !facts_.link_up && slave_repl_offset_ == 1 && facts_.offset > 1;
  if (facts_.role == Role::replica && slave_repl_offset_ && !dropped) {
    facts_.offset = *slave_repl_offset_;
  }
  return std::move(facts_);
}

void InfoParser::read_server(const Field& field) {
  if (field.name == "redis_version") facts_.redis_version = text_of(field.value);
  if (field.name == "run_id") facts_.run_id = text_of(field.value);
  if (field.name == "redis_mode") facts_.mode = text_of(field.value);
  if (field.name == "cluster_enabled") read_flag(field.value, "1", "0", facts_.cluster_enabled);
}

void InfoParser::read_persistence(const Field& field) {
  if (field.name == "loading") {
    read_flag(field.value, "1", "0", facts_.loading);
    if (!facts_.loading) facts_.loading_eta_seconds = 0;
  }
  if (field.name == "loading_eta_seconds") read_number(field.value, facts_.loading_eta_seconds);
  if (field.name == "aof_enabled") read_flag(field.value, "1", "0", facts_.aof_enabled);
  if (field.name == "rdb_last_bgsave_status") {
    read_flag(field.value, "ok", "err", facts_.last_bgsave_ok);
  }
  if (field.name == "aof_last_write_status") {
    read_flag(field.value, "ok", "err", facts_.last_aof_write_ok);
  }
}

void InfoParser::read_replication(const Field& field) {
  if (field.name == "role") read_role(field.value);
  if (field.name == "connected_slaves") facts_.replicas.clear();  // the slaveN lines follow
  if (field.name == "master_replid") facts_.replid = text_of(field.value);
  if (field.name == "master_replid2") {
    const bool none = field.value.find_first_not_of('0') == std::string_view::npos;
    facts_.replid2 = none ? std::string() : text_of(field.value);
  }
  if (field.name == "master_repl_offset") read_number(field.value, facts_.offset);
  if (field.name == "second_repl_offset") read_number(field.value, facts_.second_offset);
  if (field.name == "slave_repl_offset") {
    std::int64_t offset = 0;
    if (read_number(field.value, offset)) slave_repl_offset_ = offset;
  }
}

void InfoParser::read_link(const Field& field) {
  if (field.name == "master_host") facts_.master.host = text_of(field.value);
  if (field.name == "master_port") read_number(field.value, facts_.master.port);
  if (field.name == "master_link_status") {
    read_flag(field.value, "up", "down", facts_.link_up);
    if (facts_.link_up) facts_.link_down_since_seconds = -1;  // the line is left out when up
  }
  if (field.name == "master_sync_in_progress") {
    read_flag(field.value, "1", "0", facts_.sync_in_progress);
  }
  if (field.name == "master_last_io_seconds_ago") {
    read_number(field.value, facts_.last_io_seconds_ago);
  }
  if (field.name == "master_link_down_since_seconds") {
    read_number(field.value, facts_.link_down_since_seconds);
  }
  if (field.name == "slave_priority") read_number(field.value, facts_.replica_priority);
}

void InfoParser::read_role(std::string_view value) {
  if (value == "slave") facts_.role = Role::replica;
  if (value != "master") return;
  // A master leaves the lines of the link out, so what they once said must not outlive the role.
  const ServerFacts blank;
  facts_.role = Role::master;
  facts_.master = blank.master;
  facts_.link_up = blank.link_up;
  facts_.sync_in_progress = blank.sync_in_progress;
  facts_.last_io_seconds_ago = blank.last_io_seconds_ago;
  facts_.link_down_since_seconds = blank.link_down_since_seconds;
}

// ip=192.168.1.113,port=6379,state=online,offset=187,lag=0 and, in Valkey, more.
void InfoParser::read_replica(std::string_view value) {
  ConnectedReplica replica;
  while (!value.empty()) {
    const std::optional<Field> field = split(next_piece(value, ','), '=');
    if (!field) continue;
    if (field->name == "ip") replica.endpoint.host = text_of(field->value);
    if (field->name == "port") read_number(field->value, replica.endpoint.port);
    if (field->name == "state") replica.online = field->value == "online";
    if (field->name == "offset") read_number(field->value, replica.offset);
    if (field->name == "lag") read_number(field->value, replica.lag);
  }
  if (!replica.endpoint.host.empty()) facts_.replicas.push_back(std::move(replica));
}

// keys=3,expires=0,avg_ttl=0
void InfoParser::read_database(std::string_view value) {
  std::int64_t keys = 0;
  const std::optional<Field> field = split(next_piece(value, ','), '=');
  if (!field || field->name != "keys" || !read_number(field->value, keys)) return;
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(facts_.keys.value_or(0), keys, &sum)) facts_.keys = sum;
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::unknown: return "unknown";
    case Role::master: return "master";
    case Role::replica: return "replica";
  }
  return "invalid";
}

std::string Endpoint::to_string() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

ServerFacts parse_info(std::string_view info, ServerFacts base) {
  InfoParser parser(std::move(base));
  while (!info.empty()) {
    std::string_view line = next_piece(info, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    parser.read_line(line);
  }
  return parser.finish();
}

std::optional<std::string> unsuitable(const ServerFacts& facts) {
  std::string why(kNotForAPair);
  if (facts.mode == "sentinel") {
    return why += "it is a Sentinel, which holds no data; name the address of the server itself";
  }
  if (facts.cluster_enabled || facts.mode == "cluster") {
    return why +=
           "it is a node of a Redis Cluster, which moves its masters itself; Tandem needs "
           "a server with cluster-enabled no";
  }
  if (facts.sentinels > 0) {
    return why += "Sentinel watches it (" + std::to_string(facts.sentinels) +
                  " subscribed) and would move its role, too; run SENTINEL REMOVE there, on every "
                  "Sentinel, or leave it to Sentinel";
  }
  return std::nullopt;
}

std::optional<RoleReply> parse_role(const Reply& reply) {
  using Type = Reply::Type;
  const std::vector<Reply>& parts = reply.elements;
  if (reply.type != Type::array || parts.size() < 2 || parts[0].type != Type::bulk) {
    return std::nullopt;
  }
  RoleReply role;
  if (parts[0].text == "master" && parts[1].type == Type::integer) {
    role.role = Role::master;
    role.offset = parts[1].integer;
    return role;
  }
  const bool replica = parts[0].text == "slave" && parts.size() >= 5 &&
                       parts[1].type == Type::bulk && parts[2].type == Type::integer &&
                       parts[3].type == Type::bulk && parts[4].type == Type::integer;
  if (!replica || !std::in_range<std::uint16_t>(parts[2].integer)) return std::nullopt;
  role.role = Role::replica;
  role.master = {text_of(parts[1].text), static_cast<std::uint16_t>(parts[2].integer)};
  role.link_state = text_of(parts[3].text);
  role.offset = parts[4].integer;
  return role;
}

}  // namespace health
