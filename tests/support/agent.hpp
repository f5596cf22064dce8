// tandemd on a host: its configuration, its life, and its own word about itself.
#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/eventually.hpp"
#include "tests/support/lan.hpp"
#include "tests/support/recorder.hpp"

namespace support {

// One [[pair]] of tandem.toml. Empty texts are left out of the file, so that defaults apply.
struct PairOptions {
  std::string name = "redis";
  std::string interface = "eth0";
  int vrid = 51;
  int version = 3;
  std::string auth_pass;
  int priority = 100;
  std::string advert_interval;
  std::string unicast_peer;
  std::string vip = std::string(kVipPrefix);
  std::vector<std::string> further;  // whole lines
  std::string vips;                  // the list as TOML, instead of `vip`
  std::string wait_for_peer = "2s";
  int port = 6379;                     // of both servers
  std::string own_ip;                  // empty: the host's
  std::string peer_ip;                 // empty: the other host's
  std::string notify_words_prefix;     // words before the state in the specific scripts
  const Recorder* specific = nullptr;  // notify.master, backup, fault, stop
  const Recorder* any = nullptr;       // notify.any
  std::string fifo;                    // notify.fifo
  std::string notify_lines;            // further ones of [pair.notify]; HOST_DIR as below
  // Further lines of [[pair]] and tables behind all others; HOST_DIR stands for the host's.
  std::string pair_lines;
  std::string server_lines;  // of [pair.server]
  std::string peer_lines;    // of [pair.peer]
  std::string secret;        // of the peer link; empty: none is configured
  std::string tables;
  std::string agent_lines;  // of [agent], of the first pair
};

class Agent {
 public:
  // Writes the configuration; starts nothing.
  Agent(const Host& host, const Host& peer, const std::vector<PairOptions>& pairs);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  ~Agent();  // what a sanitizer of another build has reported is a failure

  void start(const Argv& wrapper = {});  // wrapper: a command that executes tandemd
  int stop();                            // SIGTERM; exit code
  void kill();
  void signal(int number) const { process_->signal(number); }
  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  bool running() { return process_ && process_->running(); }
  std::optional<int> wait(Millis deadline) { return process_->wait(deadline); }

  // `tandem` with these words.
  Outcome command(const Argv& words);
  // `tandem status --json`; nothing when the agent does not answer.
  std::optional<boost::json::value> status();
  // A field by JSON pointer below the pair: "/vrrp/may_lead"; "-" when there is none. Texts come
  // bare, everything else as JSON.
  std::string field(const std::string& pointer, const std::string& pair = "redis");
  // Several fields of one moment, separated by blanks.
  std::string fields(const std::vector<std::string>& pointers, const std::string& pair = "redis");
  std::string state(const std::string& pair = "redis") { return field("/state", pair); }
  // A field of /proc/PID/status: "VmRSS" in KiB, "CapEff" in hexadecimal digits; -1: it is not
  // there.
  [[nodiscard]] long of_process(const std::string& name, int base = 10) const;

  [[nodiscard]] const std::filesystem::path& config() const { return config_; }
  [[nodiscard]] const std::filesystem::path& log() const { return log_; }
  [[nodiscard]] std::string state_dir() const { return config_.parent_path() / "state"; }

 private:
  Host host_;
  std::filesystem::path config_;
  std::filesystem::path socket_;
  std::filesystem::path log_;
  std::unique_ptr<Process> process_;
};

// The programs under test.
std::string tandemd_path();
std::string tandem_path();

}  // namespace support
