// The file that is spoiled, line by line, and what the loader says about it.
#include "config_fixture.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace agent {
namespace {

// [first, last) of the lines of a table, counted from 0, its header left out.
struct Section {
  std::size_t first;
  std::size_t last;
};
constexpr Section kPair{1, 5};
constexpr Section kServer{6, 8};
constexpr Section kPeer{9, 10};

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string key_of(const std::string& line) {
  return line.substr(0, line.find(" ="));
}

std::string section_with(const Section& section, const std::string& line) {
  std::vector<std::string> lines = split_lines(small_config());
  for (std::size_t i = section.first; i < section.last; ++i) {
    if (key_of(lines[i]) != key_of(line)) continue;
    lines[i] = line;
    return join_lines(lines);
  }
  lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(section.last), line);
  return join_lines(lines);
}

// Behind the last line of the small file.
std::string tables_with(const std::vector<std::string>& added) {
  std::vector<std::string> lines = split_lines(small_config());
  lines.insert(lines.end(), added.begin(), added.end());
  return join_lines(lines);
}

std::string table_with(const std::string& header, const std::string& line) {
  return tables_with({header, line});
}

std::vector<std::string> to_strings(const std::vector<ConfigProblem>& problems,
                                    const std::string& path, const std::string& prefix = "") {
  std::vector<std::string> strings;
  strings.reserve(problems.size());
  for (const ConfigProblem& problem : problems) strings.push_back(prefix + problem.to_string(path));
  return strings;
}

std::string list(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += "<" + word + ">";
  return text;
}

long long in_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

void describe_vip(std::ostream& out, const vrrp::VirtualAddress& vip) {
  out << " " << vip.prefix.to_string() << "@" << vip.interface;
  if (!vip.label.empty()) out << "," << vip.label;
  if (vip.scope != vrrp::AddressScope::global) out << ",scope " << static_cast<int>(vip.scope);
}

void describe_server(std::ostream& out, const std::string& name, const ServerConfig& server) {
  out << name << " host=" << server.host << " port=" << server.port
      << " unix_path=" << server.unix_path << " user=" << server.user
      << " password_file=" << server.password_file << " password=" << server.password << "\n";
}

}  // namespace

ConfigFolder::ConfigFolder() : path_((std::filesystem::temp_directory_path() / "configXXXXXX")) {
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp " + path_);
  ::chmod(path_.c_str(), 0755);
}

ConfigFolder::~ConfigFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ConfigFolder::write(const std::string& name, const std::string& content,
                                mode_t mode) const {
  std::ofstream(path(name), std::ios::binary) << content;
  ::chmod(path(name).c_str(), mode);
  return path(name);
}

std::string ConfigFolder::in_text(std::string text) const {
  for (std::size_t at = 0; (at = text.find("DIR", at)) != std::string::npos;) {
    text.replace(at, 3, path_);
  }
  return text;
}

AsNobody::AsNobody() : was_root_(::geteuid() == 0) {
  if (was_root_ && ::seteuid(65534) != 0) throw std::runtime_error("seteuid");
}

AsNobody::~AsNobody() {
  if (was_root_ && ::seteuid(0) != 0) ADD_FAILURE() << "cannot become root again";
}

std::string small_config() {
  return "[[pair]]\n"
         "name = \"redis\"\n"
         "interface = \"eth0\"\n"
         "vrid = 51\n"
         "vips = [\"192.168.1.120/24\"]\n"
         "[pair.server]\n"
         "address = \"127.0.0.1:6379\"\n"
         "replication_address = \"192.168.1.112:6379\"\n"
         "[pair.peer]\n"
         "server = \"192.168.1.113:6379\"\n";
}

std::string pair_with(const std::string& line) {
  return section_with(kPair, line);
}
std::string server_with(const std::string& line) {
  return section_with(kServer, line);
}
std::string peer_with(const std::string& line) {
  return section_with(kPeer, line);
}
std::string notify_with(const std::string& line) {
  return table_with("[pair.notify]", line);
}
std::string agent_with(const std::string& line) {
  return table_with("[agent]", line);
}

std::string link_with(const ConfigFolder& folder, const std::string& line) {
  std::string secret(64, '5');
  secret += '\n';
  std::string text = small_config();
  text += "[agent.peer_link]\nlisten = \"192.168.1.112:7112\"\nsecret_file = \"";
  text += folder.write("peer.secret", secret);
  text += "\"\n\n";
  text += line;
  return text;
}

std::string script_with(const std::string& line) {
  return tables_with(
      {"[[pair.track_script]]", "name = \"check\"", "command = \"/bin/true\"", "", line});
}
std::string file_with(const std::string& line) {
  return tables_with({"[[pair.track_file]]", "path = \"/run/mode\"", "", line});
}

