// See agent.hpp.
#include "tests/support/agent.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "tests/support/redis_client.hpp"

namespace support {
namespace {

namespace json = boost::json;

std::string quoted(const std::string& text) {
  return json::serialize(json::string(text));
}

std::string in_directory(std::string text, const Host& host) {
  static const std::string kWord = "HOST_DIR";
  for (auto at = text.find(kWord); at != std::string::npos; at = text.find(kWord)) {
    text.replace(at, kWord.size(), host.dir.string());
  }
  return text;
}

void write_notify(std::ostream& text, const PairOptions& pair, const Host& host) {
  const bool scripts = pair.specific != nullptr || pair.any != nullptr;
  if (!scripts && pair.fifo.empty() && pair.notify_lines.empty()) return;
  text << "[pair.notify]\nuser = \"root\"\n";
  if (pair.specific != nullptr) {
    for (const char* const state : {"master", "backup", "fault", "stop"}) {
      std::string word = state;
      for (char& letter : word) letter = static_cast<char>(::toupper(letter));
      text << state << " = " << quoted(pair.specific->command(pair.notify_words_prefix + word))
           << "\n";
    }
  }
  if (pair.any != nullptr) {
    text << "any = " << quoted(pair.any->command(pair.notify_words_prefix)) << "\n";
  }
  if (!pair.fifo.empty()) text << "fifo = " << quoted(pair.fifo) << "\n";
  text << in_directory(pair.notify_lines, host);
}

void write_pair(std::ostream& text, const PairOptions& pair, const Host& host, const Host& peer) {
  const std::string own_ip = pair.own_ip.empty() ? host.ip : pair.own_ip;
  const std::string peer_ip = pair.peer_ip.empty() ? peer.ip : pair.peer_ip;
  const std::string port = ":" + std::to_string(pair.port);
  const std::string password = quoted((host.dir / "redis.password").string());
  text << "[[pair]]\nname = " << quoted(pair.name) << "\ninterface = " << quoted(pair.interface)
       << "\nvrid = " << pair.vrid << "\nversion = " << pair.version
       << "\npriority = " << pair.priority << "\nvips = ["
       << (pair.vips.empty() ? quoted(pair.vip) : pair.vips) << "]\n";
  for (const auto& line : pair.further) text << line << "\n";
  if (!pair.auth_pass.empty()) text << "auth_pass = " << quoted(pair.auth_pass) << "\n";
  if (!pair.advert_interval.empty()) {
    text << "advert_interval = " << quoted(pair.advert_interval) << "\n";
  }
  if (!pair.unicast_peer.empty()) {
    text << "unicast_peers = [" << quoted(pair.unicast_peer) << "]\n";
  }
  text << in_directory(pair.pair_lines, host);
  text << "wait_for_peer = " << quoted(pair.wait_for_peer) << "\n";
  text << "[pair.server]\naddress = " << quoted("127.0.0.1" + port)
       << "\nreplication_address = " << quoted(own_ip + port) << "\npassword_file = " << password
       << "\n"
       << in_directory(pair.server_lines, host)
       << "[pair.peer]\nserver = " << quoted(peer_ip + port) << "\n"
       << pair.peer_lines;
  if (!pair.secret.empty()) text << "agent = " << quoted(peer_ip + ":7112") << "\n";
  write_notify(text, pair, host);
  text << in_directory(pair.tables, host);
}

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

}  // namespace

Agent::Agent(const Host& host, const Host& peer, const std::vector<PairOptions>& pairs)
    : host_(host),
      config_(host.dir / "tandem.toml"),
      socket_(host.dir / "control.sock"),
      log_(host.dir / "tandemd.log") {
  const std::filesystem::path state = host.dir / "state";
  std::filesystem::create_directories(state);
  write_file(host.dir / "redis.password", kPassword + "\n", std::filesystem::perms(0600));
  std::ostringstream text;
  text << "[agent]\nnode = " << quoted(host.name) << "\nstate_dir = " << quoted(state.string())
       << "\ncontrol_socket = " << quoted(socket_.string())
       << "\nlog = { level = \"debug\", target = \"stderr\" }\n"
       << pairs.front().agent_lines;
  if (const std::string& secret = pairs.front().secret; !secret.empty()) {
    write_file(host.dir / "peer.secret", secret + "\n", std::filesystem::perms(0600));
    text << "[agent.peer_link]\nlisten = " << quoted(host.ip + ":7112")
         << "\nsecret_file = " << quoted((host.dir / "peer.secret").string()) << "\n";
  }
  for (const auto& pair : pairs) write_pair(text, pair, host, peer);
  write_file(config_, text.str(), std::filesystem::perms(0600));
}

Agent::~Agent() {
  // What counts lines, or looks for leaks, does so at the end of a process that ends in order.
  if (std::getenv("TANDEM_END_IN_ORDER") != nullptr && running()) {
    signal(SIGTERM);
    signal(SIGCONT);
    if (!wait(kSoon)) ADD_FAILURE() << "tandemd does not end on SIGTERM";
  }
  process_.reset();
  const std::string log = read_file(log_);
  const auto report = log.find("Sanitizer");
  if (report != std::string::npos) ADD_FAILURE() << log.substr(report, 4000);
}

void Agent::start(const Argv& wrapper) {
  if (!std::filesystem::exists(tandemd_path())) {
    throw std::runtime_error(tandemd_path() +
                             " is not built: build the targets tandemd and tandem");
  }
  Argv argv = wrapper;
  argv.insert(argv.end(), {tandemd_path(), "--config", config_, "--foreground"});
  process_ = std::make_unique<Process>(argv, host_.netns, log_);
}

int Agent::stop() {
  process_->signal(SIGTERM);
  const auto code = process_->wait(kSoon);
  if (!code) throw std::runtime_error("tandemd does not end on SIGTERM");
  return *code;
}

void Agent::kill() {
  if (process_) process_->kill();
}

Outcome Agent::command(const Argv& words) {
  Argv argv{tandem_path(), "--socket", socket_};
  argv.insert(argv.end(), words.begin(), words.end());
  return run(argv, host_.netns);
}

std::optional<json::value> Agent::status() {
  const Outcome outcome =
      run({tandem_path(), "--socket", socket_, "status", "--json"}, host_.netns, Millis(3000));
  if (outcome.exit_code != 0) return std::nullopt;
  boost::system::error_code error;
  json::value value = json::parse(outcome.output, error);
  if (error) throw std::runtime_error("`tandem status --json` is not JSON: " + outcome.output);
  return value;
}

std::string Agent::field(const std::string& pointer, const std::string& pair) {
  return fields({pointer}, pair);
}

long Agent::of_process(const std::string& name, int base) const {
  std::istringstream lines(read_file("/proc/" + std::to_string(pid()) + "/status"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + ":")) return std::stol(line.substr(name.size() + 1), nullptr, base);
  }
  return -1;
}

std::string Agent::fields(const std::vector<std::string>& pointers, const std::string& pair) {
  const auto whole = status();
  if (!whole) return "-";
  boost::system::error_code error;
  const json::value* const pairs = whole->find_pointer("/pairs", error);
  if (pairs == nullptr || !pairs->is_array()) return "-";
  for (const auto& candidate : pairs->get_array()) {
    const json::value* const name = candidate.find_pointer("/name", error);
    if (name == nullptr || text_of(*name) != pair) continue;
    std::string texts;
    for (const auto& pointer : pointers) {
      const json::value* const found = candidate.find_pointer(pointer, error);
      texts += (texts.empty() ? "" : " ") + (found == nullptr ? "-" : text_of(*found));
    }
    return texts;
  }
  return "-";
}

// TANDEM_TANDEMD: the agent of another build, one with sanitizers.
std::string tandemd_path() {
  const char* other = std::getenv("TANDEM_TANDEMD");
  return other == nullptr ? TANDEM_BINARY_DIR "/tandemd" : other;
}
std::string tandem_path() {
  return TANDEM_BINARY_DIR "/tandem";
}

}  // namespace support
