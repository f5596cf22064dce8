// Which rights are asked for, how, of which version, and what is said of a missing one.
#include "health/inspection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "health/io/redis_watch.hpp"
#include "tests/health/loop.hpp"
#include "tests/health/redis_process.hpp"

namespace health {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;
using Words = Inspection::Words;
using Questions = std::vector<Words>;
using std::chrono::seconds;

constexpr TimePoint kStart{};

ServerFacts facts_of(const std::string& version, const std::string& run_id = "run 1") {
  ServerFacts facts;
  facts.redis_version = version;
  facts.run_id = run_id;
  return facts;
}

Reply status(const std::string& text) {
  return {.type = Reply::Type::status, .text = text, .integer = 0, .elements = {}};
}
Reply bulk(const std::string& text) {
  return {.type = Reply::Type::bulk, .text = text, .integer = 0, .elements = {}};
}

class InspectionTest : public testing::Test {
 protected:
  // Each question gets the answer that `answer` has for it.
  template <typename Answer>
  void answer_all(const Questions& questions, Answer answer) {
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const Reply reply = answer(questions[i]);
      inspection.answered(i, &reply);
    }
  }

  Inspection inspection{"the local server", "tandem"};
};

TEST_F(InspectionTest, ServersWithoutAclAreNotAsked) {
  EXPECT_THAT(inspection.facts_read(kStart, facts_of("5.0.14")), IsEmpty());
  EXPECT_THAT(inspection.facts_read(kStart, facts_of("4.0.0")), IsEmpty());
  EXPECT_THAT(inspection.facts_read(kStart, facts_of("")), IsEmpty());
}

TEST_F(InspectionTest, RedisSixIsAskedInHarmlessWays) {
  const auto questions = inspection.facts_read(kStart, facts_of("6.0.16"));
  EXPECT_THAT(questions, Contains(Words{"CONFIG", "SET", "tandem-no-such-option", "0"}));
  EXPECT_THAT(questions, Contains(Words{"REPLICAOF", "tandem", "no-port"}));
  // It has no pause of writes; and nothing is sent that could do something.
  for (const Words& words : questions) {
    EXPECT_NE(words[0], "PSYNC");
    EXPECT_NE(words[0], "ACL");
    if (words[0] == "CLIENT") {
      EXPECT_EQ(words[1], "KILL");
    }
  }
  EXPECT_THAT(Inspection("the local server", "").facts_read(kStart, facts_of("6.2.6")),
              Contains(Words{"CLIENT", "PAUSE", "no-time", "WRITE"}));
}

TEST_F(InspectionTest, AMissingRightIsNamedWithItsRule) {
  const auto questions = inspection.facts_read(kStart, facts_of("6.2.6"));
  answer_all(questions, [](const Words& words) {
    return words[0] == "CONFIG" && words[1] == "SET"
               ? Reply::error("NOPERM this user has no permissions to run the 'config' command")
               : Reply::error("ERR syntax error");
  });
  EXPECT_THAT(inspection.missing(),
              ElementsAre("ACL: user tandem may not run CONFIG SET on the local server; add "
                          "+config|set"));
  EXPECT_EQ(inspection.in_the_way(), *inspection.missing().begin());
}

TEST_F(InspectionTest, RedisSevenIsAskedWithoutRunningAnything) {
  const auto questions = inspection.facts_read(kStart, facts_of("7.0.15"));
  for (const Words& words : questions) EXPECT_EQ(words[1], "DRYRUN");
  EXPECT_THAT(questions, Contains(Words{"ACL", "DRYRUN", "tandem", "CLIENT", "UNPAUSE"}));
  answer_all(questions, [](const Words& words) {
    return words[3] == "PSYNC" ? bulk("This user has no permissions to run the 'psync' command")
                               : status("OK");
  });
  EXPECT_THAT(inspection.missing(),
              ElementsAre("ACL: user tandem may not run PSYNC on the local server; add +psync"));
  EXPECT_EQ(inspection.in_the_way(), "") << "a role moves without it";
}