std::string without(const std::string& key) {
  std::vector<std::string> lines = split_lines(small_config());
  std::erase_if(lines, [&](const std::string& line) { return key_of(line) == key; });
  return join_lines(lines);
}

std::vector<std::string> problems_of(const std::string& text, const std::string& path) {
  const LoadResult result = parse_config(text, path);
  const auto* problems = std::get_if<std::vector<ConfigProblem>>(&result);
  return problems == nullptr ? std::vector<std::string>{} : to_strings(*problems, path);
}

std::vector<std::string> warnings_of(const std::string& text, const std::string& path) {
  const LoadResult result = parse_config(text, path);
  if (const auto* problems = std::get_if<std::vector<ConfigProblem>>(&result)) {
    return to_strings(*problems, path, "refused: ");
  }
  return to_strings(std::get<LoadedConfig>(result).warnings, path);
}

std::string load_and_describe(const std::string& text) {
  const LoadResult result = parse_config(text, "tandem.toml");
  if (const auto* loaded = std::get_if<LoadedConfig>(&result)) return describe(loaded->config);
  return join_lines(to_strings(std::get<std::vector<ConfigProblem>>(result), "tandem.toml"));
}

void expect_problems(std::string (*with)(const std::string&),
                     const std::vector<Mistake>& mistakes) {
  for (const auto& [line, message] : mistakes) {
    EXPECT_EQ(problems_of(with(line)), std::vector<std::string>{message}) << line;
  }
}

void expect_warnings(std::string (*with)(const std::string&),
                     const std::vector<Mistake>& mistakes) {
  for (const auto& [line, message] : mistakes) {
    EXPECT_EQ(warnings_of(with(line)), std::vector<std::string>{message}) << line;
  }
}

PairConfig load_pair(const std::string& text) {
  const LoadResult result = parse_config(text, "tandem.toml");
  const auto* loaded = std::get_if<LoadedConfig>(&result);
  EXPECT_NE(loaded, nullptr) << ::testing::PrintToString(problems_of(text));
  return loaded == nullptr ? PairConfig{} : loaded->config.pairs.at(0);
}

// Nothing when nothing is tracked.
std::string describe(const TrackingConfig& tracking) {
  std::ostringstream out;
  if (!tracking.interfaces.empty()) out << "track_interfaces " << list(tracking.interfaces) << "\n";
  if (const auto& gateway = tracking.gateway) {
    out << "track_gateway " << gateway->address.to_string()
        << " interval=" << in_ms(gateway->interval) << "ms timeout=" << in_ms(gateway->timeout)
        << "ms fall=" << gateway->fall << " rise=" << gateway->rise << "\n";
  }
  for (const TrackScriptConfig& script : tracking.scripts) {
    out << "track_script " << script.name << " command=" << list(script.command)
        << " interval=" << in_ms(script.interval) << "ms timeout=" << in_ms(script.timeout)
        << "ms rise=" << script.rise << " fall=" << script.fall << " weight=" << script.weight
        << " user=" << script.user << " group=" << script.group << "\n";
  }
  for (const TrackFileConfig& file : tracking.files) {
    out << "track_file " << file.name << " path=" << file.path << " weight=" << file.weight << "\n";
  }
  return out.str();
}

std::string describe(const Config& config) {
  std::ostringstream out;
  out << "node=" << config.node << " state_dir=" << config.state_dir
      << " control_socket=" << config.control_socket << " realtime=" << config.realtime
      << "\nlog level=" << config.log.level << " target=" << static_cast<int>(config.log.target)
      << " file=" << config.log.file << (config.log.format == LogFormat::json ? " format=json" : "")
      << "\n";
  if (const MetricsConfig& metrics = config.metrics; !metrics.host.empty()) {
    out << "metrics host=" << metrics.host << " port=" << metrics.port << "\n";
  }
  if (const PeerLinkConfig& link = config.peer_link; !link.host.empty()) {
    out << "peer_link host=" << link.host << " port=" << link.port
        << " secret_file=" << link.secret_file << "\n";
  }
  for (const PairConfig& pair : config.pairs) out << describe(pair);
  return out.str();
}

