// See veto_script.hpp.
#include "hooks/io/veto_script.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstring>
#include <utility>

#include "hooks/io/process_runner.hpp"
#include "hooks/io/script_check.hpp"
#include "hooks/output_lines.hpp"

namespace hooks::io {
namespace {

// The answer waits for the script's end; one that ignores SIGTERM has had its time.
constexpr ProcessLimits kLimits{.max_output_bytes = 4096,
                                .kill_grace = std::chrono::milliseconds(100)};

std::string in_seconds(std::chrono::nanoseconds duration) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.3f s",
                std::chrono::duration<double>(duration).count());
  return text.data();
}

}  // namespace

struct VetoScript::Impl : std::enable_shared_from_this<VetoScript::Impl> {
  Impl(boost::asio::any_io_executor with, NotifyConfig settings, Notifier::Log sink, Count counts)
      : executor(std::move(with)),
        config(std::move(settings)),
        log(std::move(sink)),
        count(std::move(counts)) {}

  struct Open {
    HookRun run;
    std::string label;
    Answered answered;
    std::string first_line;
  };

  std::optional<Refusal> refusal(const HookRun& run) {
    return refuse_command(run.argv.front(), runner->identity_of(run.user, run.group));
  }

  void ask(Question question, const NotifyEvent& event, Answered answered);
  void finished(const ProcessResult& result);
  void answer(Verdict verdict, std::string why);

  boost::asio::any_io_executor executor;
  NotifyConfig config;
  Notifier::Log log;
  Count count;
  std::unique_ptr<ProcessRunner> runner;
  std::optional<Open> open;
  std::uint64_t number = 0;
};

VetoScript::VetoScript(boost::asio::any_io_executor executor, NotifyConfig config,
                       Notifier::Log log, Count count)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(config), std::move(log),
                                   std::move(count))) {
  impl_->runner = std::make_unique<ProcessRunner>(impl_->executor, kLimits);
  // Asked now: no promotion waits for a directory service.
  if (!impl_->config.pre_promote.empty() || !impl_->config.pre_demote.empty()) {
    impl_->runner->identity_of(impl_->config.user, impl_->config.group);
  }
}

VetoScript::~VetoScript() {
  impl_->runner.reset();
  impl_->open.reset();
}

void VetoScript::ask(Question question, const NotifyEvent& event, Answered answered) {
  impl_->ask(question, event, std::move(answered));
}

void VetoScript::Impl::ask(Question question, const NotifyEvent& event, Answered answered) {
  if (runner->busy()) runner = std::make_unique<ProcessRunner>(executor, kLimits);
  ++number;
  open.reset();
  const auto later = [weak = weak_from_this(), asked = number](auto then) {
    return [weak, asked, then](const auto&... arguments) {
      const auto self = weak.lock();
      if (self && self->open && self->number == asked) then(*self, arguments...);
    };
  };
  auto run = veto_run(config, question, event);
  std::string label = "pair " + event.pair + ", " + std::string(to_word(question)) + ": ";
  open = Open{run.value_or(HookRun{}), label + (run ? run->argv.front() : ""), std::move(answered),
              ""};
  if (!run) {
    return boost::asio::post(executor, later([](Impl& self) {
                               const auto tell = std::move(self.open->answered);
                               self.open.reset();
                               tell(Verdict::consent, "");
                             }));
  }
  if (const auto refused = refusal(*run)) {
    if (count) count(HookResult::not_run, std::nullopt);
    return boost::asio::post(executor, later([why = refused->why](Impl& self) {
                               self.answer(Verdict::silence, "was not run: " + why);
                             }));
  }
  runner->run(*run, later([](Impl& self, std::string_view line) {
    std::string said = printable(line);
    self.log(HookSeverity::info, self.open->label + " says: " + said);
    if (self.open->first_line.empty()) self.open->first_line = std::move(said);
  }),
              later([](Impl& self, const ProcessResult& result) { self.finished(result); }));
}

void VetoScript::Impl::finished(const ProcessResult& result) {
  const auto counted = [&](HookResult how) {
    if (count) count(how, result.failure.empty() ? std::optional(result.took) : std::nullopt);
  };
  if (!result.failure.empty()) {
    counted(HookResult::not_run);
    return answer(Verdict::silence, "did not run: " + result.failure);
  }
  if (result.timed_out) {
    counted(HookResult::timeout);
    return answer(Verdict::silence, "did not end within " + in_seconds(open->run.timeout));
  }
  if (result.signal != 0) {
    counted(HookResult::failure);
    const std::string words = "was ended by signal " + std::to_string(result.signal);
    return answer(Verdict::silence, words + " (" + strsignal(result.signal) + ")");
  }
  counted(HookResult::success);
  if (result.exit_code == 0) {
    log(HookSeverity::info, open->label + " consents after " + in_seconds(result.took));
    return answer(Verdict::consent, "");
  }
  const std::string& line = open->first_line;
  answer(Verdict::veto, line.empty() ? "exit code " + std::to_string(result.exit_code) : line);
}

// The answer as it is told; the question is closed, and what belonged to it is gone: `why` is a
// copy.
void VetoScript::Impl::answer(Verdict verdict, std::string why) {
  const Open closed = std::move(*open);
  open.reset();
  if (verdict == Verdict::silence) {
    std::string sentence = closed.label + " gave no answer: it " + why + "; that counts as ";
    sentence += config.silence_is_veto ? "a veto (pre_overrun)" : "consent (pre_overrun)";
    log(HookSeverity::warning, sentence);
  } else if (verdict == Verdict::veto) {
    log(HookSeverity::info, closed.label + " objects: " + why);
  }
  closed.answered(verdict, verdict == Verdict::silence ? "it " + why : std::move(why));
}

}  // namespace hooks::io
