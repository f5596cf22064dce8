// See watch_command.hpp. Whatever ends it, the terminal is left as it was: its second screen, its
// cursor and its line discipline; also for as long as it is stopped by Ctrl-Z.
#include "agent/io/watch_command.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <optional>
#include <utility>

#include "agent/io/control_client.hpp"
#include "agent/io/steering_commands.hpp"
#include "agent/io/terminal.hpp"
#include "agent/watch_view.hpp"
#include "hooks/io/unique_fd.hpp"

namespace agent::io {
namespace {

using std::chrono::steady_clock;

constexpr int kUsage = 2;
constexpr std::size_t kUsualRows = 24;
constexpr long kPatienceSeconds = 1;

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno != EINTR && errno != EAGAIN) return;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
}

class Terminal {
 public:
  Terminal() : keys_(::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &before_) == 0) {
    enter();
  }
  ~Terminal() { leave(); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void enter() const {
    if (keys_) {
      termios quiet = before_;
      quiet.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
      ::tcsetattr(STDIN_FILENO, TCSADRAIN, &quiet);
    }
    write_all("\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J");
  }
  void leave() const {
    write_all("\x1b[?25h\x1b[?1049l");
    if (keys_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }
  bool has_keys() const { return keys_; }
  static std::size_t rows() {
    winsize size{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
    return known ? size.ws_row : kUsualRows;
  }

 private:
  termios before_{};
  bool keys_;
};

class Signals {
 public:
  Signals() {
    ::sigemptyset(&set_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP}) {
      ::sigaddset(&set_, number);
    }
    ::sigprocmask(SIG_BLOCK, &set_, &before_);
    fd_.reset(::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~Signals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int fd() const { return fd_.get(); }
  int next() const {
    signalfd_siginfo told{};
    const bool one = ::read(fd_.get(), &told, sizeof(told)) == static_cast<ssize_t>(sizeof(told));
    return one ? static_cast<int>(told.ssi_signo) : 0;
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
  hooks::io::UniqueFd fd_;
};

class Watcher {
 public:
  explicit Watcher(const WatchOptions& options, boost::json::object first)
      : options_(options), status_(std::move(first)) {}

  void run() {
    while (!over_) {
      draw();
      const auto next = steady_clock::now() + options_.interval;
      while (!over_ && steady_clock::now() < next) wait_until(next);
      if (!over_) ask();
    }
  }

 private:
  void ask() {
    ControlAnswer answer = ask_agent(options_.socket, {{"command", "status"}}, kPatienceSeconds);
    if (answer.problem.empty()) {
      status_ = std::move(answer.value);
      gone_since_.reset();
      return;
    }
    problem_ = std::move(answer.problem);
    if (!gone_since_) gone_since_ = steady_clock::now();
  }

  void draw() {
    const Screen screen = screen_of_output(options_.colour);
    WatchView view{status_, options_.pair, {}, {}};
    if (gone_since_) {
      view.problem = problem_;
      view.gone_for = steady_clock::now() - *gone_since_;
    }
    write_all(watch_screen(view, screen, Terminal::rows(), scrolled_));
  }

  void wait_until(steady_clock::time_point end) {
    std::array<pollfd, 2> fds{};
    fds[0] = {signals_.fd(), POLLIN, 0};
    fds[1] = {terminal_.has_keys() ? STDIN_FILENO : -1, POLLIN, 0};
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now()).count();
    ::poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
    while (const int number = signals_.next()) take_signal(number);
    if ((fds[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) take_keys();
  }

  void take_signal(int number) {
    if (number == SIGWINCH) return draw();
    if (number != SIGTSTP) {
      over_ = true;
      return;
    }
    terminal_.leave();
    ::raise(SIGSTOP);
    terminal_.enter();
    draw();
  }

  void take_keys() {
    std::array<char, 64> buffer{};
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count <= 0) {
      over_ = count == 0 || errno != EINTR;
      return;
    }
    const std::string_view keys(buffer.data(), static_cast<std::size_t>(count));
    constexpr char kEndOfInput = '\x04';
    if (keys.find_first_of("qQ") != std::string_view::npos ||
        keys.find(kEndOfInput) != std::string_view::npos) {
      over_ = true;
      return;
    }
    if (keys == "j" || keys == "\x1b[B") ++scrolled_;
    if ((keys == "k" || keys == "\x1b[A") && scrolled_ > 0) --scrolled_;
    draw();
  }

  const WatchOptions& options_;
  boost::json::object status_;
  std::string problem_;
  std::optional<steady_clock::time_point> gone_since_;
  std::size_t scrolled_ = 0;
  bool over_ = false;
  Signals signals_;
  Terminal terminal_;
};

}  // namespace

int watch(const WatchOptions& options) {
  if (::isatty(STDOUT_FILENO) != 1) {
    std::cerr << "tandem: watch needs a terminal; tandem status is for pipes and files\n";
    return kUsage;
  }
  ControlAnswer first = ask_agent(options.socket, {{"command", "status"}});
  if (const int code = refused_status(first, options.pair)) return code;
  Watcher(options, std::move(first.value)).run();
  return 0;
}

}  // namespace agent::io
