// Everything the child needs is prepared before fork(): between fork() and execve() only
// async-signal-safe calls are made, since another thread may hold any lock at that moment. A child
// inherits neither memory locks nor, after sched_setscheduler(), the loop's realtime priority.
#include "hooks/io/child_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <system_error>

namespace hooks::io {
namespace {

// Above every number that the child gives its own descriptors, so that none is overwritten.
constexpr int kFirstParentFd = 16;
constexpr int kReportFd = 3;

enum class Step : std::uint8_t { descriptors, directory, groups, group, user, parent, command };

struct Report {
  Step step = Step::command;
  int error = 0;
};

struct Plan {
  std::vector<std::string> places;
  std::vector<char*> argv;
  std::vector<char*> shell_argv;  // "/bin/sh", the script (set by the child), its arguments
  std::vector<std::string> variables;
  std::vector<char*> envp;
  std::vector<gid_t> groups;
  uid_t uid = 0;
  gid_t gid = 0;
  bool become_other = true;
  bool only_errors = false;
  pid_t parent = 0;
  UniqueFd null;
  UniqueFd output;
  UniqueFd report;
};

// execve() takes char*, but changes nothing.
char* as_argument(const std::string& text) {
  return const_cast<char*>(text.c_str());
}

void prepare(Plan& plan, const HookRun& hook, const Identity& identity) {
  plan.places = places_of(hook.argv.front());
  plan.only_errors = hook.only_errors;
  plan.shell_argv = {const_cast<char*>("/bin/sh"), nullptr};
  for (const auto& word : hook.argv) plan.argv.push_back(as_argument(word));
  plan.shell_argv.insert(plan.shell_argv.end(), plan.argv.begin() + 1, plan.argv.end());
  plan.argv.push_back(nullptr);
  plan.shell_argv.push_back(nullptr);
  plan.variables.push_back("PATH=" + std::string(kScriptPath));
  for (const auto& [name, value] : hook.environment) {
    plan.variables.emplace_back(name).append("=").append(value);
  }
  for (const auto& variable : plan.variables) plan.envp.push_back(as_argument(variable));
  plan.envp.push_back(nullptr);
  plan.groups = identity.groups;
  plan.uid = identity.uid;
  plan.gid = identity.gid;
  // An agent that already runs as that user may not, and need not, change anything.
  plan.become_other = geteuid() == 0 || geteuid() != plan.uid || getegid() != plan.gid;
  plan.parent = getpid();
}

[[noreturn]] void give_up(Step step) noexcept {
  const Report report{step, errno};
  // A lost report leaves exit code 127, as a shell's for a command that cannot run.
  [[maybe_unused]] const auto written = write(kReportFd, &report, sizeof report);
  _exit(127);
}

void reset_signals() noexcept {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  // Fails for SIGKILL, SIGSTOP and those of libc itself, which nobody can have changed.
  for (int number = 1; number <= SIGRTMAX; ++number) sigaction(number, &standard, nullptr);
}

void place_descriptors(const Plan& plan) noexcept {
  if (dup3(plan.report.get(), kReportFd, O_CLOEXEC) < 0 || dup2(plan.null.get(), 0) < 0 ||
      dup2(plan.only_errors ? plan.null.get() : plan.output.get(), 1) < 0 ||
      dup2(plan.output.get(), 2) < 0 || close_range(kReportFd + 1, UINT_MAX, 0) != 0) {
    give_up(Step::descriptors);
  }
}

void drop_privileges(const Plan& plan) noexcept {
  // An agent that holds its capabilities without being root must not hand them on.
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (!plan.become_other) return;
  if (setgroups(plan.groups.size(), plan.groups.data()) != 0) give_up(Step::groups);
  if (setresgid(plan.gid, plan.gid, plan.gid) != 0) give_up(Step::group);
  if (setresuid(plan.uid, plan.uid, plan.uid) != 0) give_up(Step::user);
  // execve() would give root all that the bounding set allows: more than an agent has that was
  // started by hand. See capabilities(7).
  if (plan.uid == 0) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

// SIGTERM when the agent dies, as keepalived's scripts get it: hooks of a pair run one at a time,
// and a hook that outlived its agent would overlap those of the next one. An orderly stop awaits
// its hooks, so this concerns a killed agent only. The kernel means the thread that forked: the
// loop's, which lives as long as the agent. A change of user clears the setting, hence it is last.
void follow_parent(const Plan& plan) noexcept {
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) give_up(Step::parent);
  if (getppid() != plan.parent) _exit(127);
}

// The kernel does not know a text file without "#!"; keepalived hands such a script to the shell.
// A NUL in its first bytes tells a program of another machine from text.
bool is_text(const char* path) noexcept {
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  std::array<char, 256> head;  // NOLINT: filled by read()
  const auto got = read(fd, head.data(), head.size());
  close(fd);
  return got >= 0 && memchr(head.data(), '\0', static_cast<std::size_t>(got)) == nullptr;
}

[[noreturn]] void execute(Plan& plan) noexcept {
  int denied = 0;
  for (const auto& place : plan.places) {
    execve(place.c_str(), plan.argv.data(), plan.envp.data());
    if (errno == ENOEXEC && is_text(place.c_str())) {
      plan.shell_argv[1] = as_argument(place);
      execve(plan.shell_argv[0], plan.shell_argv.data(), plan.envp.data());
      give_up(Step::command);
    }
    if (errno == EACCES) denied = errno;
    if (errno != EACCES && errno != ENOENT && errno != ENOTDIR) give_up(Step::command);
  }
  if (denied != 0) errno = denied;
  give_up(Step::command);
}

// The agent is the last whom a host without memory should kill (OOMScoreAdjust= of its unit); what
// it starts is not. Before the privileges go: the file is the process owner's.
void become_expendable() noexcept {
  const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const auto written = write(fd, "0", 1);
  close(fd);
}

[[noreturn]] void become_command(Plan& plan) noexcept {
  setpgid(0, 0);
  const sched_param ordinary{};
  sched_setscheduler(0, SCHED_OTHER, &ordinary);
  become_expendable();
  reset_signals();
  place_descriptors(plan);
  umask(022);
  if (chdir("/") != 0) give_up(Step::directory);
  drop_privileges(plan);
  follow_parent(plan);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execute(plan);
}

bool open_pipe(UniqueFd& read_end, UniqueFd& write_end) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  read_end.reset(ends[0]);
  const UniqueFd low(ends[1]);
  write_end.reset(fcntl(low.get(), F_DUPFD_CLOEXEC, kFirstParentFd));
  return static_cast<bool>(write_end) && fcntl(read_end.get(), F_SETFL, O_NONBLOCK) == 0;
}

bool open_descriptors(Plan& plan, ChildProcess& child) {
  if (!open_pipe(child.output, plan.output) || !open_pipe(child.report, plan.report)) return false;
  const UniqueFd low(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!low) return false;
  plan.null.reset(fcntl(low.get(), F_DUPFD_CLOEXEC, kFirstParentFd));
  return static_cast<bool>(plan.null);
}

// All signals stay blocked over fork(), so that no handler of the daemon runs in the child.
pid_t fork_quietly(Plan& plan) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) become_command(plan);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

