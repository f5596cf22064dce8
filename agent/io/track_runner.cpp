// See track_runner.hpp. Every tracker has a timer with absolute times; a script or a reading that
// still lives when its time comes is not begun a second time.
#include "agent/io/track_runner.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "agent/io/config_values.hpp"
#include "agent/io/gateway_probe.hpp"
#include "agent/io/tracked_file.hpp"
#include "hooks/io/process_runner.hpp"
#include "hooks/io/script_check.hpp"
#include "hooks/output_lines.hpp"

namespace agent::io {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using hooks::io::ProcessResult;
using hooks::io::ProcessRunner;

constexpr auto kFilePoll = std::chrono::seconds(1);
constexpr std::size_t kMaxOutput = 8UL * 1024;

std::string ending(const ProcessResult& result, Duration timeout) {
  if (result.timed_out) return "did not end within " + to_text(timeout);
  if (result.signal != 0) {
    return "signal " + std::to_string(result.signal) + " (" + ::strsignal(result.signal) + ")";
  }
  return "exit code " + std::to_string(result.exit_code);
}

hooks::HookRun run_of(const std::string& pair, const TrackScriptConfig& script) {
  return {.argv = script.command,
          .environment = {{"TANDEM_PAIR", pair}, {"TANDEM_TRACK_SCRIPT", script.name}},
          .user = script.user,
          .group = script.group,
          .timeout = script.timeout};
}

// A timer that comes again and again, at times that do not drift.
class Ticker {
 public:
  explicit Ticker(const asio::any_io_executor& executor) : timer_(executor) {}

  // `tick` lives as long as its owner, which the weak pointer stands for.
  void start(std::weak_ptr<void> owner, Duration interval, std::function<void()> tick) {
    next_ = Clock::now();
    arm(std::move(owner), interval, std::move(tick));
  }
  void stop() {
    stopped_ = true;
    timer_.cancel();
  }

 private:
  void arm(std::weak_ptr<void> owner, Duration interval, std::function<void()> tick) {
    if (stopped_) return;
    // After a stall one run is due, not all that were missed.
    next_ = std::max(next_ + interval, Clock::now());
    timer_.expires_at(next_);
    timer_.async_wait([this, owner = std::move(owner), interval,
                       tick = std::move(tick)](const boost::system::error_code& error) {
      const auto alive = owner.lock();
      if (error || !alive) return;
      tick();
      arm(owner, interval, tick);
    });
  }

  asio::steady_timer timer_;
  Clock::time_point next_;
  bool stopped_ = false;
};

}  // namespace

struct TrackRunner::Impl : std::enable_shared_from_this<Impl> {
  struct Script {
    Ticker ticker;
    std::unique_ptr<ProcessRunner> runner;
  };

  Impl(const asio::any_io_executor& with, std::string name, const TrackingConfig& settings,
       vrrp::Priority priority, const vrrp::io::Netlink& links, const InterfaceHub& interface,
       TrackEvents handlers)
      : executor(with),
        pair(std::move(name)),
        config(settings),
        netlink(links),
        hub(interface),
        events(std::move(handlers)),
        tracking(settings, priority),
        deadline(with),
        file_ticker(with),
        gateway_ticker(with) {}

  void start();
  void stop();
  void feed(const TrackingInput& input);
  void perform(const TrackingSeen& seen) { events.seen(seen); }
  void perform(const PriorityMoved& moved) {
    if (events.priority_moved) events.priority_moved(moved.priority);
  }
  void perform(const TrackingSaid& said) {
    events.log(said.warning ? TrackSeverity::warning : TrackSeverity::info, said.text);
  }
  void arm();
  void run_script(std::size_t index);
  void not_run(std::size_t index, int error, const std::string& why);
  void read_files();
  void look_at_interfaces();
  void probe_gateway();
  void on_gateway(const std::string& why);

  const asio::any_io_executor executor;
  const std::string pair;
  const TrackingConfig config;
  const vrrp::io::Netlink& netlink;
  const InterfaceHub& hub;
  const TrackEvents events;
  Tracking tracking;
  asio::steady_timer deadline;
  std::vector<std::unique_ptr<Script>> scripts;
  Ticker file_ticker;
  std::vector<bool> reading;              // by file
  std::optional<asio::thread_pool> disk;  // one thread, when there are files
  Ticker gateway_ticker;
  std::optional<GatewayProbe> gateway;
  bool running = false;
};

TrackRunner::TrackRunner(const asio::any_io_executor& executor, std::string pair,
                         const TrackingConfig& config, vrrp::Priority priority,
                         const vrrp::io::Netlink& netlink, const InterfaceHub& hub,
                         TrackEvents events)
    : impl_(std::make_shared<Impl>(executor, std::move(pair), config, priority, netlink, hub,
                                   std::move(events))) {}

TrackRunner::~TrackRunner() {
  impl_->stop();
}

void TrackRunner::start() {
  impl_->start();
}

void TrackRunner::stop() {
  impl_->stop();
}

void TrackRunner::look_at_interfaces() {
  if (impl_->running) impl_->look_at_interfaces();
}

void TrackRunner::probe_gateway() {
  if (impl_->running) impl_->probe_gateway();
}

std::vector<TrackerSnapshot> TrackRunner::status() const {
  return impl_->tracking.snapshot();
}

vrrp::Priority TrackRunner::priority() const {
  return impl_->tracking.priority();
}