std::string describe(const PairConfig& pair) {
  std::ostringstream out;
  out << "pair " << pair.name << " interface=" << pair.interface << " vrid=" << +pair.vrid.value
      << " version=" << static_cast<int>(pair.version) << " priority=" << +pair.priority.value
      << " advert_interval=" << in_ms(pair.advert_interval) << "ms\nauth "
      << static_cast<int>(pair.auth_type) << " "
      << std::string(pair.auth_pass.begin(), pair.auth_pass.end()).c_str() << " keys";
  for (const vrrp::AuthKey& key : pair.auth.keys) out << " " << +key.id << ":" << key.secret.size();
  out << " mode=" << static_cast<int>(pair.auth.mode) << " window=" << pair.auth.window.count()
      << "s checksum=" << static_cast<int>(pair.checksum_form)
      << "\ntiming down_adverts=" << pair.down_adverts << " preempt=" << pair.preempt
      << " preempt_delay=" << in_ms(pair.preempt_delay)
      << "ms startup_hold=" << in_ms(pair.startup_hold)
      << "ms link_up_delay=" << in_ms(pair.link_up_delay) << "ms failback=" << pair.failback
      << " failback_delay=" << in_ms(pair.failback_delay) << "ms\nunicast_peers";
  for (const vrrp::IpAddress& peer : pair.unicast_peers) out << " " << peer.to_string();
  out << " ttl_min=" << +pair.unicast_ttl_min << " sources";
  for (const vrrp::IpAddress& source : pair.sources) out << " " << source.to_string();
  out << "\nvips";
  for (const auto& vip : pair.vips) describe_vip(out, vip);
  out << " excluded";
  for (const auto& vip : pair.vips_excluded) describe_vip(out, vip);
  out << " strict=" << pair.strict_vips;
  out << " lease=" << pair.vip_lease.count() << "s\nannounce count=" << pair.announce_count
      << " repeat=" << in_ms(pair.announce_repeat) << "ms refresh=" << in_ms(pair.announce_refresh)
      << "ms\nmax_replica_age=" << in_ms(pair.max_replica_age)
      << "ms max_lag=" << pair.max_lag_bytes << " wait_for_peer=" << in_ms(pair.wait_for_peer)
      << "ms promote_timeout=" << in_ms(pair.promote_timeout)
      << "ms handover_timeout=" << in_ms(pair.handover_timeout)
      << "ms takeovers=" << pair.max_takeovers << " hold_down=" << in_ms(pair.hold_down)
      << "ms mode=" << (pair.safe ? "safe" : "available")
      << " max_lag_time=" << in_ms(pair.max_lag_time) << "ms fence=" << list(pair.fence.command)
      << "," << pair.fence.user << "," << in_ms(pair.fence.timeout)
      << "ms rejoin=" << (pair.rejoin_alone ? "auto" : "manual")
      << " keep_diverged=" << pair.keep_diverged << "\n";
  describe_server(out, "server", pair.server);
  out << "replication host=" << pair.replication_host << " port=" << pair.replication_port
      << "\nmonitor ping_interval=" << in_ms(pair.monitor.ping_interval)
      << "ms info_interval=" << in_ms(pair.monitor.info_interval) << "ms fall=" << pair.monitor.fall
      << " rise=" << pair.monitor.rise << "\n";
  const RecoveryConfig& recovery = pair.recovery;
  out << "recovery start=" << list(recovery.start) << " stop=" << list(recovery.stop)
      << " copy=" << recovery.copy << " automatic=" << recovery.automatic
      << " delay=" << in_ms(recovery.delay) << "ms timeouts=" << in_ms(recovery.stop_timeout) << ","
      << in_ms(recovery.start_timeout) << "," << in_ms(recovery.copy_timeout)
      << "ms command=" << list(recovery.command) << " rdb_file=" << recovery.rdb_file
      << " keep=" << recovery.keep << " user=" << recovery.user << "\n";
  describe_server(out, "peer", pair.peer_server);
  for (const auto& replica : pair.replicas) out << "replica " << replica.to_string() << "\n";
  if (!pair.peer_agent_host.empty()) {
    out << "peer agent host=" << pair.peer_agent_host << " port=" << pair.peer_agent_port << "\n";
  }
  const hooks::NotifyConfig& notify = pair.notify;
  out << "notify master=" << list(notify.master) << " backup=" << list(notify.backup)
      << " fault=" << list(notify.fault) << " stop=" << list(notify.stop)
      << " any=" << list(notify.any) << " fifo=" << notify.fifo << " user=" << notify.user
      << " group=" << notify.group << " timeout=" << in_ms(notify.timeout) << "ms"
      << " pre_promote=" << list(notify.pre_promote) << " pre_demote=" << list(notify.pre_demote)
      << " pre_timeout=" << in_ms(notify.pre_timeout)
      << "ms silence_is_veto=" << notify.silence_is_veto << "\n"
      << describe(pair.tracking);
  return out.str();
}

}  // namespace agent