NotStarted not_started(const HookRun& hook, int error) {
  return {hook.argv.front() + " could not be started: " + std::generic_category().message(error),
          error};
}

std::string sentence(const Report& report, const HookRun& hook) {
  const std::string reason = std::generic_category().message(report.error);
  switch (report.step) {
    case Step::descriptors:
      return hook.argv.front() + " could not be given its descriptors: " + reason;
    case Step::directory: return hook.argv.front() + " could not be started in /: " + reason;
    case Step::groups:
    case Step::group:
    case Step::user:
      return hook.argv.front() + " could not be run as user " + hook.user +
             (hook.group.empty() ? "" : " and group " + hook.group) + ": " + reason +
             "; the agent needs CAP_SETUID and CAP_SETGID for that";
    case Step::parent:
    case Step::command: break;
  }
  const char* hint =
      report.error == ENOENT ? " (the file, or the interpreter that its first line names)" : "";
  return not_started(hook, report.error).why + hint;
}

}  // namespace

std::vector<std::string> places_of(const std::string& command) {
  if (command.empty() || command.find('/') != std::string::npos) return {command};
  std::vector<std::string> places;
  for (std::size_t start = 0; start <= kScriptPath.size();) {
    const auto end = std::min(kScriptPath.find(':', start), kScriptPath.size());
    places.push_back(std::string(kScriptPath.substr(start, end - start)) + "/" + command);
    start = end + 1;
  }
  return places;
}

std::variant<ChildProcess, NotStarted> start_child(const HookRun& hook, const Identity& identity) {
  if (hook.argv.empty()) return NotStarted{"there is no command to start"};
  Plan plan;
  ChildProcess child;
  prepare(plan, hook, identity);
  if (!open_descriptors(plan, child)) return not_started(hook, errno);
  child.pid = fork_quietly(plan);
  if (child.pid < 0) return not_started(hook, errno);
  // Also in the child; whoever comes first, the group exists before anything is sent to it. Fails
  // harmlessly once the child has executed its command.
  setpgid(child.pid, child.pid);
  // By number: the pidfd_open() of glibc 2.36 is declared without C linkage.
  child.pidfd.reset(static_cast<int>(syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.pidfd) {
    const int error = errno;
    // It has ended and is no zombie: its number may be somebody else's by now.
    if (error == ESRCH) return NotStarted{result_lost(hook), error};
    kill(-child.pid, SIGKILL);
    waitpid(child.pid, nullptr, 0);
    return not_started(hook, error);
  }
  return child;
}

std::string result_lost(const HookRun& hook) {
  return hook.argv.front() + " was waited for by someone else; its result is lost";
}

std::optional<NotStarted> failure_of(const ChildProcess& child, const HookRun& hook) {
  Report report;
  const auto got = read(child.report.get(), &report, sizeof report);
  if (got != static_cast<ssize_t>(sizeof report)) return std::nullopt;
  return NotStarted{sentence(report, hook), report.error};
}

}  // namespace hooks::io
