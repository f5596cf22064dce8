// The loop around a procedure: one step, then its reply or its timer. Decides nothing but when
// time is over.
#include "hooks/io/procedure_runner.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace hooks::io {
namespace {

using Clock = std::chrono::steady_clock;

std::string describe_silence(const Command& command) {
  std::string clause = "the " + std::string(to_string(command.target)) + " server has not answered";
  for (const std::string& word : command.words) clause += ' ' + word;
  return clause;
}

}  // namespace

struct ProcedureRunner::Impl : std::enable_shared_from_this<Impl> {
  using Finished = std::function<void(const ProcedureResult&)>;

  Impl(boost::asio::any_io_executor loop, Sender send)
      : executor(std::move(loop)),
        sender(std::move(send)),
        pause_timer(executor),
        budget_timer(executor) {}

  void run(std::unique_ptr<Procedure> next_procedure, Duration budget, Finished when_finished);
  void stop();
  void start();
  void pump();
  void perform(Step step);
  void send(const std::vector<Command>& commands, bool together);
  void pause(Duration duration);
  void answered(std::uint64_t awaited_step, std::size_t which, const health::Reply* reply);
  void resume(const health::Reply* reply);
  void time_out();
  void finish(ProcedureResult result);
  void deliver(const ProcedureResult& result);
  // Wraps a member call so that it happens only while the same run goes on.
  template <typename Call>
  auto during_this_run(Call call);

  boost::asio::any_io_executor executor;
  Sender sender;
  boost::asio::steady_timer pause_timer;
  boost::asio::steady_timer budget_timer;

  std::unique_ptr<Procedure> procedure;  // set while its steps are performed
  Finished finished;                     // set from run() to delivery
  Clock::time_point started;
  Duration budget{};

  // What was sent last, until all of it is answered.
  struct Sent {
    std::vector<Command> commands;
    Replies replies;
    std::vector<bool> answered;
    bool together = false;  // as Commands

    auto silent() const { return std::find(answered.begin(), answered.end(), false); }
  };
  std::optional<Sent> sent;

  std::uint64_t run_number = 0;
  std::uint64_t step_number = 0;  // never reused, so that a late reply matches nothing
  std::optional<std::uint64_t> awaited;
  std::optional<Step> pending;  // said by the procedure, not yet performed
  bool pumping = false;
};

template <typename Call>
auto ProcedureRunner::Impl::during_this_run(Call call) {
  return [weak = weak_from_this(), number = run_number, call = std::move(call)](auto... error) {
    if ((static_cast<bool>(error) || ...)) return;
    const auto self = weak.lock();
    if (self && self->run_number == number) call(*self);
  };
}

void ProcedureRunner::Impl::run(std::unique_ptr<Procedure> next_procedure, Duration limit,
                                Finished when_finished) {
  stop();
  procedure = std::move(next_procedure);
  finished = std::move(when_finished);
  budget = limit;
  started = Clock::now();
  budget_timer.expires_at(started + budget);
  budget_timer.async_wait(during_this_run([](Impl& self) { self.time_out(); }));
  boost::asio::post(executor, during_this_run([](Impl& self) { self.start(); }));
}

void ProcedureRunner::Impl::stop() {
  ++run_number;
  procedure.reset();
  finished = nullptr;
  awaited.reset();
  pending.reset();
  sent.reset();
  pause_timer.cancel();
  budget_timer.cancel();
}

void ProcedureRunner::Impl::start() {
  if (!procedure) return;
  pending = procedure->begin(Clock::now());
  pump();
}

// A sender may answer from inside its call: resume() then only leaves the next step here, so that
// a long conversation of such answers is a loop and not a recursion.
void ProcedureRunner::Impl::pump() {
  if (pumping) return;
  const auto self = shared_from_this();
  pumping = true;
  while (pending) perform(*std::exchange(pending, std::nullopt));
  pumping = false;
}

void ProcedureRunner::Impl::perform(Step step) {
  if (const auto* command = std::get_if<Command>(&step)) {
    send({*command}, false);
  } else if (const auto* commands = std::get_if<Commands>(&step)) {
    send(commands->all, true);
  } else if (const auto* wait = std::get_if<Pause>(&step)) {
    pause(wait->duration);
  } else if (const auto* failed = std::get_if<Failed>(&step)) {
    finish({.refused = failed->refused, .why = failed->why});
  } else {
    finish({.done = true, .why = {}});
  }
}

void ProcedureRunner::Impl::send(const std::vector<Command>& commands, bool together) {
  const std::uint64_t number = ++step_number;
  awaited = number;
  sent = Sent{commands, Replies(commands.size()), std::vector<bool>(commands.size()), together};
  for (std::size_t i = 0; i < commands.size() && awaited == number; ++i) {
    sender(commands[i].target, commands[i].words,
           [weak = weak_from_this(), number, i](const health::Reply* reply) {
             if (const auto self = weak.lock()) self->answered(number, i, reply);
           });
  }
}

void ProcedureRunner::Impl::answered(std::uint64_t awaited_step, std::size_t which,
                                     const health::Reply* reply) {
  if (awaited != awaited_step) return;
  sent->answered.at(which) = true;
  if (reply != nullptr && sent->together) sent->replies.at(which) = *reply;
  if (sent->silent() != sent->answered.end()) return;
  const Sent whole = std::move(*sent);
  sent.reset();
  if (!whole.together) return resume(reply);
  awaited.reset();
  pending = procedure->next_all(Clock::now(), whole.replies);
  pump();
}

void ProcedureRunner::Impl::pause(Duration duration) {
  awaited = ++step_number;
  pause_timer.expires_after(duration);
  pause_timer.async_wait(during_this_run([number = step_number](Impl& self) {
    if (self.awaited == number) self.resume(nullptr);
  }));
}

void ProcedureRunner::Impl::resume(const health::Reply* reply) {
  awaited.reset();
  pending = procedure->next(Clock::now(), reply);
  pump();
}

void ProcedureRunner::Impl::time_out() {
  if (!procedure) return;
  const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(budget).count();
  std::string why =
      std::string(procedure->name()) + " did not end within " + std::to_string(limit) + " ms";
  if (sent) {
    const auto which = static_cast<std::size_t>(sent->silent() - sent->answered.begin());
    why += ": " + describe_silence(sent->commands.at(which));
  }
  finish({.timed_out = true, .why = std::move(why)});
}

// The result is posted: a reply handler may be called by a connection that is being dropped, from
// deep inside the caller's own work.
void ProcedureRunner::Impl::finish(ProcedureResult result) {
  procedure.reset();
  awaited.reset();
  pending.reset();
  sent.reset();
  pause_timer.cancel();
  budget_timer.cancel();
  result.took = Clock::now() - started;
  boost::asio::post(executor, during_this_run([result = std::move(result)](Impl& self) {
                      self.deliver(result);
                    }));
}

void ProcedureRunner::Impl::deliver(const ProcedureResult& result) {
  const Finished call = std::exchange(finished, nullptr);
  if (call) call(result);
}

ProcedureRunner::ProcedureRunner(boost::asio::any_io_executor executor, Sender sender)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(sender))) {}

ProcedureRunner::~ProcedureRunner() {
  impl_->stop();
}

void ProcedureRunner::run(std::unique_ptr<Procedure> procedure, Duration budget,
                          std::function<void(const ProcedureResult&)> finished) {
  impl_->run(std::move(procedure), budget, std::move(finished));
}

void ProcedureRunner::cancel() {
  impl_->stop();
}

bool ProcedureRunner::busy() const {
  return impl_->finished != nullptr;
}

}  // namespace hooks::io
