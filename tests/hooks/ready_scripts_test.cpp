// The ready-made scripts of etc/notify.d against stand-ins for their services: see
// ready_scripts.py.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

namespace hooks {
namespace {

// Exit code, and what was printed.
std::pair<int, std::string> run(const std::string& command) {
  std::string out;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "re");
  if (pipe == nullptr) return {-1, "popen failed"};
  std::array<char, 4096> piece{};
  while (std::fgets(piece.data(), piece.size(), pipe) != nullptr) out += piece.data();
  return {::pclose(pipe), out};
}

bool installed(const std::string& program) {
  return run("command -v " + program).first == 0;
}

const std::string kScripts = TANDEM_SOURCE_DIR "/etc/notify.d";

TEST(ReadyScripts, DoWhatTheySay) {
  if (!installed("python3") || !installed("curl")) GTEST_SKIP() << "needs python3 and curl";
  const auto [code, out] =
      run("python3 " TANDEM_SOURCE_DIR "/tests/hooks/ready_scripts.py " + kScripts);
  EXPECT_EQ(code, 0) << out;
}

TEST(ReadyScripts, AreCleanForShellcheck) {
  if (!installed("shellcheck")) GTEST_SKIP() << "needs shellcheck";
  const auto [code, out] = run("shellcheck -s sh " + kScripts + "/*.sh " + kScripts + "/*/*.sh");
  EXPECT_EQ(code, 0) << out;
}

}  // namespace
}  // namespace hooks
