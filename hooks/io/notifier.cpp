// The queue of one pair's hooks, their log sentences, and the FIFO. What a hook gets is decided in
// hooks/notify.cpp, whether it may run in hooks/script_policy.cpp.
#include "hooks/io/notifier.hpp"

#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "hooks/io/fifo.hpp"
#include "hooks/io/process_runner.hpp"
#include "hooks/io/script_check.hpp"
#include "hooks/output_lines.hpp"

namespace hooks::io {
namespace {

constexpr std::size_t kMaxWaiting = 32;

struct Hook {
  HookRun run;
  std::string pair;
  NotifyState state = NotifyState::backup;

  std::string label() const {
    return "pair " + pair + ", state " + std::string(to_word(state)) + ": " + run.argv.front();
  }
};

std::string in_seconds(std::chrono::nanoseconds duration) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.3f s",
                std::chrono::duration<double>(duration).count());
  return text.data();
}

std::string ending(const HookRun& run, const ProcessResult& result, bool abandoned) {
  if (!result.failure.empty()) return " did not run: " + result.failure;
  const std::string after = " after " + in_seconds(result.took);
  if (abandoned) return " was ended by the agent" + after;
  if (result.timed_out) {
    return " did not end within " + in_seconds(run.timeout) + " and was killed" + after;
  }
  if (result.signal != 0) {
    return " was ended by signal " + std::to_string(result.signal) + " (" +
           strsignal(result.signal) + ")" + after;
  }
  return " ended with exit code " + std::to_string(result.exit_code) + after;
}

HookResult result_of(const ProcessResult& result, bool abandoned) {
  if (!result.failure.empty()) return HookResult::not_run;
  if (abandoned) return HookResult::dropped;
  if (result.timed_out) return HookResult::timeout;
  return result.succeeded() ? HookResult::success : HookResult::failure;
}

}  // namespace

struct Notifier::Impl : std::enable_shared_from_this<Notifier::Impl> {
  Impl(boost::asio::any_io_executor with, NotifyConfig settings, Log sink)
      : executor(std::move(with)),
        config(std::move(settings)),
        log(std::move(sink)),
        runner(executor) {}

  void notify(const NotifyEvent& event);
  void start_next();
  std::optional<Refusal> refusal(const HookRun& run);
  void start(Hook hook);
  void on_finished(const ProcessResult& result);
  void tell_idle();
  bool idle() const { return !running && waiting.empty(); }

  boost::asio::any_io_executor executor;
  NotifyConfig config;
  Log log;
  ProcessRunner runner;
  std::optional<FifoWriter> fifo;
  std::deque<Hook> waiting;
  std::optional<Hook> running;
  bool abandoned = false;  // the running one
  std::vector<std::function<void()>> idle_handlers;
  HookCounters counters;
};

Notifier::Notifier(boost::asio::any_io_executor executor, NotifyConfig config, Log log)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(config), std::move(log))) {
  // Asked now, so that no transition waits for a directory service. Should it fail, each run says
  // so.
  impl_->runner.identity_of(impl_->config.user, impl_->config.group);
}

Notifier::~Notifier() = default;

std::vector<std::string> Notifier::problems(const NotifyConfig& config) {
  std::vector<std::string> found;
  const auto identity = find_identity(config.user, config.group);
  if (const auto* nobody = std::get_if<NoIdentity>(&identity)) {
    found.push_back("notify.user: " + nobody->why);
  } else {
    const std::array<std::pair<const char*, const std::vector<std::string>*>, 7> commands{
        {{"pre_promote", &config.pre_promote},
         {"pre_demote", &config.pre_demote},
         {"master", &config.master},
         {"backup", &config.backup},
         {"fault", &config.fault},
         {"stop", &config.stop},
         {"any", &config.any}}};
    for (const auto& [key, words] : commands) {
      if (words->empty()) continue;
      const auto refused = refuse_command(words->front(), std::get<Identity>(identity));
      if (refused) found.push_back("notify." + std::string(key) + ": " + refused->why);
    }
  }
  if (!config.fifo.empty()) {
    const auto opened = open_notify_fifo(config.fifo);
    if (const auto* problem = std::get_if<std::string>(&opened)) {
      found.push_back("notify.fifo: " + *problem);
    }
  }
  return found;
}

