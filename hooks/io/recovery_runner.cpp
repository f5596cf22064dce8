// See recovery_runner.hpp. What comes late, of work that was cancelled, finds another number of the
// work and is dropped.
#include "hooks/io/recovery_runner.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <utility>

#include "hooks/io/dataset_fetch.hpp"
#include "hooks/io/dataset_look.hpp"
#include "hooks/io/process_runner.hpp"
#include "hooks/io/recovery_disk.hpp"
#include "hooks/io/recovery_journal.hpp"
#include "hooks/io/script_check.hpp"

namespace hooks::io {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr auto kProbePatience = std::chrono::seconds(1);
constexpr auto kProgressLine = std::chrono::seconds(10);
constexpr auto kNotesInterval = std::chrono::seconds(60);

}  // namespace

struct RecoveryRunner::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::any_io_executor loop_in, asio::any_io_executor disk_in, RecoverySettings wanted,
       Events told)
      : loop(std::move(loop_in)),
        disk(std::move(disk_in)),
        settings(std::move(wanted)),
        events(std::move(told)),
        engine(settings.rules),
        notes(disk, settings.notes, events.ask_local),
        commands(loop),
        starter(loop, {.leave_group = true}),
        look(loop, disk),
        fetch(loop, disk),
        timer(loop),
        notes_timer(loop) {
    if (const auto text = read_text(settings.journal)) found = parse_journal(settings.pair, *text);
  }

  void step(const RecoveryInput& input);
  void arm();
  void perform(const RunStop& effect);
  void perform(const ProbeServer& effect);
  void perform(const InspectFiles& effect);
  void perform(const FetchDataset& effect);
  void perform(const CountSyncs& effect);
  void perform(const RunStart& effect);
  void perform(const CancelWork& effect);
  void perform(const KeepJournal& effect);
  void perform(const DropJournal& effect);
  void perform(const RecoverySay& effect);
  void perform(const RecoveryEnd& effect);

  template <typename Answer, typename Work, typename Then>
  void on_disk(Work work, Then then);
  void run(ProcessRunner& runner, const std::vector<std::string>& argv, health::Duration timeout,
           const std::string& name);
  void look_for_savers();
  void progressed(const TransferProgress& progress);
  void refresh_notes();
  void say(bool warning, const std::string& text) const {
    if (events.say) events.say(warning, text);
  }

  asio::any_io_executor loop;
  asio::any_io_executor disk;
  RecoverySettings settings;
  Events events;
  Recovery engine;
  ServerNotes notes;
  ProcessRunner commands;
  ProcessRunner starter;
  DatasetLook look;
  DatasetFetch fetch;
  std::unique_ptr<health::io::RedisConnection> probe;
  asio::steady_timer timer;
  asio::steady_timer notes_timer;
  std::optional<RecoveryJournal> found;  // left by an agent that died
  std::optional<LookedAt> target;
  std::string last_line;
  std::uint64_t work = 0;
  Clock::time_point began;
  Clock::time_point told_progress;
  std::optional<TransferProgress> transfer;
  std::uint64_t ends = 0;
  std::optional<RecoveryOutcome> outcome;
  std::string end_words;
  std::string notes_problem;
  bool local_up = false;
  bool stopped = false;
};

void RecoveryRunner::Impl::step(const RecoveryInput& input) {
  if (stopped) return;
  for (const auto& effect : engine.step(Clock::now(), input)) {
    std::visit([&](const auto& one) { perform(one); }, effect);
  }
  arm();
}

void RecoveryRunner::Impl::arm() {
  const auto deadline = engine.next_deadline();
  if (!deadline) {
    timer.cancel();
    return;
  }
  timer.expires_at(*deadline);
  timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->step(RecoveryTick{});
  });
}

template <typename Answer, typename Work, typename Then>
void RecoveryRunner::Impl::on_disk(Work work_in, Then then) {
  asio::post(disk, [job = std::move(work_in), then = std::move(then), id = work,
                    guard = asio::make_work_guard(loop), weak = weak_from_this()]() mutable {
    Answer answer = job();
    asio::post(guard.get_executor(), [weak = std::move(weak), then = std::move(then), id,
                                      answer = std::move(answer)]() mutable {
      const auto self = weak.lock();
      if (self && !self->stopped && self->work == id) then(*self, std::move(answer));
    });
  });
}

// ---- the steps ---------------------------------------------------------------------------------

