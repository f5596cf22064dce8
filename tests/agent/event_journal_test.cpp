// The history on a disk that has no room: whole lines or none, and what is missing is counted.
#include "agent/io/event_journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/hooks/script_directory.hpp"
#include "tests/hooks/small_disk.hpp"

namespace agent {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kEvents = 60;

Event numbered(std::size_t number) {
  Event event;
  event.when = std::chrono::system_clock::now();
  event.pair = "redis";
  event.kind = EventKind::note;
  event.text = "number " + std::to_string(number) + " of those that need more room than there is";
  return event;
}

// Said by the journal's thread; read when it has ended.
struct Said {
  std::vector<std::string> sentences;
  std::atomic<bool> any = false;

  void operator()(const std::string& sentence) {
    sentences.push_back(sentence);
    any = true;
  }
  // How many events are told to be missing.
  std::size_t missing() const {
    std::size_t sum = 0;
    for (const std::string& sentence : sentences) {
      if (sentence.find(" event(s) are not in ") != std::string::npos) sum += std::stoul(sentence);
    }
    return sum;
  }
};

class JournalOnAFullDisk : public ::testing::Test {
 protected:
  // Fills all but the first page of the journal.
  void fill() {
    std::ofstream filler(directory_.path("filler"), std::ios::binary);
    filler << std::string(8192, 'x');
  }
  // Of the file; each of them an event.
  std::size_t lines() const {
    std::istringstream text(directory_.read("events.jsonl"));
    std::size_t count = 0;
    for (std::string line; std::getline(text, line); ++count) {
      EXPECT_TRUE(parse_event(line)) << line;
    }
    return count;
  }

  hooks::testing::ScriptDirectory directory_;
  hooks::testing::SmallDisk disk_{directory_.path(""), "size=12k"};
};

TEST_F(JournalOnAFullDisk, NoLineIsTornAndTheReasonIsTold) {
  if (!disk_.mounted()) GTEST_SKIP() << "only root mounts";
  fill();
  Said said;
  {
    io::EventJournal journal(directory_.path(""), std::ref(said));
    for (std::size_t i = 0; i < kEvents; ++i) journal.append(numbered(i));
  }
  EXPECT_GT(lines(), 0U);
  EXPECT_LT(lines(), kEvents);
  EXPECT_EQ(directory_.read("events.jsonl").back(), '\n');
  ASSERT_FALSE(said.sentences.empty());
  EXPECT_THAT(said.sentences[0], HasSubstr("events.jsonl: No space left on device"));
  EXPECT_THAT(said.sentences, Each(Not(HasSubstr("Success"))));
}

TEST_F(JournalOnAFullDisk, WhatItDidNotTakeIsCounted) {
  if (!disk_.mounted()) GTEST_SKIP() << "only root mounts";
  fill();
  Said said;
  {
    io::EventJournal journal(directory_.path(""), std::ref(said));
    for (std::size_t i = 0; i < kEvents; ++i) journal.append(numbered(i));
    while (!said.any) std::this_thread::yield();
    std::filesystem::remove(directory_.path("filler"));
    journal.append(numbered(kEvents));
  }
  EXPECT_GT(said.missing(), 0U);
  EXPECT_EQ(lines() + said.missing(), kEvents + 1);
  EXPECT_THAT(said.sentences.back(), AllOf(HasSubstr(" event(s) are not in "),
                                           HasSubstr("events.jsonl: they could not be written")));
}

}  // namespace
}  // namespace agent
