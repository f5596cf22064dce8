// pre_promote and pre_demote with real scripts: consent, veto with its reason, and silence in its
// kinds; the answer comes in time.
#include "hooks/io/veto_script.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <optional>
#include <regex>

#include "tests/hooks/script_directory.hpp"

namespace hooks::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

class VetoScriptTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: scripts are given to nobody";
  }
  void make(NotifyConfig config) {
    config.user = "nobody";
    veto_.emplace(io_.get_executor(), std::move(config),
                  [this](HookSeverity severity, const std::string& text) {
                    static const std::regex time(" [0-9]+[.][0-9]+ s");
                    log_.push_back((severity == HookSeverity::info ? "info: " : "warning: ") +
                                   std::regex_replace(text, time, " N s"));
                  });
  }
  void ask(Question question) {
    NotifyEvent event;
    event.pair = "redis";
    event.state = NotifyState::master;
    veto_->ask(question, event, [this](Verdict verdict, const std::string& words) {
      const char* const names[] = {"consent", "veto", "silence"};
      static const std::regex time(" [0-9]+[.][0-9]+ s");
      answers_.push_back(std::string(names[static_cast<std::size_t>(verdict)]) + ": " +
                         std::regex_replace(words, time, " N s"));
    });
  }
  void await_answers(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(30);
    while (answers_.size() < count && std::chrono::steady_clock::now() < deadline) {
      io_.restart();
      io_.run_for(milliseconds(10));
    }
  }
  std::string answer_of(const std::string& body) {
    NotifyConfig config;
    config.pre_promote = {directory_.script("pre.sh", body)};
    config.pre_timeout = timeout_;
    make(config);
    log_.clear();
    answers_.clear();
    ask(Question::promote);
    EXPECT_TRUE(answers_.empty());
    await_answers(1);
    return answers_.empty() ? "nothing" : answers_.front();
  }
  std::string label() const { return "pair redis, pre_promote: " + directory_.path("pre.sh"); }

  boost::asio::io_context io_;
  std::optional<VetoScript> veto_;
  testing::ScriptDirectory directory_;
  std::chrono::nanoseconds timeout_ = seconds(20);
  std::vector<std::string> answers_;
  std::vector<std::string> log_;
};

TEST_F(VetoScriptTest, ZeroIsConsentAndWhatItPrintsIsNothing) {
  EXPECT_EQ(answer_of("echo all is well"), "consent: ");
  EXPECT_THAT(log_, ElementsAre("info: " + label() + " consents after N s"));
}

TEST_F(VetoScriptTest, AnythingElseIsAVetoWithTheFirstLineOfStderr) {
  EXPECT_EQ(answer_of("echo out; echo >&2 'the backup runs'; echo >&2 more; exit 7"),
            "veto: the backup runs");
  EXPECT_THAT(log_, ElementsAre("info: " + label() + " says: the backup runs",
                                "info: " + label() + " says: more",
                                "info: " + label() + " objects: the backup runs"));
  EXPECT_EQ(answer_of("echo only out; exit 3"), "veto: exit code 3");
  EXPECT_EQ(answer_of("printf 'a\\033[31mb\\n' >&2; exit 1"), "veto: a?[31mb");
}

TEST_F(VetoScriptTest, ItKnowsWhatIsAsked) {
  EXPECT_EQ(answer_of("echo \"$TANDEM_HOOK $TANDEM_STATE $TANDEM_PAIR\" >&2; exit 1"),
            "veto: pre_promote MASTER redis");
}

TEST_F(VetoScriptTest, WhoTakesTooLongHasNotAnswered) {
  timeout_ = milliseconds(100);
  EXPECT_EQ(answer_of("trap '' TERM; sleep 1000"), "silence: it did not end within N s");
  EXPECT_THAT(log_,
              ElementsAre("warning: " + label() +
                          " gave no answer: it did not end within N s; that counts as consent "
                          "(pre_overrun)"));
}

TEST_F(VetoScriptTest, ASignalOrAFileThatMayNotRunIsNoAnswer) {
  EXPECT_EQ(answer_of("kill -KILL $$"), "silence: it was ended by signal 9 (Killed)");
  NotifyConfig config;
  config.pre_promote = {directory_.path("gone.sh")};
  config.silence_is_veto = true;
  make(config);
  answers_.clear();
  log_.clear();
  ask(Question::promote);
  await_answers(1);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(answers_.front().starts_with("silence: it was not run: ")) << answers_.front();
  ASSERT_EQ(log_.size(), 1U);
  EXPECT_TRUE(log_.front().ends_with("; that counts as a veto (pre_overrun)")) << log_.front();
}

TEST_F(VetoScriptTest, ANewQuestionTakesThePlaceOfAnOpenOne) {
  NotifyConfig config;
  config.pre_promote = {directory_.script("slow.sh", "sleep 1000")};
  config.pre_demote = {directory_.script("quick.sh", "exit 1")};
  config.pre_timeout = seconds(10);
  make(config);
  ask(Question::promote);
  ask(Question::demote);
  await_answers(1);
  EXPECT_THAT(answers_, ElementsAre("veto: exit code 1"));
}

TEST_F(VetoScriptTest, WithoutAScriptEverybodyConsents) {
  make({});
  ask(Question::demote);
  EXPECT_TRUE(answers_.empty());
  await_answers(1);
  EXPECT_THAT(answers_, ElementsAre("consent: "));
}

TEST_F(VetoScriptTest, MayBeDestroyedWhileAScriptRuns) {
  NotifyConfig config;
  config.pre_promote = {directory_.script("slow.sh", "sleep 1000")};
  make(config);
  ask(Question::promote);
  veto_.reset();
  io_.run_for(milliseconds(50));
  EXPECT_TRUE(answers_.empty());
}

}  // namespace
}  // namespace hooks::io
