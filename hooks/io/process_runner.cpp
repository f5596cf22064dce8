// Watches one child: its end through a pidfd, its output through a pipe, its time through a timer.
// How it is started is child_process.cpp's matter; there is no SIGCHLD handler.
#include "hooks/io/process_runner.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <csignal>
#include <map>
#include <utility>

#include "hooks/io/child_process.hpp"
#include "hooks/output_lines.hpp"

namespace hooks::io {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxLine = 1024;
constexpr std::size_t kReadSize = 4096;
// Between two adverts the loop reads at most this much from one child.
constexpr int kReadsPerTurn = 16;
// A process that survives SIGKILL this long hangs in the kernel; its hook is given up.
constexpr std::chrono::nanoseconds kUnkillable = std::chrono::seconds(10);

// Waits for a killed child that nobody asks about any more, so that no zombie stays.
void reap_later(const std::shared_ptr<Descriptor>& pidfd) {
  pidfd->async_wait(Descriptor::wait_read, [pidfd](const boost::system::error_code& error) {
    siginfo_t info{};
    if (!error)
      waitid(P_PIDFD, static_cast<id_t>(pidfd->native_handle()), &info, WEXITED | WNOHANG);
  });
}

class Run : public std::enable_shared_from_this<Run> {
 public:
  Run(const asio::any_io_executor& executor, const ProcessLimits& limits, HookRun hook,
      ProcessRunner::LineHandler line, ProcessRunner::ExitHandler finished)
      : limits_(limits),
        hook_(std::move(hook)),
        line_(std::move(line)),
        finished_(std::move(finished)),
        pidfd_(std::make_shared<Descriptor>(executor)),
        output_(executor),
        timer_(executor),
        lines_(kMaxLine, limits.max_output_bytes) {}

  void start(ChildProcess child) {
    child_ = std::move(child);
    started_ = Clock::now();
    pidfd_->assign(child_.pidfd.release());
    output_.assign(child_.output.release());
    wait_for_end();
    wait_for_output();
    if (hook_.timeout > hook_.timeout.zero()) {
      arm(hook_.timeout, [](Run& run) {
        run.result_.timed_out = true;
        run.terminate();
      });
    }
  }

  void terminate() {
    if (ended_ || std::exchange(terminating_, true)) return;
    signal_all(SIGTERM);
    arm(limits_.kill_grace, [](Run& run) {
      run.signal_all(SIGKILL);
      run.arm(kUnkillable, [](Run& hung) { hung.give_up(); });
    });
  }

  // Kills the group; neither lines nor the end are told any more.
  void abandon() {
    if (std::exchange(ended_, true)) return;
    signal_all(SIGKILL);
    timer_.cancel();
    output_.close();
    pidfd_->cancel();
    reap_later(pidfd_);
  }

 private:
  template <typename Then>
  void arm(std::chrono::nanoseconds after, Then then) {
    timer_.expires_after(after);
    timer_.async_wait([weak = weak_from_this(), then](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self && !self->ended_) then(*self);
    });
  }

  void wait_for_end() {
    pidfd_->async_wait(Descriptor::wait_read,
                       [weak = weak_from_this()](const boost::system::error_code& error) {
                         const auto self = weak.lock();
                         if (!error && self && !self->ended_) self->on_end();
                       });
  }

  void wait_for_output() {
    output_.async_wait(Descriptor::wait_read,
                       [weak = weak_from_this()](const boost::system::error_code& error) {
                         const auto self = weak.lock();
                         if (!error && self && !self->ended_) self->on_output();
                       });
  }

  void on_output() {
    if (read_output()) {
      wait_for_output();
    } else if (!ended_) {
      output_.close();
    }
  }

