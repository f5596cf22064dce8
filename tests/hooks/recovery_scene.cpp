// See recovery_scene.hpp.
#include "tests/hooks/recovery_scene.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "tests/hooks/fetching.hpp"

namespace hooks::testing {
namespace {

using namespace std::chrono_literals;

health::io::WatchEvents events(std::function<void()> seen) {
  return {[seen](const auto&) { seen(); }, [seen](const auto&) { seen(); }, {}};
}

}  // namespace

RecoveryScene::RecoveryScene(const std::string& more)
    : port_(free_port()), disk_(std::make_unique<boost::asio::thread_pool>(1)) {
  const std::string data_dir = directory_.make_directory("data", 0700);
  const std::string state = directory_.make_directory("state", 0700);
  const std::string password = LiveServer::kPassword;
  const std::string config = directory_.write(
      "redis.conf", "port " + std::to_string(port_) + "\nbind 127.0.0.1\ndir " + data_dir +
                        "\nlogfile " + directory_.path("redis.log") + "\npidfile " +
                        directory_.path("redis.pid") + "\nsave 3600 1\nrequirepass " + password +
                        "\nmasterauth " + password + "\n" + more + "\n");
  const std::string port = std::to_string(port_);
  const std::string master = std::to_string(leader.endpoint().port);
  settings.start = {directory_.script(
      "start", "exec redis-server " + config + " --daemonize yes --replicaof 127.0.0.1 " + master)};
  settings.stop = {directory_.script(
      "stop", "redis-cli -p " + port + " -a " + password + " shutdown nosave 2>/dev/null; exit 0")};
  settings.pair = "redis";
  settings.rules = {.copy = true, .can_stop = true, .stop_timeout = 10s, .start_timeout = 10s};
  settings.local = {"127.0.0.1", port_, {}};
  settings.leader = {"127.0.0.1", leader.endpoint().port, {}};
  settings.leader_password = password;
  settings.journal = state + "/redis.recovery.json";
  settings.notes = state + "/redis.server.json";
  const health::MonitorConfig monitor{.ping_interval = 20ms, .info_interval = 50ms};
  const health::io::Credentials login{{}, password};
  local_ = std::make_unique<health::io::RedisWatch>(loop_.get_executor(), settings.local, login,
                                                    monitor, events([this] { tell(); }));
  leader_watch_ = std::make_unique<health::io::RedisWatch>(loop_.get_executor(), settings.leader,
                                                           login, monitor, events([] {}));
  make_runner();
  local_->start();
  leader_watch_->start();
}

RecoveryScene::~RecoveryScene() {
  runner_.reset();
  disk_->join();
  kill_local();
}

void RecoveryScene::make_runner() {
  runner_ = std::make_unique<io::RecoveryRunner>(
      loop_.get_executor(), disk_->get_executor(), settings,
      io::RecoveryRunner::Events{
          [this](bool, const std::string& text) { said_.push_back(text); },
          [this](RecoveryOutcome outcome, const std::string& words) {
            ended_ = std::string(to_string(outcome)) + ": " + words;
          },
          [this](const auto& words, auto reply) { local_->command(words, std::move(reply)); },
          [this](const auto& words, auto reply) {
            leader_watch_->command(words, std::move(reply));
          }});
  tell();
}

void RecoveryScene::tell() {
  if (!runner_) return;
  const auto& seen = local_->snapshot();
  runner_->local_seen(seen.health, seen.facts_at ? std::optional(seen.facts) : std::nullopt);
}

void RecoveryScene::run_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  loop_.restart();
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("it never came true");
    loop_.run_one_for(20ms);
  }
}

void RecoveryScene::settle_and_stop() {
  for (int i = 0; i < 100; ++i) leader.ask({"SET", "key:" + std::to_string(i), "value"});
  if (std::system(settings.start.front().c_str()) != 0) throw std::runtime_error("no start");
  run_until([&] {
    const auto& seen = local_->snapshot();
    return seen.health == health::Health::up && seen.facts.link_up &&
           !seen.facts.sync_in_progress && seen.facts.keys == leader.facts().keys &&
           std::filesystem::exists(settings.notes);
  });
  Client("127.0.0.1", port_).ask({"SAVE"});
  run_until([&] {
    // Refused while the AOF is rewritten after the synchronisation.
    if (local_answers()) Client("127.0.0.1", port_).ask({"SHUTDOWN", "NOSAVE"});
    return local_->snapshot().health == health::Health::dead;
  });
}

void RecoveryScene::write_later(int count) const {
  Client client = leader.connect();
  for (int i = 0; i < count; ++i) client.ask({"SET", "later:" + std::to_string(i), "value"});
}

int RecoveryScene::finds_later(int count) const {
  Client client("127.0.0.1", port_);
  int found = 0;
  for (int i = 0; i < count; ++i) {
    const auto reply = client.ask({"GET", "later:" + std::to_string(i)});
    if (reply.type == health::Reply::Type::error) return -1;
    if (reply.text == "value") ++found;
  }
  return found;
}

std::int64_t RecoveryScene::local_keys() const {
  return Client("127.0.0.1", port_).ask({"DBSIZE"}).integer;
}

bool RecoveryScene::local_answers() const {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool answers = connect(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(probe);
  return answers;
}

void RecoveryScene::kill_local() const {
  const std::string pid = directory_.read("redis.pid");
  if (!pid.empty() && local_answers()) ::kill(std::stoi(pid), SIGKILL);
}

std::string RecoveryScene::recover() {
  ended_.clear();
  runner_->start();
  run_until([&] { return !ended_.empty(); });
  return ended_;
}

void RecoveryScene::die_at(RecoveryStep step) {
  ended_.clear();
  runner_->start();
  run_until([&] {
    const auto status = runner_->status();
    return !ended_.empty() || (status.running && status.step == step);
  });
  runner_.reset();
  disk_->join();
  disk_ = std::make_unique<boost::asio::thread_pool>(1);
}

bool RecoveryScene::journal() const {
  return std::filesystem::exists(settings.journal);
}

bool RecoveryScene::said(const std::string& text) const {
  return everything_said().find(text) != std::string::npos;
}

std::string RecoveryScene::everything_said() const {
  std::string all;
  for (const auto& line : said_) all += line + "\n";
  return all;
}

std::set<std::string> RecoveryScene::files() const {
  return names_in(directory_.path("data"));
}

std::string RecoveryScene::kept(const std::string& name) const {
  std::string newest;
  for (const auto& file : files()) {
    if (file.starts_with(name + ".before-")) newest = data(file);
  }
  return newest;
}

}  // namespace hooks::testing
