// The runner with procedures and senders made for the purpose: one event loop, no server.
#include "hooks/io/procedure_runner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hooks::io {
namespace {

using health::Reply;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Says the given steps one after another and keeps what it hears.
class Recital final : public Procedure {
 public:
  explicit Recital(std::vector<Step> steps, std::vector<std::string>* heard = nullptr)
      : steps_(steps.begin(), steps.end()), heard_(heard) {}

  std::string_view name() const override { return "recital"; }
  Step begin(TimePoint) override { return take(); }
  Step next(TimePoint, const Reply* reply) override {
    if (heard_) heard_->push_back(reply ? reply->text : "nothing");
    return take();
  }
  Step next_all(TimePoint now, const Replies& replies) override {
    std::string all;
    for (const auto& reply : replies) all += (reply ? reply->text : "nothing") + ';';
    const Reply together = Reply::status(all);
    return next(now, &together);
  }

 private:
  Step take() {
    Step step = std::move(steps_.front());
    steps_.pop_front();
    return step;
  }

  std::deque<Step> steps_;
  std::vector<std::string>* heard_;
};

std::unique_ptr<Procedure> recite(std::vector<Step> steps,
                                  std::vector<std::string>* heard = nullptr) {
  return std::make_unique<Recital>(std::move(steps), heard);
}

// Asks `count` times without a pause.
class Questioner final : public Procedure {
 public:
  explicit Questioner(int count) : left_(count) {}
  std::string_view name() const override { return "questioner"; }
  Step begin(TimePoint) override { return Command{Target::local, {"PING"}}; }
  Step next(TimePoint, const Reply*) override {
    if (--left_ == 0) return Done{};
    return Command{Target::local, {"PING"}};
  }
  Step next_all(TimePoint, const Replies&) override { return Done{}; }

 private:
  int left_;
};

struct Stage {
  struct Sent {
    Command command;
    ProcedureRunner::ReplyHandler handler;
  };

  boost::asio::io_context loop;
  std::vector<Sent> sent;
  std::vector<ProcedureResult> results;
  std::unique_ptr<ProcedureRunner> runner = std::make_unique<ProcedureRunner>(
      loop.get_executor(), [this](Target target, const std::vector<std::string>& words,
                                  ProcedureRunner::ReplyHandler handler) {
        sent.push_back({{target, words}, std::move(handler)});
      });