  // Delivers what is there, up to the bound of one turn; false at the end of the output.
  bool read_output() {
    std::array<char, kReadSize> buffer{};
    for (int reads = 0; reads < kReadsPerTurn && output_.is_open(); ++reads) {
      const auto got = read(output_.native_handle(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno == EAGAIN;
      if (got == 0) return false;
      deliver(lines_.take({buffer.data(), static_cast<std::size_t>(got)}));
      if (ended_) return false;
    }
    return output_.is_open();
  }

  void deliver(const std::vector<std::string>& lines) {
    for (const auto& line : lines) {
      if (ended_) return;
      if (line_) line_(line);
    }
  }

  void on_end() {
    // WNOWAIT: as long as the child is a zombie, its number and its group's are no one else's, so
    // the group can be killed safely.
    siginfo_t info{};
    const int waited = waitid(P_PIDFD, pidfd_id(), &info, WEXITED | WNOHANG | WNOWAIT);
    if (waited == 0 && info.si_pid == 0) return wait_for_end();
    if (waited != 0) {
      result_.failure = result_lost(hook_);
    } else if (info.si_code == CLD_EXITED) {
      result_.exit_code = info.si_status;
    } else {
      result_.signal = info.si_status;
    }
    // A pipe holds 64 KiB, one turn's worth: what the child wrote is read, and a grandchild that
    // keeps writing holds nothing up.
    read_output();
    if (ended_) return;
    if (waited == 0) {
      if (!limits_.leave_group || !result_.succeeded()) kill(-child_.pid, SIGKILL);
      waitid(P_PIDFD, pidfd_id(), &info, WEXITED);
      if (auto failure = failure_of(child_, hook_)) note(std::move(*failure));
    }
    finish();
  }

  void note(NotStarted failure) {
    result_.failure = std::move(failure.why);
    result_.error = failure.error;
  }

  void give_up() {
    result_.failure = hook_.argv.front() + " hangs in the kernel and cannot be killed";
    signal_all(SIGKILL);
    pidfd_->cancel();
    reap_later(pidfd_);
    finish();
  }

  void finish() {
    deliver(lines_.end());
    if (std::exchange(ended_, true)) return;
    timer_.cancel();
    output_.close();
    result_.took = Clock::now() - started_;
    finished_(result_);
  }

  // To the group, or to the child itself should it have left its group. Not yet waited for, its
  // number cannot be another's.
  void signal_all(int number) {
    if (kill(-child_.pid, number) != 0) kill(child_.pid, number);
  }

  id_t pidfd_id() { return static_cast<id_t>(pidfd_->native_handle()); }

  ProcessLimits limits_;
  HookRun hook_;
  ProcessRunner::LineHandler line_;
  ProcessRunner::ExitHandler finished_;
  ChildProcess child_;
  std::shared_ptr<Descriptor> pidfd_;
  Descriptor output_;
  asio::steady_timer timer_;
  OutputLines lines_;
  ProcessResult result_;
  Clock::time_point started_;
  bool terminating_ = false;
  bool ended_ = false;
};

}  // namespace

bool is_shortage(int error) {
  return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
}

struct ProcessRunner::Impl : std::enable_shared_from_this<ProcessRunner::Impl> {
  Impl(asio::any_io_executor with, const ProcessLimits& bounds)
      : executor(std::move(with)), limits(bounds) {}

  void run(const HookRun& hook, LineHandler line, ExitHandler finished);
  void fail(NotStarted failure, ExitHandler finished);

  asio::any_io_executor executor;
  ProcessLimits limits;
  std::shared_ptr<Run> running;
  bool failing = false;  // a failure is on its way to `finished`
  std::map<std::pair<std::string, std::string>, Identity> identities;
};

ProcessRunner::ProcessRunner(asio::any_io_executor executor, ProcessLimits limits)
    : impl_(std::make_shared<Impl>(std::move(executor), limits)) {}

ProcessRunner::~ProcessRunner() {
  if (impl_->running) impl_->running->abandon();
}

void ProcessRunner::run(const HookRun& hook, LineHandler line, ExitHandler finished) {
  if (busy()) {
    return asio::post(impl_->executor, [weak = std::weak_ptr(impl_), finished] {
      ProcessResult result;
      result.failure = "another command still runs";
      if (weak.lock()) finished(result);
    });
  }
  const auto identity = identity_of(hook.user, hook.group);
  if (const auto* nobody = std::get_if<NoIdentity>(&identity)) {
    return impl_->fail({nobody->why, nobody->error}, std::move(finished));
  }
  auto child = start_child(hook, std::get<Identity>(identity));
  if (const auto* problem = std::get_if<NotStarted>(&child)) {
    return impl_->fail(*problem, std::move(finished));
  }
  impl_->running = std::make_shared<Run>(
      impl_->executor, impl_->limits, hook, std::move(line),
      [weak = std::weak_ptr(impl_), finished = std::move(finished)](const ProcessResult& result) {
        const auto impl = weak.lock();
        if (!impl) return;
        impl->running.reset();
        finished(result);
      });
  impl_->running->start(std::move(std::get<ChildProcess>(child)));
}

void ProcessRunner::Impl::fail(NotStarted failure, ExitHandler finished) {
  failing = true;
  asio::post(executor, [weak = weak_from_this(), failure = std::move(failure),
                        finished = std::move(finished)] {
    const auto self = weak.lock();
    if (!self) return;
    self->failing = false;
    ProcessResult result;
    result.failure = failure.why;
    result.error = failure.error;
    finished(result);
  });
}

void ProcessRunner::terminate() {
  if (impl_->running) impl_->running->terminate();
}

bool ProcessRunner::busy() const {
  return impl_->running != nullptr || impl_->failing;
}

FoundIdentity ProcessRunner::identity_of(const std::string& user, const std::string& group) {
  const auto known = impl_->identities.find({user, group});
  if (known != impl_->identities.end()) return known->second;
  auto found = find_identity(user, group);
  if (const auto* identity = std::get_if<Identity>(&found)) {
    impl_->identities[{user, group}] = *identity;
  }
  return found;
}

}  // namespace hooks::io
