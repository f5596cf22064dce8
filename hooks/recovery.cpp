// See recovery.hpp. Every step is entered by enter(), which keeps the journal first: what is done
// twice after a crash (a stop, a look, a fetch) may be done twice; a placed file is not fetched
// again unless no server comes up with it.
#include "hooks/recovery.hpp"

#include <array>
#include <utility>

namespace hooks {

using health::Health;
using health::TimePoint;

namespace {

constexpr auto kStopAgain = std::chrono::seconds(1);
// With one fetched file; then another is fetched.
constexpr int kStartsOfOneFile = 3;
constexpr int kDeathsAllowed = 3;

constexpr std::array<std::pair<RecoveryStep, std::string_view>, 6> kNames = {{
    {RecoveryStep::stop, "stop"},
    {RecoveryStep::look, "look"},
    {RecoveryStep::fetch, "fetch"},
    {RecoveryStep::start, "start"},
    {RecoveryStep::load, "load"},
    {RecoveryStep::sync, "sync"},
}};

std::string seconds(health::Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

std::string resync_words(const std::optional<SyncCounts>& before,
                         const std::optional<SyncCounts>& after) {
  if (!before || !after) return "";
  if (after->full > before->full) return "; the leader sent its whole dataset (full resync)";
  if (after->partial > before->partial) {
    return "; the leader sent only what was missing (partial resync)";
  }
  return "";
}

}  // namespace

std::string_view to_string(RecoveryStep step) {
  for (const auto& [one, name] : kNames) {
    if (one == step) return name;
  }
  return "unknown";
}

std::optional<RecoveryStep> parse_recovery_step(std::string_view text) {
  for (const auto& [step, name] : kNames) {
    if (name == text) return step;
  }
  return std::nullopt;
}

std::string_view to_string(RecoveryOutcome outcome) {
  switch (outcome) {
    case RecoveryOutcome::done: return "done";
    case RecoveryOutcome::failed: return "failed";
    case RecoveryOutcome::abandoned: return "abandoned";
  }
  return "unknown";
}

RecoveryEffects Recovery::step(TimePoint now, const RecoveryInput& input) {
  std::visit([&](const auto& one) { on(now, one); }, input);
  return std::exchange(effects_, {});
}

bool Recovery::server_is_down() const {
  return health_ == Health::unknown || health_ == Health::dead || health_ == Health::unreachable;
}

void Recovery::on(TimePoint now, const RecoveryBegin& begin) {
  if (running_) return;
  if (begin.journal) journal_ = *begin.journal;
  running_ = true;
  giving_back_ = role_seen_ = counting_ = false;
  deaths_ = 0;
  before_.reset();
  const bool hung = health_ == Health::hung;
  if (!server_is_down() && !hung) return began_to_live(now);
  if (journal_.placed && journal_.starts >= kStartsOfOneFile) {
    emit(RecoverySay{true, "no server came up with the dataset that was fetched: another is"});
    journal_ = RecoveryJournal{.copy = std::move(journal_.copy)};
  }
  if (rules_.copy && !journal_.placed) return enter(now, RecoveryStep::stop);
  if (!hung) return enter(now, RecoveryStep::start);
  if (rules_.can_stop) return enter(now, RecoveryStep::stop);
  fail("the local server hangs, and there is no stop command to end it");
}

void Recovery::enter(TimePoint now, RecoveryStep step) {
  journal_.step = step;
  if (step == RecoveryStep::start) ++journal_.starts;
  if (!giving_back_) emit(KeepJournal{journal_});
  deadline_.reset();
  awaiting_ = true;
  switch (step) {
    case RecoveryStep::stop:
      stop_until_ = now + rules_.stop_timeout;
      deadline_ = stop_until_;
      return ask_to_stop();
    case RecoveryStep::look: return emit(InspectFiles{});
    case RecoveryStep::fetch: return emit(FetchDataset{journal_.copy});
    case RecoveryStep::start:
      deadline_ = now + rules_.start_timeout;
      emit(CountSyncs{});
      return emit(RunStart{});
    case RecoveryStep::load:
      awaiting_ = false;
      if (server_is_down()) deadline_ = now + rules_.start_timeout;
      return;
    case RecoveryStep::sync: awaiting_ = false; return look_at_the_link();
  }
}

void Recovery::ask_to_stop() {
  if (rules_.can_stop) return emit(RunStop{});
  emit(ProbeServer{});
}

void Recovery::on(TimePoint now, const RecoveryAnswer& answer) {
  if (!running_ || !awaiting_) return;
  const bool good = answer.problem.empty();
  switch (journal_.step) {
    case RecoveryStep::stop:
      if (!good) return fail("the stop command failed: " + answer.problem);
      return emit(ProbeServer{});
    case RecoveryStep::look:
    case RecoveryStep::fetch:
      if (!good) return fail(answer.problem);
      if (!answer.words.empty()) emit(RecoverySay{false, answer.words});
      if (journal_.step == RecoveryStep::look) return enter(now, RecoveryStep::fetch);
      journal_.placed = true;
      journal_.copy = answer.copy;
      journal_.starts = 0;
      return enter(now, RecoveryStep::start);
    case RecoveryStep::start:
      if (giving_back_) return end(RecoveryOutcome::abandoned, abandoned_because_);
      if (!good) return fail("the start command failed: " + answer.problem);
      return enter(now, RecoveryStep::load);
    case RecoveryStep::load:
    case RecoveryStep::sync: return;
  }
}

// SIGTERM is refused while the AOF is rewritten after a full synchronisation, and a supervisor may
// be quicker than its own stop: so the server is asked again until it is gone.
void Recovery::on(TimePoint now, const ServerProbed& probed) {
  if (!running_ || journal_.step != RecoveryStep::stop || !awaiting_) return;
  if (probed.down) return enter(now, rules_.copy ? RecoveryStep::look : RecoveryStep::start);
  if (now + kStopAgain < stop_until_) {
    deadline_ = now + kStopAgain;
    return;
  }
  fail("the local server does not stop: " + seconds(rules_.stop_timeout) +
       " after it was told to, " + probed.what);
}

void Recovery::on(TimePoint now, const LocalSeen& seen) {
  const Health before = std::exchange(health_, seen.health);
  facts_ = seen.facts;
  if (!running_) {
    // It came up without our help: nothing is left to be done.
    if (health_ == Health::up && journal_ != RecoveryJournal{}) {
      journal_ = {};
      emit(DropJournal{});
    }
    return;
  }
  const bool alive = !server_is_down() && health_ != Health::hung;
  switch (journal_.step) {
    case RecoveryStep::stop: return;
    case RecoveryStep::look:
    case RecoveryStep::fetch:
      if (!alive || before == health_) return;
      return fail(
          "somebody started the local server while its dataset was to be replaced; "
          "nothing was replaced");
    case RecoveryStep::start:
    case RecoveryStep::load:
      if (alive) return began_to_live(now);
      break;
    case RecoveryStep::sync:
      if (alive) return look_at_the_link();
      break;
  }
  if (journal_.step == RecoveryStep::start || before == health_ || !server_is_down()) return;
  if (before == Health::unknown) return;
  if (++deaths_ >= kDeathsAllowed) {
    return fail("the local server died " + std::to_string(deaths_) +
                " times after its start; its log says why");
  }
  role_seen_ = false;
  enter(now, RecoveryStep::load);
}

void Recovery::began_to_live(TimePoint now) {
  if (giving_back_) return end(RecoveryOutcome::abandoned, abandoned_because_);
  if (health_ == Health::loading) {
    if (journal_.step != RecoveryStep::load) enter(now, RecoveryStep::load);
    deadline_.reset();
    return;
  }
  if (journal_.step != RecoveryStep::sync) enter(now, RecoveryStep::sync);
}

void Recovery::look_at_the_link() {
  if (!facts_ || health_ == Health::loading || counting_) return;
  // The first role counts: to keep its data the rulebook makes it a master for a while.
  if (!std::exchange(role_seen_, true) && facts_->role == health::Role::master) {
    emit(RecoverySay{true,
                     "the local server came up as a master: it does not start in quarantine, see "
                     "the drop-in redis-server.service.d/tandem.conf"});
  }
  const bool linked = facts_->role == health::Role::replica && facts_->link_up &&
                      !facts_->sync_in_progress && !facts_->loading;
  if (!linked) return;
  counting_ = true;
  emit(CountSyncs{});
}

void Recovery::on(TimePoint /*now*/, const SyncsCounted& counted) {
  if (!running_) return;
  if (!counting_) {
    before_ = counted.counts;
    return;
  }
  std::string words = "the local server is a replica with its link up";
  words += resync_words(before_, counted.counts);
  end(RecoveryOutcome::done, std::move(words));
}

// What we stopped is not left lying: it comes back with what it has, and only as a replica.
void Recovery::on(TimePoint now, const RecoveryAbandon& abandon) {
  if (giving_back_) return;
  const RecoveryStep step = journal_.step;
  const bool before_start =
      step == RecoveryStep::stop || step == RecoveryStep::look || step == RecoveryStep::fetch;
  if (!before_start || !(running_ || server_is_down())) {
    return end(RecoveryOutcome::abandoned, abandon.why);
  }
  if (running_) emit(CancelWork{});
  running_ = true;
  role_seen_ = false;
  deaths_ = 0;
  abandoned_because_ = abandon.why;
  if (step == RecoveryStep::stop && !rules_.can_stop) {
    return end(RecoveryOutcome::abandoned, abandon.why);
  }
  giving_back_ = true;
  enter(now, RecoveryStep::start);
}

void Recovery::on(TimePoint now, const RecoveryTick& /*tick*/) {
  if (!running_ || !deadline_ || now < *deadline_) return;
  deadline_.reset();
  switch (journal_.step) {
    case RecoveryStep::stop:
      if (now < stop_until_) {
        emit(RecoverySay{false, "the local server still answers: it is told to stop again"});
        deadline_ = stop_until_;
        return ask_to_stop();
      }
      emit(CancelWork{});
      return fail("the stop command has not ended within " + seconds(rules_.stop_timeout));
    case RecoveryStep::start:
    case RecoveryStep::load:
      if (giving_back_) return end(RecoveryOutcome::abandoned, abandoned_because_);
      return fail("the local server has not come up within " + seconds(rules_.start_timeout) +
                  " of its start command; its log says why");
    default: return;
  }
}

void Recovery::fail(const std::string& why) {
  running_ = awaiting_ = false;
  deadline_.reset();
  // Kept: an agent that starts now goes on with it.
  emit(KeepJournal{journal_});
  emit(RecoveryEnd{RecoveryOutcome::failed, why});
}

void Recovery::end(RecoveryOutcome outcome, std::string words) {
  running_ = awaiting_ = giving_back_ = false;
  deadline_.reset();
  journal_ = {};
  emit(DropJournal{});
  emit(RecoveryEnd{outcome, std::move(words)});
}

}  // namespace hooks
