// The notify contract, word for word: the same script is called by keepalived and by Tandem on the
// same host through the same states, and must not be able to tell the difference.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "tests/support/keepalived.hpp"
#include "tests/support/pair_scene.hpp"

namespace support {
namespace {

// All that is compared: what each kind of script was called with, and whether the VIP was there.
struct Calls {
  std::set<std::string> specific;
  std::set<std::string> any;
  std::set<std::string> fifo;
  bool operator==(const Calls&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Calls& calls) {
  for (const auto& call : calls.specific) out << "\n  specific: " << call;
  for (const auto& call : calls.any) out << "\n  any: " << call;
  for (const auto& line : calls.fifo) out << "\n  fifo: " << line;
  return out;
}

// A word with a blank: keepalived splits command lines itself, with quotes.
constexpr const char* kWords = "'two words' ";

class Notify : public testing::Test {
 protected:
  static std::set<std::string> calls(const Recorder& recorder) {
    std::set<std::string> texts;
    for (const auto& record : recorder.records()) texts.insert(testing::PrintToString(record));
    return texts;
  }

  Calls calls() {
    Calls all{calls(specific_), calls(any_), {}};
    std::istringstream lines(read_file(fifo_log()));
    for (std::string line; std::getline(lines, line);) all.fifo.insert(line);
    return all;
  }

  static bool has_all_states(const Recorder& recorder) {
    const std::string states = recorder.states();
    const auto has = [&](const char* state) { return states.find(state) != std::string::npos; };
    return has("MASTER") && has("BACKUP") && has("FAULT") && has("STOP");
  }

  // From the first start through every state to the end; the same for both programs.
  template <typename Program>
  void lead_through_all_states(Program& program) {
    program.start();
    ASSERT_TRUE(eventually("A has the VIP", kSoon, vip(true)));
    ASSERT_TRUE(wait_for_last("MASTER"));
    lan().unplug(lan().a());
    ASSERT_TRUE(eventually("A has no VIP", kSoon, vip(false)));
    ASSERT_TRUE(wait_for_last("FAULT"));
    lan().plug(lan().a());
    ASSERT_TRUE(eventually("A has the VIP again", kSoon, vip(true)));
    ASSERT_TRUE(wait_for_last("MASTER"));
    ASSERT_EQ(program.stop(), 0);
    ASSERT_TRUE(wait_for_last("STOP"));
    ASSERT_TRUE(has_all_states(specific_) && has_all_states(any_))
        << "specific " << specific_.states() << "\nany " << any_.states();
  }

  testing::AssertionResult wait_for_last(const std::string& state) {
    return eventually("both scripts and the FIFO were told " + state, kSoon, [&] {
      const std::string fifo = read_file(fifo_log());
      const auto last = fifo.rfind(" " + state + " ");
      const bool in_fifo = last != std::string::npos && fifo.find('\n', last) == fifo.size() - 1;
      return Seen{specific_.states().ends_with(state) && any_.states().ends_with(state) && in_fifo,
                  specific_.states() + " | " + any_.states() + " | " + fifo};
    });
  }

  Condition vip(bool expected) {
    return equals([this] { return lan().a().has_address(); }, expected);
  }

  void start_fifo_reader() {
    must_run({"mkfifo", fifo()});
    // Opened for both directions, so that a writer that goes away is no end of file.
    reader_ =
        std::make_unique<Process>(Argv{"sh", "-c", "cat <> " + fifo().string()}, "", fifo_log());
  }

  void stop_fifo_reader() {
    reader_.reset();
    std::filesystem::remove(fifo());
    std::filesystem::remove(fifo_log());
  }

  [[nodiscard]] std::filesystem::path fifo() { return lan().a().dir / "notify.fifo"; }
  [[nodiscard]] std::filesystem::path fifo_log() { return lan().a().dir / "fifo.log"; }
  Lan& lan() { return scene_.lan; }

  PairScene scene_;  // its servers; the agent and the recorders of this test are its own
  Recorder specific_{scene_.lan.a(), "specific"};
  Recorder any_{scene_.lan.a(), "any"};
  std::unique_ptr<Process> reader_;
};

TEST_F(Notify, ScriptsAndFifoCannotTellTandemFromKeepalived) {
  KeepalivedOptions theirs;
  theirs.priority = 250;
  theirs.advert_int = "0.5";  // the asynchronous BACKUP script must see the host before MASTER
  theirs.notify_master = specific_.command(kWords + std::string("MASTER"));
  theirs.notify_backup = specific_.command(kWords + std::string("BACKUP"));
  theirs.notify_fault = specific_.command(kWords + std::string("FAULT"));
  theirs.notify_stop = specific_.command(kWords + std::string("STOP"));
  theirs.notify = any_.command(kWords);
  theirs.fifo = fifo();
  start_fifo_reader();
  Keepalived keepalived(lan().a(), theirs);
  ASSERT_NO_FATAL_FAILURE(lead_through_all_states(keepalived));
  const Calls expected = calls();
  specific_.forget();
  any_.forget();
  stop_fifo_reader();

  PairOptions ours = with_priority(250);
  ours.notify_words_prefix = kWords;
  ours.specific = &specific_;
  ours.any = &any_;
  ours.fifo = fifo();
  start_fifo_reader();
  scene_.start_servers();
  Agent agent(lan().a(), lan().b(), {ours});
  ASSERT_NO_FATAL_FAILURE(lead_through_all_states(agent));

  EXPECT_EQ(calls(), expected);
  EXPECT_THAT(
      expected.specific,
      testing::ElementsAre("'two words' 'BACKUP' without VIP", "'two words' 'FAULT' without VIP",
                           "'two words' 'MASTER' with VIP", "'two words' 'STOP' without VIP"));
}

TEST(NotifyEnvironment, TellsWhatKeepalivedCannot) {
  PairScene scene;
  ASSERT_TRUE(scene.start());
  const NotifyRecord last = scene.a.recorder.records().back();
  EXPECT_TRUE(last.vip);
  EXPECT_FALSE(last.environment.empty());
  for (const auto& [name, value] : last.environment) {
    EXPECT_THAT(value, testing::Not(testing::HasSubstr(kPassword))) << name;
  }
}

TEST(NotifyOrder, OfAFailoverIsOneStateEachWithTheAddressWhereItBelongs) {
  SceneOptions options;
  options.quarantine = true;
  PairScene scene(options);
  ASSERT_TRUE(scene.start());
  scene.a.recorder.forget();
  scene.b.recorder.forget();
  scene.a.redis.supervise(Millis(100));
  scene.a.redis.kill();
  ASSERT_TRUE(scene.reaches(kBLeads));

  EXPECT_TRUE(scene.have_told("A FAULT BACKUP | B MASTER"));
  for (const auto& record : scene.a.recorder.records()) EXPECT_FALSE(record.vip) << record;
  for (const auto& record : scene.b.recorder.records()) EXPECT_TRUE(record.vip) << record;
}

}  // namespace
}  // namespace support
