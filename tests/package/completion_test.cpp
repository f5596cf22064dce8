// The completions for bash and zsh offer what `tandem --help` shows, all of it and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "help.hpp"
#include "tests/support/agent.hpp"
#include "tests/support/process.hpp"

namespace package {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

struct Shell {
  std::string name;
  std::string completion;
};

void PrintTo(const Shell& shell, std::ostream* out) {
  *out << shell.name;
}

class Completion : public testing::TestWithParam<Shell> {
 protected:
  void SetUp() override {
    const std::string look = "command -v " + GetParam().name;
    if (support::run({"sh", "-c", look}).exit_code != 0) {
      GTEST_SKIP() << GetParam().name << " is not installed";
    }
  }

  // What is offered for the last of these words.
  static std::vector<std::string> offered(const std::vector<std::string>& words) {
    const std::string source = TANDEM_SOURCE_DIR;
    const std::string& shell = GetParam().name;
    support::Argv argv{shell, source + "/tests/package/complete." + shell,
                       source + "/etc/completions/" + GetParam().completion,
                       support::tandem_path()};
    if (shell == "zsh") argv.insert(argv.begin() + 1, "-f");
    argv.insert(argv.end(), words.begin(), words.end());
    auto lines = lines_of(support::run(argv).output);
    std::erase(lines, "");
    return lines;
  }

  static std::vector<std::string> behind(std::vector<std::string> words, const std::string& last) {
    words.push_back(last);
    return offered(words);
  }
};

TEST_P(Completion, KnowsEverySubcommand) {
  for (const CommandHelp& help : commands_of(support::tandem_path())) {
    if (help.subcommands.empty()) continue;
    EXPECT_THAT(behind(help.path, ""), UnorderedElementsAreArray(help.subcommands)) << help.words();
  }
}

TEST_P(Completion, KnowsEveryOption) {
  for (const CommandHelp& help : commands_of(support::tandem_path())) {
    std::vector<std::string> expected = help.options;
    auto got = behind(help.path, "-");
    if (GetParam().name == "bash") {
      EXPECT_THAT(got, UnorderedElementsAreArray(expected)) << help.words();
    } else {
      EXPECT_THAT(got, testing::IsSupersetOf(expected)) << help.words();
    }
  }
}

TEST_P(Completion, KnowsTheKindsOfEvents) {
  int seen = 0;
  for (const CommandHelp& help : commands_of(support::tandem_path())) {
    if (help.kinds.empty()) continue;
    ++seen;
    auto words = help.path;
    words.emplace_back("--kind");
    EXPECT_THAT(behind(words, ""), UnorderedElementsAreArray(help.kinds)) << help.words();
  }
  EXPECT_GE(seen, 1);
}

TEST_P(Completion, AnOptionsValueIsNoSubcommand) {
  EXPECT_THAT(offered({"--socket", "status", "diverged", "--state-dir", "list", "s"}),
              testing::Contains("show"));
}

TEST_P(Completion, WithoutAnAgentNoPairIsOffered) {
  EXPECT_THAT(offered({"--socket", "/nowhere/control.sock", "status", ""}), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Shells, Completion,
                         testing::Values(Shell{"bash", "tandem.bash"}, Shell{"zsh", "_tandem"}),
                         [](const auto& shell) { return shell.param.name; });

}  // namespace
}  // namespace package