// A command that may not be run is as good as one that failed.
void RecoveryRunner::Impl::run(ProcessRunner& runner, const std::vector<std::string>& argv,
                               health::Duration timeout, const std::string& name) {
  if (const auto refused = refuse_command(argv.front(), runner.identity_of(settings.user, ""))) {
    return on_disk<bool>([] { return true; },
                         [why = refused->why](Impl& self, bool) {
                           self.step(RecoveryAnswer{why, {}});
                         });
  }
  HookRun hook;
  hook.argv = argv;
  hook.user = settings.user;
  hook.timeout = timeout;
  hook.environment = {{"TANDEM_PAIR", settings.pair}};
  last_line.clear();
  runner.run(
      hook,
      [this, name](std::string_view line) {
        last_line = std::string(line);
        say(false, name + ": " + last_line);
      },
      [this, id = work, name](const ProcessResult& result) {
        const bool good = result.succeeded();
        if (id == work)
          return step(RecoveryAnswer{good ? "" : failure_words(result, last_line), {}});
        if (!good) say(true, "the " + name + " command: " + failure_words(result, last_line));
      });
}

void RecoveryRunner::Impl::perform(const RunStop& /*effect*/) {
  run(commands, settings.stop, settings.rules.stop_timeout, "stop");
}

void RecoveryRunner::Impl::perform(const RunStart& /*effect*/) {
  ++work;
  // It may wait for the server, which may load for long: the engine watches the server instead.
  run(starter, settings.start, {}, "start");
}

void RecoveryRunner::Impl::perform(const ProbeServer& /*effect*/) {
  // Not from inside the connection's own call, which may be its end.
  const auto answered = [weak = weak_from_this(), id = work](bool refused, std::string what) {
    const auto self = weak.lock();
    if (!self) return;
    asio::post(self->loop, [weak, id, refused, what = std::move(what)] {
      const auto still = weak.lock();
      if (!still || still->work != id || still->stopped) return;
      still->probe.reset();
      if (refused) return still->look_for_savers();
      still->step(ServerProbed{false, what});
    });
  };
  probe = std::make_unique<health::io::RedisConnection>(
      loop, settings.local,
      health::io::RedisConnection::Events{
          [answered] { answered(false, "it still takes connections"); },
          [answered](const health::ConnectFailed& failed) {
            const bool refused = failed.failure == health::ConnectFailure::refused;
            answered(refused, "it still listens: " + failed.detail);
          },
          [](const health::Closed&) {}});
  probe->connect(kProbePatience);
}

void RecoveryRunner::Impl::look_for_savers() {
  std::string directory = settings.rdb_file.empty() ? "" : directory_of(settings.rdb_file);
  if (notes.files()) directory = notes.files()->dir;
  on_disk<std::string>(
      [directory] { return directory.empty() ? std::string() : find_saver(directory); },
      [](Impl& self, const std::string& saver) {
        self.step(ServerProbed{saver.empty(), saver});
      });
}

void RecoveryRunner::Impl::perform(const InspectFiles& /*effect*/) {
  ++work;
  look.start({notes.files(), settings.rdb_file, settings.user, directory_of(settings.journal)},
             [this](const std::variant<LookedAt, std::string>& result) {
               if (const auto* why = std::get_if<std::string>(&result)) {
                 return step(RecoveryAnswer{*why, {}});
               }
               target = std::get<LookedAt>(result);
               std::string words = target->place.words;
               words += "; " + target->version.to_string() + " will load it";
               step(RecoveryAnswer{{}, std::move(words)});
             });
}

void RecoveryRunner::Impl::perform(const FetchDataset& effect) {
  ++work;
  told_progress = Clock::now();
  transfer = TransferProgress{};
  DatasetRequest request;
  request.pair = settings.pair;
  request.place = target->place;
  request.as = target->as;
  request.loaded_by = target->version;
  request.keep = settings.keep;
  request.copy = effect.copy;
  request.budget = settings.copy_timeout;
  request.leader = settings.leader;
  request.user = settings.leader_user;
  request.password = settings.leader_password;
  request.command = settings.copy;
  request.command_user = settings.user;
  fetch.start(std::move(request),
              {[this](const TransferProgress& progress) { progressed(progress); },
               [this](const std::string& line) { say(false, "recovery_command: " + line); },
               [this](bool done, const std::string& words, const std::string& copy) {
                 transfer.reset();
                 step(done ? RecoveryAnswer{{}, words, copy} : RecoveryAnswer{words, {}});
               }});
}