bool Notifier::open_fifo(std::optional<FifoRest> rest) {
  const bool same = rest && rest->path == impl_->config.fifo;
  if (rest && !same && !rest->lines.empty()) {
    impl_->log(HookSeverity::warning, std::to_string(rest->lines.size()) + " line(s) for " +
                                          rest->path +
                                          " are lost: nobody has read them before the end");
  }
  if (impl_->config.fifo.empty()) return true;
  // By its name, not by what `rest` holds: somebody may have made it anew meanwhile.
  auto opened = open_notify_fifo(impl_->config.fifo);
  if (const auto* problem = std::get_if<std::string>(&opened)) {
    impl_->log(HookSeverity::warning, "notify.fifo: " + *problem);
    return false;
  }
  impl_->fifo.emplace(impl_->executor, std::move(std::get<UniqueFd>(opened)), impl_->config.fifo,
                      [log = impl_->log](bool warning, const std::string& text) {
                        log(warning ? HookSeverity::warning : HookSeverity::info, text);
                      });
  if (same) {
    for (std::string& line : rest->lines) impl_->fifo->write(std::move(line));
  }
  return true;
}

std::optional<FifoRest> Notifier::release_fifo() {
  if (!impl_->fifo) return std::nullopt;
  auto rest = impl_->fifo->release();
  impl_->fifo.reset();
  return rest;
}

UniqueFd Notifier::hold_fifo() const {
  return impl_->fifo ? impl_->fifo->hold() : UniqueFd();
}

void Notifier::notify(const NotifyEvent& event) {
  impl_->notify(event);
}

void Notifier::when_idle(std::function<void()> idle) {
  impl_->idle_handlers.push_back(std::move(idle));
  impl_->tell_idle();
}

void Notifier::abandon() {
  for (const auto& hook : impl_->waiting) {
    impl_->log(HookSeverity::warning, hook.label() + " was dropped before it ran");
    impl_->counters.count(HookResult::dropped);
  }
  impl_->waiting.clear();
  impl_->abandoned = impl_->running.has_value();
  impl_->runner.terminate();
}

void Notifier::count(HookResult result, std::optional<std::chrono::nanoseconds> took) {
  impl_->counters.count(result);
  if (took) impl_->counters.durations.observe(*took);
}

const HookCounters& Notifier::counters() const {
  return impl_->counters;
}

void Notifier::Impl::notify(const NotifyEvent& event) {
  for (auto& run : hook_runs(config, event)) {
    waiting.push_back({std::move(run), event.pair, event.state});
    start_next();
    if (waiting.size() <= kMaxWaiting) continue;
    log(HookSeverity::warning, waiting.front().label() +
                                   " was dropped: " + std::to_string(kMaxWaiting) +
                                   " newer hooks wait behind " + running->run.argv.front());
    waiting.pop_front();
    counters.count(HookResult::dropped);
  }
  if (fifo) fifo->write(fifo_line(event));
}

void Notifier::Impl::start_next() {
  while (!running && !waiting.empty()) {
    Hook hook = std::move(waiting.front());
    waiting.pop_front();
    if (const auto refused = refusal(hook.run)) {
      log(HookSeverity::warning, hook.label() + " was not run: " + refused->why);
      counters.count(HookResult::not_run);
    } else {
      start(std::move(hook));
    }
  }
  tell_idle();
}

// Judged before every run: the file may have changed since the agent started.
std::optional<Refusal> Notifier::Impl::refusal(const HookRun& run) {
  return refuse_command(run.argv.front(), runner.identity_of(run.user, run.group));
}

void Notifier::Impl::start(Hook hook) {
  running = std::move(hook);
  abandoned = false;
  const auto weak = weak_from_this();
  runner.run(
      running->run,
      [weak](std::string_view line) {
        const auto self = weak.lock();
        if (!self) return;
        self->log(HookSeverity::info, self->running->label() + " says: " + printable(line));
      },
      [weak](const ProcessResult& result) {
        if (const auto self = weak.lock()) self->on_finished(result);
      });
}

void Notifier::Impl::on_finished(const ProcessResult& result) {
  const Hook ended = std::move(*running);
  running.reset();
  counters.count(result_of(result, abandoned));
  if (result.failure.empty()) counters.durations.observe(result.took);
  log(result.succeeded() && !abandoned ? HookSeverity::info : HookSeverity::warning,
      ended.label() + ending(ended.run, result, abandoned));
  start_next();
}

void Notifier::Impl::tell_idle() {
  if (!idle() || idle_handlers.empty()) return;
  boost::asio::post(executor, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || !self->idle()) return;
    for (const auto& handler : std::exchange(self->idle_handlers, {})) handler();
  });
}

}  // namespace hooks::io
