// Starts and ends the child. It dies with its parent (PR_SET_PDEATHSIG), also when the parent
// crashes.
#include "tests/health/redis_process.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace health {
namespace {

constexpr const char* kPortWord = "PORT";
constexpr const char* kProgram = "/usr/bin/redis-server";

std::uint16_t free_port() {
  using boost::asio::ip::tcp;
  boost::asio::io_context loop;
  return tcp::acceptor(loop, tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0))
      .local_endpoint()
      .port();
}

std::string new_directory() {
  std::string pattern = testing::TempDir() + "tandem_redis." + std::string(6, 'X');
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no directory for the server");
  return pattern;
}

}  // namespace

RedisProcess::RedisProcess(std::vector<std::string> options, std::vector<std::string> first)
    : options_(std::move(options)),
      first_(std::move(first)),
      directory_(new_directory()),
      port_(free_port()) {
  start();
}

RedisProcess::~RedisProcess() {
  kill();
  remove_directory();
}

bool RedisProcess::is_installed() {
  return access(kProgram, X_OK) == 0;
}

io::ServerAddress RedisProcess::address() const {
  return {.host = "127.0.0.1", .port = port_, .unix_path = {}, .tls = nullptr};
}

void RedisProcess::start() {
  std::vector<std::string> words{kProgram};
  words.insert(words.end(), first_.begin(), first_.end());
  const bool sentinel = !first_.empty();  // which refuses the options of data
  for (const std::string& word :
       std::vector<std::string>{"--port", std::to_string(port_), "--bind", "127.0.0.1", "--dir",
                                directory_, "--logfile", directory_ + "/log"}) {
    words.push_back(word);
  }
  if (!sentinel) words.insert(words.end(), {"--save", ""});
  for (const std::string& option : options_) {
    words.push_back(option == kPortWord ? std::to_string(port_) : option);
  }
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  pid_ = fork();
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execv(kProgram, arguments.data());
  _exit(127);
}

void RedisProcess::send_signal(int signal) const {
  if (pid_ > 0) ::kill(pid_, signal);
}

void RedisProcess::kill() {
  if (pid_ <= 0) return;
  send_signal(SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisProcess::remove_directory() const {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace health
