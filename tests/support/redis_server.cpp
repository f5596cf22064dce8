// See redis_server.hpp.
#include "tests/support/redis_server.hpp"

#include <csignal>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace support {
namespace {

std::string config_text(const RedisOptions& options, const std::filesystem::path& dir) {
  std::ostringstream text;
  text << "port " << options.port << "\nbind 0.0.0.0\nprotected-mode no\ndaemonize no\n"
       << "dir " << dir.string() << "\nappendonly no\nenable-debug-command yes\n"
       << "repl-diskless-sync-delay 0\nrequirepass " << kPassword << "\n";
  if (!options.masterauth.empty()) text << "masterauth " << options.masterauth << "\n";
  if (!options.save) text << "save \"\"\n";
  if (!options.replica_of.empty()) {
    text << "replicaof " << options.replica_of << " " << options.port << "\n";
  }
  if (const std::string& tls = options.tls_dir; !tls.empty()) {
    text << "port 0\ntls-port " << options.port << "\ntls-replication yes\ntls-ca-cert-file " << tls
         << "/ca.crt\ntls-cert-file " << tls << "/server.crt\ntls-key-file " << tls
         << "/server.key\n";
  }
  for (const auto& line : options.more) text << line << "\n";
  return text.str();
}

// What the last ExecStart of a drop-in has behind the configuration file.
Argv quarantine_arguments(const std::filesystem::path& drop_in) {
  std::istringstream lines(read_file(drop_in));
  Argv words;
  for (std::string line; std::getline(lines, line);) {
    static const std::string kKey = "ExecStart=";
    if (!line.starts_with(kKey)) continue;
    std::istringstream rest(line.substr(kKey.size()));
    words.assign(std::istream_iterator<std::string>(rest), {});
  }
  if (words.size() < 3) throw std::runtime_error("no ExecStart in " + drop_in.string());
  return {words.begin() + 2, words.end()};
}

}  // namespace

RedisServer::RedisServer(const Host& host, RedisOptions options)
    : host_(host),
      options_(std::move(options)),
      dir_(host.dir / ("redis-" + std::to_string(options_.port))),
      client_(target(Millis(5000))) {
  std::filesystem::create_directories(dir_);
  write_file(dir_ / "redis.conf", config_text(options_, dir_));
  supervisor_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

RedisServer::~RedisServer() {
  supervisor_.request_stop();
  supervisor_.join();
  kill();
}

void RedisServer::start() {
  const std::lock_guard lock(mutex_);
  launch();
}

void RedisServer::start_and_wait() {
  start();
  const auto answers = eventually("redis-server answers PING", kSoon, [this] {
    const Answer answer = command({"PING"});
    return Seen{answer.ok() && answer.text == "PONG", testing::PrintToString(answer)};
  });
  if (!answers) throw std::runtime_error(answers.message());
}

void RedisServer::kill() {
  const std::lock_guard lock(mutex_);
  if (process_) process_->kill();
}

void RedisServer::freeze() {
  const std::lock_guard lock(mutex_);
  process_->signal(SIGSTOP);
}

void RedisServer::thaw() {
  const std::lock_guard lock(mutex_);
  process_->signal(SIGCONT);
}

void RedisServer::supervise(std::optional<Millis> delay) {
  const std::lock_guard lock(mutex_);
  restart_after_ = delay;
}

Answer RedisServer::command(const std::vector<std::string>& words) {
  Answer answer = client_.command(words);
  // A connection from before a restart says nothing about the server that runs now.
  if (answer.kind == Answer::Kind::silent) answer = client_.command(words);
  return answer;
}

std::map<std::string, std::string> RedisServer::info(const std::string& section) {
  std::map<std::string, std::string> fields;
  const Answer answer = RedisClient(target(Millis(500))).command({"INFO", section});
  if (!answer.ok()) return fields;
  std::istringstream lines(answer.text);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    fields[line.substr(0, colon)] = line.substr(colon + 1, line.find('\r') - colon - 1);
  }
  return fields;
}

std::string RedisServer::role() {
  auto fields = info("everything");
  if (fields.empty()) return "silent";
  if (fields["loading"] == "1") return "loading";
  if (fields["role"] == "master") return "master";
  const bool in_sync =
      fields["master_link_status"] == "up" && fields["master_sync_in_progress"] == "0";
  return "replica of " + fields["master_host"] + (in_sync ? ", in sync" : "");
}

long RedisServer::keys() {
  const Answer answer = command({"DBSIZE"});
  return answer.ok() ? std::stol(answer.text) : -1;
}

void RedisServer::fill(int count) {
  std::vector<std::vector<std::string>> commands;
  commands.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    commands.push_back({"SET", "fill:" + number, number});
  }
  for (const auto& answer : RedisClient(target(kSoon)).pipeline(commands)) {
    if (!answer.ok()) throw std::runtime_error("cannot fill the server: " + answer.text);
  }
}

int RedisServer::missing(int count) {
  std::vector<std::vector<std::string>> commands;
  commands.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) commands.push_back({"GET", "fill:" + std::to_string(i)});
  const auto answers = RedisClient(target(kSoon)).pipeline(commands);
  int lost = 0;
  for (int i = 0; i < count; ++i) {
    const auto& answer = answers[static_cast<std::size_t>(i)];
    if (!answer.ok() || answer.text != std::to_string(i)) ++lost;
  }
  return lost;
}

void RedisServer::launch() {
  Argv argv{"redis-server", (dir_ / "redis.conf").string()};
  if (!options_.quarantine.empty()) {
    const Argv added = quarantine_arguments(options_.quarantine);
    argv.insert(argv.end(), added.begin(), added.end());
  }
  process_ = std::make_unique<Process>(argv, host_.netns, dir_ / "redis.log");
}

// Runs in a thread of its own, which lives as long as the server: children die with the thread that
// started them.
void RedisServer::watch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    wait_a_moment(Millis(10));
    std::optional<Millis> delay;
    {
      const std::lock_guard lock(mutex_);
      if (process_ && restart_after_ && !process_->running()) delay = restart_after_;
    }
    if (!delay) continue;
    wait_a_moment(*delay);
    const std::lock_guard lock(mutex_);
    if (restart_after_ && !process_->running()) launch();
  }
}

RedisClient::Target RedisServer::target(Millis deadline) const {
  return {host_.netns, "127.0.0.1", options_.port, kPassword, deadline, options_.tls_dir};
}

}  // namespace support
