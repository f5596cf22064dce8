// See live_servers.hpp.
#include "tests/hooks/live_servers.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "health/io/redis_connection.hpp"

namespace hooks {
namespace {

using namespace std::chrono_literals;

constexpr const char* kPassword = LiveServer::kPassword;
constexpr const char* kAgent = "tandem";

// The agent's user has the rights that the procedures need, and the tests prove to be enough.
void write_config(const std::string& path, std::uint16_t port, const std::string& directory) {
  std::ofstream file(path);
  file << "port " << port << '\n';
  file << "bind " << LiveServer::kHost << ' ' << LiveServer::kVip << '\n';
  file << "dir " << directory << "\nlogfile redis.log\nsave \"\"\n";
  file << "unixsocket redis.sock\nenable-debug-command local\n";
  file << "repl-diskless-sync-delay 0\nrepl-ping-replica-period 3600\n";
  file << "requirepass " << kPassword << "\nmasterauth " << kPassword << '\n';
  file << "user " << kAgent << " on >" << kPassword << " -@all +ping +info +role"
       << " +replicaof +slaveof +failover +config|get +config|set"
       << " +client|kill +client|pause +client|unpause\n";
}

[[noreturn]] void become_server(const std::string& config) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpgid(0, 0);
  const int null = open("/dev/null", O_RDWR);
  dup2(null, STDOUT_FILENO);
  dup2(null, STDERR_FILENO);
  execlp("redis-server", "redis-server", config.c_str(), nullptr);
  _exit(127);
}

health::Reply convert(const redisReply& reply) {
  health::Reply result;
  switch (reply.type) {
    case REDIS_REPLY_STATUS: result.type = health::Reply::Type::status; break;
    case REDIS_REPLY_ERROR: result.type = health::Reply::Type::error; break;
    case REDIS_REPLY_INTEGER: result.type = health::Reply::Type::integer; break;
    case REDIS_REPLY_STRING: result.type = health::Reply::Type::bulk; break;
    case REDIS_REPLY_ARRAY: result.type = health::Reply::Type::array; break;
    default: break;
  }
  if (reply.str != nullptr) result.text.assign(reply.str, reply.len);
  result.integer = reply.integer;
  for (std::size_t i = 0; i < reply.elements; ++i) {
    result.elements.push_back(convert(*reply.element[i]));
  }
  return result;
}

// The two connections of an agent, and the loop that they live on.
class Agent {
 public:
  Agent(const LiveServer& local, const LiveServer& peer)
      : local_(loop_.get_executor(), address(local), events(local_)),
        peer_(loop_.get_executor(), address(peer), events(peer_)),
        runner_(loop_.get_executor(), [this](Target target, const std::vector<std::string>& words,
                                             io::ProcedureRunner::ReplyHandler handler) {
          (target == Target::local ? local_ : peer_).send(words, std::move(handler));
        }) {}

  io::ProcedureResult perform(std::unique_ptr<Procedure> procedure) {
    local_.connect(10s);
    peer_.connect(10s);
    while (attempts_ > 0 && loop_.run_one() != 0) {
    }
    bool finished = false;
    io::ProcedureResult result;
    runner_.run(std::move(procedure), 20s, [&](const io::ProcedureResult& told) {
      result = told;
      finished = true;
    });
    loop_.restart();
    while (!finished && loop_.run_one() != 0) {
    }
    return result;
  }

 private:
  static health::io::ServerAddress address(const LiveServer& server) {
    return {server.endpoint().host, server.endpoint().port, {}};
  }
  health::io::RedisConnection::Events events(health::io::RedisConnection& connection) {
    return {[this, &connection] {
              --attempts_;
              connection.send({"AUTH", kAgent, kPassword}, [](const auto*) {});
            },
            [this](const auto&) { --attempts_; }, [](const auto&) {}};
  }

  int attempts_ = 2;
  boost::asio::io_context loop_;
  health::io::RedisConnection local_;
  health::io::RedisConnection peer_;
  io::ProcedureRunner runner_;
};

}  // namespace

std::uint16_t free_port() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(listener);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

Client::Client(const std::string& host, std::uint16_t port)
    : context_(redisConnectWithTimeout(host.c_str(), port, {10, 0})) {
  redisSetTimeout(context_.get(), {20, 0});
  ask({"AUTH", kPassword});
}

health::Reply Client::ask(const std::vector<std::string>& words) {
  send(words);
  return receive();
}

void Client::send(const std::vector<std::string>& words) {
  std::vector<const char*> pointers;
  std::vector<std::size_t> lengths;
  for (const std::string& word : words) {
    pointers.push_back(word.data());
    lengths.push_back(word.size());
  }
  redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), pointers.data(),
                         lengths.data());
  for (int written = 0; written == 0;) {
    if (redisBufferWrite(context_.get(), &written) != REDIS_OK) return;
  }
}

health::Reply Client::receive() {
  void* raw = nullptr;
  if (redisGetReply(context_.get(), &raw) != REDIS_OK) return health::Reply::error("closed");
  const std::unique_ptr<void, decltype(&freeReplyObject)> owner(raw, &freeReplyObject);
  return convert(*static_cast<redisReply*>(raw));
}

void Client::Close::operator()(redisContext* context) const {
  redisFree(context);
}

LiveServer::LiveServer() {
  std::string pattern = std::filesystem::temp_directory_path() / "tandem-redis-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
  directory_ = pattern;
  // Another program may take the free port first.
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (start()) return;
    end();
  }
  throw std::runtime_error("redis-server does not start; is it installed?");
}

LiveServer::~LiveServer() {
  end();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

bool LiveServer::start() {
  port_ = free_port();
  const std::string config = directory_ + "/redis.conf";
  write_config(config, port_, directory_);
  pid_ = fork();
  if (pid_ == 0) become_server(config);
  bool exited = false;
  const bool answered = eventually([&] {
    exited = waitpid(pid_, nullptr, WNOHANG) != 0;
    return exited || ask({"PING"}).text == "PONG";
  });
  if (exited) pid_ = -1;
  return answered && !exited;
}

// The group holds the children that save and sync.
void LiveServer::end() {
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

health::ServerFacts LiveServer::facts() const {
  return health::parse_info(ask({"INFO"}).text);
}

std::int64_t LiveServer::info_number(const std::string& field) const {
  const std::string text = ask({"INFO", "everything"}).text;
  const std::size_t at = text.find('\n' + field + ':');
  return at == std::string::npos ? -1 : std::atoll(text.c_str() + at + field.size() + 2);
}

void LiveServer::kill() const {
  ::kill(-pid_, SIGKILL);
}
void LiveServer::hang() const {
  ::kill(-pid_, SIGSTOP);
}

io::ProcedureResult perform(const LiveServer& local, const LiveServer& peer,
                            std::unique_ptr<Procedure> procedure) {
  return Agent(local, peer).perform(std::move(procedure));
}

void link_up(const LiveServer& master, const LiveServer& replica) {
  const auto result = perform(replica, master, make_follow(Target::local, master.endpoint()));
  ASSERT_EQ(result.why, "");
  ASSERT_TRUE(eventually([&] {
    const auto replicas = master.facts().replicas;
    return replica.facts().link_up && !replicas.empty() && replicas[0].online;
  }));
}

}  // namespace hooks