  void run(std::unique_ptr<Procedure> procedure, Duration budget = hours(1)) {
    runner->run(std::move(procedure), budget,
                [this](const ProcedureResult& result) { results.push_back(result); });
  }
  // Performs what is ready, without waiting.
  void turn() {
    loop.restart();
    loop.poll();
  }
  // Performs until a result is there; ten seconds are for ever.
  void turn_until_finished() {
    loop.restart();
    const auto deadline = std::chrono::steady_clock::now() + seconds(10);
    while (results.empty() && loop.run_one_until(deadline) != 0) {
    }
  }
};

// What a result says, without its time.
std::string told(const std::vector<ProcedureResult>& results) {
  std::string text;
  for (const ProcedureResult& result : results) {
    text += std::string(result.done ? "done" : "not done") + (result.refused ? ", refused" : "") +
            (result.timed_out ? ", timed out" : "") + (result.why.empty() ? "" : ": ") +
            result.why + '\n';
  }
  return text;
}

TEST(ProcedureRunner, SendsEachCommandAfterTheReplyToTheOneBefore) {
  Stage stage;
  std::vector<std::string> heard;
  const Command role{Target::local, {"ROLE"}};
  const Command info{Target::peer, {"INFO", "replication"}};
  stage.run(recite({role, info, Done{}}, &heard));
  EXPECT_TRUE(stage.sent.empty()) << "nothing is sent from inside run()";

  stage.turn();
  ASSERT_EQ(stage.sent.size(), 1U);
  EXPECT_EQ(stage.sent[0].command, role);
  const Reply master = Reply::status("master");
  stage.sent[0].handler(&master);
  ASSERT_EQ(stage.sent.size(), 2U);
  EXPECT_EQ(stage.sent[1].command, info);
  EXPECT_TRUE(stage.runner->busy());
  stage.sent[1].handler(nullptr);
  EXPECT_EQ(told(stage.results), "") << "the end is posted, never told from inside a reply";

  stage.turn();
  EXPECT_EQ(told(stage.results), "done\n");
  EXPECT_EQ(heard, (std::vector<std::string>{"master", "nothing"}));
  EXPECT_FALSE(stage.runner->busy());
}

TEST(ProcedureRunner, SendsCommandsAtOnceAndTellsTheirRepliesTogether) {
  Stage stage;
  std::vector<std::string> heard;
  const Command fence{Target::local, {"CONFIG", "SET", "min-replicas-to-write", "99"}};
  const Command info{Target::peer, {"INFO", "replication"}};
  const Command role{Target::local, {"ROLE"}};
  stage.run(recite({Commands{{fence, info, role}}, Done{}}, &heard));
  stage.turn();
  ASSERT_EQ(stage.sent.size(), 3U);
  EXPECT_EQ(stage.sent[1].command, info);
  const Reply ok = Reply::status("OK");
  const Reply master = Reply::status("master");
  stage.sent[0].handler(&ok);
  stage.sent[2].handler(&master);
  EXPECT_TRUE(heard.empty());
  stage.sent[1].handler(nullptr);
  stage.turn();
  EXPECT_EQ(told(stage.results), "done\n");
  EXPECT_EQ(heard, std::vector<std::string>{"OK;nothing;master;"});
}

TEST(ProcedureRunner, NamesTheFirstOfSeveralThatHasNoAnswer) {
  Stage stage;
  const Command info{Target::local, {"INFO"}};
  const Command role{Target::peer, {"ROLE"}};
  stage.run(recite({Commands{{info, role}}, Done{}}), milliseconds(20));
  stage.turn();
  const Reply answer = Reply::bulk("role:master");
  stage.sent.at(0).handler(&answer);
  stage.turn_until_finished();
  EXPECT_EQ(told(stage.results),
            "not done, timed out: recital did not end within 20 ms: the peer server has not "
            "answered ROLE\n");
}

TEST(ProcedureRunner, PausesAndGoesOn) {
  Stage stage;
  std::vector<std::string> heard;
  stage.run(recite({Pause{milliseconds(5)}, Pause{milliseconds(5)}, Done{}}, &heard));
  stage.turn_until_finished();
  EXPECT_EQ(told(stage.results), "done\n");
  EXPECT_EQ(heard, (std::vector<std::string>{"nothing", "nothing"}));
  EXPECT_GE(stage.results.at(0).took, milliseconds(10));
}

TEST(ProcedureRunner, TellsFailureAndRefusalApart) {
  Stage failure;
  failure.run(recite({Failed{"no link"}}));
  failure.turn();
  EXPECT_EQ(told(failure.results), "not done: no link\n");

  Stage refusal;
  refusal.run(recite({Failed{"loading", true}}));
  refusal.turn();
  EXPECT_EQ(told(refusal.results), "not done, refused: loading\n");
}

TEST(ProcedureRunner, EndsWithItsBudgetAndIgnoresLateReplies) {
  Stage stage;
  stage.run(recite({Command{Target::peer, {"REPLICAOF", "NO", "ONE"}}, Done{}}), milliseconds(20));
  stage.turn_until_finished();
  const std::string timed_out =
      "not done, timed out: recital did not end within 20 ms: the peer server has not answered "
      "REPLICAOF NO ONE\n";
  EXPECT_EQ(told(stage.results), timed_out);

  const Reply late = Reply::status("OK");
  stage.sent.at(0).handler(&late);
  stage.turn();
  EXPECT_EQ(told(stage.results), timed_out);
}

TEST(ProcedureRunner, EndsALongPauseWithItsBudget) {
  Stage stage;
  stage.run(recite({Pause{hours(1)}, Done{}}), milliseconds(20));
  stage.turn_until_finished();
  EXPECT_EQ(told(stage.results), "not done, timed out: recital did not end within 20 ms\n");
}

TEST(ProcedureRunner, SaysNothingAfterCancel) {
  Stage stage;
  const Command role{Target::local, {"ROLE"}};
  stage.run(recite({role, Done{}}));
  stage.turn();
  stage.runner->cancel();
  EXPECT_FALSE(stage.runner->busy());
  stage.sent.at(0).handler(nullptr);
  stage.turn();

  stage.run(recite({Done{}}));
  stage.runner->cancel();
  stage.turn();

  stage.run(recite({role, Done{}}));
  stage.turn();
  stage.sent.at(1).handler(nullptr);
  stage.runner->cancel();  // between the end and its telling
  stage.turn();
  EXPECT_EQ(told(stage.results), "");
}

TEST(ProcedureRunner, CancelsTheRunningProcedureForTheNext) {
  Stage stage;
  stage.run(recite({Command{Target::local, {"ROLE"}}, Failed{"the first"}}));
  stage.turn();
  stage.run(recite({Command{Target::local, {"INFO"}}, Failed{"the second"}}));
  stage.turn();
  ASSERT_EQ(stage.sent.size(), 2U);
  stage.sent[0].handler(nullptr);  // of the first: too late
  stage.turn();
  EXPECT_EQ(told(stage.results), "");
  stage.sent[1].handler(nullptr);
  stage.turn();
  EXPECT_EQ(told(stage.results), "not done: the second\n");
}

TEST(ProcedureRunner, TellsNoEndOfAProcedureThatTheNextHasReplaced) {
  Stage stage;
  stage.run(recite({Command{Target::local, {"ROLE"}}, Failed{"the first"}}));
  stage.turn();
  stage.sent.at(0).handler(nullptr);  // ended, not yet told
  stage.run(recite({Command{Target::local, {"INFO"}}, Failed{"the second"}}));
  stage.turn();
  EXPECT_EQ(told(stage.results), "");
  stage.sent.at(1).handler(nullptr);
  stage.turn();
  EXPECT_EQ(told(stage.results), "not done: the second\n");
}

TEST(ProcedureRunner, TakesAnswersFromInsideTheSenderWithoutRecursion) {
  boost::asio::io_context loop;
  int depth = 0;
  int deepest = 0;
  ProcedureRunner runner(loop.get_executor(), [&](Target, const std::vector<std::string>&,
                                                  const ProcedureRunner::ReplyHandler& handler) {
    deepest = std::max(deepest, ++depth);
    const Reply pong = Reply::status("PONG");
    handler(&pong);
    --depth;
  });
  std::vector<ProcedureResult> results;
  runner.run(std::make_unique<Questioner>(100000), hours(1),
             [&](const ProcedureResult& result) { results.push_back(result); });
  loop.poll();
  EXPECT_EQ(told(results), "done\n");
  EXPECT_EQ(deepest, 1);
}

TEST(ProcedureRunner, MayRunTheNextFromItsEnd) {
  Stage stage;
  stage.runner->run(recite({Failed{"the first"}}), hours(1), [&](const ProcedureResult& result) {
    stage.results.push_back(result);
    EXPECT_FALSE(stage.runner->busy());
    stage.run(recite({Failed{"the second"}}));
  });
  stage.turn();
  EXPECT_EQ(told(stage.results), "not done: the first\nnot done: the second\n");
}

TEST(ProcedureRunner, MayBeDestroyedInAnyState) {
  const Command role{Target::local, {"ROLE"}};
  {
    Stage fresh;
    fresh.run(recite({role, Done{}}));
    fresh.runner.reset();
    fresh.turn();
    EXPECT_TRUE(fresh.sent.empty());
  }
  {
    Stage waiting;
    waiting.run(recite({role, Done{}}));
    waiting.turn();
    waiting.runner.reset();
    waiting.sent.at(0).handler(nullptr);
    waiting.turn();
    EXPECT_EQ(told(waiting.results), "");
  }
  {
    Stage pausing;
    pausing.run(recite({Pause{milliseconds(1)}, Done{}}));
    pausing.turn();
    pausing.runner.reset();
    pausing.loop.run();
    EXPECT_EQ(told(pausing.results), "");
  }
  {
    Stage ending;
    ending.runner->run(recite({Done{}}), hours(1),
                       [&](const ProcedureResult&) { ending.runner.reset(); });
    ending.turn();
    EXPECT_EQ(ending.runner, nullptr);
  }
}

TEST(ProcedureRunner, MayBeDestroyedBySender) {
  boost::asio::io_context loop;
  std::unique_ptr<ProcedureRunner> runner;
  bool finished = false;
  runner = std::make_unique<ProcedureRunner>(
      loop.get_executor(),
      [&](Target, const std::vector<std::string>&, const ProcedureRunner::ReplyHandler& handler) {
        runner.reset();
        handler(nullptr);
      });
  runner->run(recite({Command{Target::local, {"ROLE"}}, Done{}}), hours(1),
              [&](const ProcedureResult&) { finished = true; });
  loop.run();
  EXPECT_EQ(runner, nullptr);
  EXPECT_FALSE(finished);
}

}  // namespace
}  // namespace hooks::io