std::vector<std::string> TrackRunner::problems(const TrackingConfig& config) {
  std::vector<std::string> found;
  for (const TrackScriptConfig& script : config.scripts) {
    const std::string label = "track_script[" + script.name + "]: ";
    const auto identity = hooks::io::find_identity(script.user, script.group);
    const auto refused = hooks::io::refuse_command(script.command.front(), identity);
    if (refused) found.push_back(label + refused->why);
  }
  return found;
}

void TrackRunner::Impl::start() {
  running = true;
  feed(TrackingBegun{});
  look_at_interfaces();
  const std::weak_ptr<void> self = weak_from_this();
  for (std::size_t i = 0; i < config.scripts.size(); ++i) {
    const TrackScriptConfig& script = config.scripts[i];
    hooks::io::ProcessLimits limits;
    limits.max_output_bytes = kMaxOutput;
    scripts.push_back(std::make_unique<Script>(
        Script{Ticker(executor), std::make_unique<ProcessRunner>(executor, limits)}));
    // Asked now, so that no run waits for a directory service. Should it fail, each run says so.
    scripts[i]->runner->identity_of(script.user, script.group);
    scripts[i]->ticker.start(self, script.interval, [this, i] { run_script(i); });
    run_script(i);
  }
  if (!config.files.empty()) {
    disk.emplace(1);
    reading.resize(config.files.size());
    file_ticker.start(self, kFilePoll, [this] { read_files(); });
    read_files();
  }
  if (!config.gateway) return;
  gateway.emplace(executor, config.gateway->address, config.gateway->timeout,
                  [weak = weak_from_this()](const std::string& why) {
                    if (const auto alive = weak.lock()) alive->on_gateway(why);
                  });
  gateway_ticker.start(self, config.gateway->interval, [this] { probe_gateway(); });
  probe_gateway();
}

void TrackRunner::Impl::stop() {
  running = false;
  deadline.cancel();
  file_ticker.stop();
  gateway_ticker.stop();
  gateway.reset();
  for (const auto& script : scripts) script->ticker.stop();
  for (const auto& script : scripts) script->runner.reset();
}

void TrackRunner::Impl::feed(const TrackingInput& input) {
  if (!running) return;
  for (const auto& effect : tracking.step(Clock::now(), input)) {
    std::visit([&](const auto& one) { perform(one); }, effect);
  }
  arm();
}

void TrackRunner::Impl::arm() {
  const auto next = tracking.next_deadline();
  deadline.cancel();
  if (!next || !running) return;
  deadline.expires_at(*next);
  deadline.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (self && !error) self->feed(TrackingDeadline{});
  });
}

void TrackRunner::Impl::run_script(std::size_t index) {
  const TrackScriptConfig& script = config.scripts[index];
  ProcessRunner* runner = scripts[index]->runner.get();
  if (!running || runner == nullptr || runner->busy()) return;
  // Judged before every run: the file may have changed since the agent started.
  const auto identity = runner->identity_of(script.user, script.group);
  if (const auto refused = hooks::io::refuse_command(script.command.front(), identity)) {
    return not_run(index, refused->error, refused->why);
  }
  const auto weak = weak_from_this();
  runner->run(
      run_of(pair, script),
      [weak, index](std::string_view line) {
        const auto self = weak.lock();
        if (!self || !self->running) return;
        self->events.log(TrackSeverity::debug, "track_script " + self->config.scripts[index].name +
                                                   " says: " + hooks::printable(line));
      },
      [weak, index](const ProcessResult& result) {
        const auto self = weak.lock();
        if (!self) return;
        if (!result.failure.empty()) return self->not_run(index, result.error, result.failure);
        const Duration timeout = self->config.scripts[index].timeout;
        self->feed(ScriptEnded{index, result.succeeded(), ending(result, timeout)});
      });
}

void TrackRunner::Impl::not_run(std::size_t index, int error, const std::string& why) {
  if (hooks::io::is_shortage(error)) return feed(ScriptNotRun{index, why});
  feed(ScriptEnded{index, false, why});
}

void TrackRunner::Impl::read_files() {
  for (std::size_t i = 0; i < config.files.size(); ++i) {
    if (reading[i]) continue;
    reading[i] = true;
    auto work = [weak = weak_from_this(), loop = executor, i, path = config.files[i].path] {
      FileRead read = read_tracked_file(path);
      read.file = i;
      asio::post(loop, [weak, read = std::move(read)] {
        const auto self = weak.lock();
        if (!self) return;
        self->reading[read.file] = false;
        self->feed(read);
      });
    };
    asio::post(*disk, std::move(work));
  }
}

void TrackRunner::Impl::look_at_interfaces() {
  for (std::size_t i = 0; i < config.interfaces.size(); ++i) {
    const auto link = netlink.link(config.interfaces[i]);
    std::string problem;
    if (!link) {
      problem = "does not exist";
    } else if (!link->up) {
      problem = "is down";
    } else if (!link->carrier) {
      problem = "has no carrier";
    }
    feed(InterfaceSeen{i, std::move(problem)});
  }
}

void TrackRunner::Impl::probe_gateway() {
  if (!gateway) return;
  const auto link = hub.link();
  if (!link || !link->up || !link->carrier) {
    return gateway->fail("interface " + hub.name() + " is not usable");
  }
  gateway->ask(*link, hub.source());
}

void TrackRunner::Impl::on_gateway(const std::string& why) {
  feed(GatewayProbed{why.empty(), why.empty() ? "answers" : why});
  if (running && why.empty()) events.gateway_answered();
}

}  // namespace agent::io