TEST_F(InspectionTest, WithoutTheRightToDryRunItIsTheHarmlessWay) {
  answer_all(inspection.facts_read(kStart, facts_of("7.0.15")), [](const Words&) {
    return Reply::error("NOPERM this user has no permissions to run the 'acl|dryrun' command");
  });
  EXPECT_THAT(inspection.missing(), IsEmpty());
  const auto questions = inspection.facts_read(kStart, facts_of("7.0.15"));
  EXPECT_THAT(questions, Contains(Words{"REPLICAOF", "tandem", "no-port"}));
  EXPECT_THAT(questions, Not(Contains(Words{"CLIENT", "UNPAUSE"})));
}

TEST_F(InspectionTest, ItIsAskedOnceInEachRunAndAgainWhileSomethingIsMissing) {
  const auto good = [](const Words&) { return status("OK"); };
  answer_all(inspection.facts_read(kStart, facts_of("7.2.4")), good);
  EXPECT_THAT(inspection.facts_read(kStart + seconds(60), facts_of("7.2.4")), IsEmpty());
  answer_all(inspection.facts_read(kStart + seconds(60), facts_of("7.2.4", "run 2")),
             [](const Words&) { return bulk("This user has no permissions"); });
  EXPECT_EQ(inspection.missing().size(), 11U);
  EXPECT_THAT(inspection.facts_read(kStart + seconds(61), facts_of("7.2.4", "run 2")), IsEmpty());
  answer_all(inspection.facts_read(kStart + seconds(90), facts_of("7.2.4", "run 2")), good);
  EXPECT_THAT(inspection.missing(), IsEmpty());
}

TEST_F(InspectionTest, AnEndedConnectionIsAskedAnew) {
  const auto questions = inspection.facts_read(kStart, facts_of("7.0.15"));
  for (std::size_t i = 0; i < questions.size(); ++i) inspection.answered(i, nullptr);
  EXPECT_THAT(inspection.missing(), IsEmpty());
  EXPECT_THAT(inspection.facts_read(kStart, facts_of("7.0.15")), Not(IsEmpty()));
}

// What a real server says to each way of asking.
class InspectionOfRedis : public testing::TestWithParam<const char*> {};

TEST_P(InspectionOfRedis, NamesWhatTheUserMayNotDo) {
  if (!RedisProcess::is_installed()) GTEST_SKIP() << "redis-server is not installed";
  Words options{"--user",        "agent",           "on",        ">secret",    "-@all",
                "+ping",         "+info",           "+role",     "+replicaof", "+config|get",
                "+client|pause", "+client|unpause", "+replconf", "+psync",     "+pubsub|numsub"};
  if (*GetParam() != '\0') options.emplace_back(GetParam());
  const RedisProcess server(options);
  boost::asio::io_context loop;
  Inspection inspection("the local server", "agent");
  int rounds = 0;
  std::unique_ptr<io::RedisWatch> watch;
  const auto look = [&](const FactsRead&) {
    ++rounds;
    const auto questions = inspection.facts_read(kStart, watch->snapshot().facts);
    for (std::size_t i = 0; i < questions.size(); ++i) {
      watch->command(questions[i],
                     [&inspection, i](const Reply* reply) { inspection.answered(i, reply); });
    }
  };
  MonitorConfig config;
  config.info_interval = std::chrono::milliseconds(20);
  watch = std::make_unique<io::RedisWatch>(
      loop.get_executor(), server.address(), io::Credentials{"agent", "secret"}, config,
      io::WatchEvents{.health_changed = {}, .facts_read = look, .answered = {}});
  watch->start();
  ASSERT_TRUE(run_until(loop, [&] { return !inspection.missing().empty() && rounds > 4; }));
  EXPECT_THAT(inspection.missing(),
              UnorderedElementsAre("ACL: user agent may not run CONFIG SET on the local server; "
                                   "add +config|set",
                                   "ACL: user agent may not run CLIENT KILL on the local server; "
                                   "add +client|kill"));
  EXPECT_EQ(watch->snapshot().facts.role, Role::master);
}

INSTANTIATE_TEST_SUITE_P(Ways, InspectionOfRedis, testing::Values("", "+acl|dryrun"));

}  // namespace
}  // namespace health
