// A runner with a loop of its own, the lines its child wrote and how that child ended.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <fstream>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "hooks/io/process_runner.hpp"
#include "tests/hooks/script_directory.hpp"

namespace hooks::io {

// How a child ended, without the time it took.
struct End {
  int exit_code = -1;
  int signal = 0;
  bool timed_out = false;
  std::string failure;
  bool operator==(const End&) const = default;
};

inline void PrintTo(const End& end, std::ostream* out) {
  *out << "exit code " << end.exit_code << ", signal " << end.signal
       << (end.timed_out ? ", timed out" : "") << ", failure '" << end.failure << "'";
}

inline End exited(int code) {
  return {code, 0, false, ""};
}
inline End killed(int signal) {
  return {-1, signal, false, ""};
}
inline End never_started(std::string why) {
  return {-1, 0, false, std::move(why)};
}

class ProcessRunnerTest : public ::testing::Test {
 protected:
  using Lines = std::vector<std::string>;

  HookRun hook(std::vector<std::string> argv, std::chrono::nanoseconds timeout = {}) {
    return {std::move(argv), {}, any_user(), "", timeout};
  }

  void start(const HookRun& hook) {
    lines_.clear();
    end_.reset();
    ends_ = 0;
    runner_.emplace(io_.get_executor(), limits_);
    runner_->run(
        hook, [this](std::string_view line) { lines_.emplace_back(line); },
        [this](const ProcessResult& result) {
          ++ends_;
          end_ = {result.exit_code, result.signal, result.timed_out, result.failure};
        });
  }

  // Runs to the end; what the child wrote is in lines_.
  End end_of(const HookRun& hook) {
    start(hook);
    return await_end();
  }

  End await_end() {
    EXPECT_TRUE(wait_until([this] { return end_.has_value(); })) << "the child did not end";
    EXPECT_EQ(ends_, 1);
    return end_.value_or(End{});
  }

  void await_line(const std::string& line) {
    ASSERT_TRUE(
        wait_until([&] { return std::find(lines_.begin(), lines_.end(), line) != lines_.end(); }));
  }

  // Lets the loop turn until `condition` holds; false when the deadline passes.
  template <typename Condition>
  bool wait_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      io_.restart();
      io_.run_for(std::chrono::milliseconds(2));
    }
    return true;
  }

  // Root gives its children away; anyone else can only run them as itself.
  static std::string any_user() { return geteuid() == 0 ? "nobody" : getpwuid(geteuid())->pw_name; }

  // Dead, or a zombie whose parent has yet to notice.
  static bool is_gone(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string number;
    std::string name;
    std::string state;
    return !(stat >> number >> name >> state) || state == "Z" || state == "X";
  }

  boost::asio::io_context io_;
  ProcessLimits limits_;
  std::optional<ProcessRunner> runner_;
  testing::ScriptDirectory directory_;
  Lines lines_;
  std::optional<End> end_;
  int ends_ = 0;
};

}  // namespace hooks::io