void RecoveryRunner::Impl::progressed(const TransferProgress& progress) {
  transfer = progress;
  if (Clock::now() - told_progress < kProgressLine) return;
  told_progress = Clock::now();
  say(false, progress_words(progress));
}

void RecoveryRunner::Impl::perform(const CountSyncs& /*effect*/) {
  events.ask_leader({"INFO", "stats"}, [weak = weak_from_this()](const health::Reply* reply) {
    const auto self = weak.lock();
    if (!self) return;
    SyncsCounted counted;
    if (reply != nullptr) counted.counts = parse_sync_counts(reply->text);
    // Not from inside the watch's own call.
    asio::post(self->loop, [weak, counted] {
      if (const auto still = weak.lock()) still->step(counted);
    });
  });
}

void RecoveryRunner::Impl::perform(const CancelWork& /*effect*/) {
  ++work;
  probe.reset();
  look.cancel();
  fetch.cancel();
  transfer.reset();
  if (commands.busy()) commands.terminate();
}

void RecoveryRunner::Impl::perform(const KeepJournal& effect) {
  asio::post(disk, [path = settings.journal, text = format_journal(settings.pair, effect.journal)] {
    replace_text(path, text);
  });
}

void RecoveryRunner::Impl::perform(const DropJournal& /*effect*/) {
  found.reset();
  asio::post(disk, [path = settings.journal] { std::remove(path.c_str()); });
}

void RecoveryRunner::Impl::perform(const RecoverySay& effect) {
  say(effect.warning, effect.text);
}

void RecoveryRunner::Impl::perform(const RecoveryEnd& effect) {
  ++work;
  ++ends;
  probe.reset();
  look.cancel();
  fetch.cancel();
  transfer.reset();
  if (commands.busy()) commands.terminate();
  outcome = effect.outcome;
  end_words = effect.words;
  asio::post(loop, [weak = weak_from_this(), effect] {
    const auto self = weak.lock();
    if (self && !self->stopped && self->events.ended) {
      self->events.ended(effect.outcome, effect.words);
    }
  });
}

void RecoveryRunner::Impl::refresh_notes() {
  if (stopped || !local_up) return;
  notes.refresh([weak = weak_from_this()](const std::string& problem) {
    const auto self = weak.lock();
    if (!self || problem == self->notes_problem) return;
    self->notes_problem = problem;
    if (!problem.empty()) self->say(true, problem + "; recovery needs rdb_file then");
  });
  notes_timer.expires_after(kNotesInterval);
  notes_timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->refresh_notes();
  });
}

// ---- the door ----------------------------------------------------------------------------------

RecoveryRunner::RecoveryRunner(asio::any_io_executor loop, asio::any_io_executor disk,
                               RecoverySettings settings, Events events)
    : impl_(std::make_shared<Impl>(std::move(loop), std::move(disk), std::move(settings),
                                   std::move(events))) {}

RecoveryRunner::~RecoveryRunner() {
  stop();
}

bool RecoveryRunner::interrupted() const {
  return impl_->found.has_value();
}

void RecoveryRunner::start() {
  if (impl_->engine.running()) return;
  impl_->began = Clock::now();
  impl_->step(RecoveryBegin{std::exchange(impl_->found, {})});
}

void RecoveryRunner::abandon(const std::string& why) {
  impl_->step(RecoveryAbandon{why});
}

void RecoveryRunner::stop() {
  if (std::exchange(impl_->stopped, true)) return;
  ++impl_->work;
  impl_->probe.reset();
  impl_->look.cancel();
  impl_->fetch.cancel();
  impl_->timer.cancel();
  impl_->notes_timer.cancel();
}

void RecoveryRunner::local_seen(health::Health health,
                                const std::optional<health::ServerFacts>& facts) {
  const bool up = health == health::Health::up;
  if (up && !std::exchange(impl_->local_up, true)) impl_->refresh_notes();
  impl_->local_up = up;
  // Somebody else has finished what an agent left.
  if (up && impl_->found && !impl_->engine.running()) impl_->perform(DropJournal{});
  impl_->step(LocalSeen{health, facts});
}

RecoveryStatus RecoveryRunner::status() const {
  RecoveryStatus status;
  status.running = impl_->engine.running();
  status.step = impl_->engine.at();
  if (status.running) status.for_time = Clock::now() - impl_->began;
  status.transfer = impl_->transfer;
  status.number = impl_->ends;
  status.outcome = impl_->outcome;
  status.words = impl_->end_words;
  return status;
}

}  // namespace hooks::io
