// Lines for a FIFO whose reader is slow or absent: none is lost before the bound, all keep their
// order, and what is lost is said.
#include "hooks/io/fifo_writer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <vector>

namespace hooks::io {
namespace {

using std::chrono::seconds;

class FifoWriterTest : public ::testing::Test {
 protected:
  void make(std::size_t most_lines) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
    reader_.reset(ends[0]);
    writer_.emplace(
        io_.get_executor(), UniqueFd(ends[1]), "/run/n.fifo",
        [this](bool warning, const std::string& text) {
          log_.push_back((warning ? "warning: " : "info: ") + text);
        },
        most_lines);
  }
  void write(int from, int to) {
    for (int i = from; i < to; ++i) writer_->write("line " + std::to_string(i) + "\n");
  }
  // What can be read until nothing waits any more.
  std::string read_all() {
    std::string out;
    const auto deadline = std::chrono::steady_clock::now() + seconds(30);
    for (bool more = true; more && std::chrono::steady_clock::now() < deadline;) {
      more = writer_->waiting() > 0;
      for (ssize_t got = 1; got > 0;) {
        std::array<char, 1000> piece{};
        got = ::read(reader_.get(), piece.data(), piece.size());
        if (got > 0) out.append(piece.data(), static_cast<std::size_t>(got));
      }
      io_.restart();
      io_.poll();
    }
    return out;
  }
  static std::string lines(int from, int to) {
    std::string out;
    for (int i = from; i < to; ++i) out += "line " + std::to_string(i) + "\n";
    return out;
  }

  boost::asio::io_context io_;
  UniqueFd reader_;
  std::optional<FifoWriter> writer_;
  std::vector<std::string> log_;
};

TEST_F(FifoWriterTest, NothingIsLostWhileThereIsRoom) {
  make(100000);
  write(0, 20000);  // some 200 KB, three times what the pipe takes
  EXPECT_GT(writer_->waiting(), 1000U);
  EXPECT_EQ(log_.size(), 1U);
  EXPECT_EQ(read_all(), lines(0, 20000));
  EXPECT_THAT(log_.back(), ::testing::MatchesRegex(
                               "info: /run/n.fifo is read again: [0-9]+ line.s. that waited are in "
                               "it"));
}

TEST_F(FifoWriterTest, BeyondTheBoundTheOldestThatWaitAreLostAndCounted) {
  make(10);
  write(0, 20000);
  EXPECT_EQ(writer_->waiting(), 10U);
  ASSERT_EQ(log_.size(), 2U);
  EXPECT_EQ(
      log_.back(),
      "warning: the oldest line(s) for /run/n.fifo are lost from now on: more wait than there "
      "is room for");
  const std::string got = read_all();
  EXPECT_EQ(got.substr(got.size() - lines(19990, 20000).size()), lines(19990, 20000));
  const auto first_gap = std::count(got.begin(), got.end(), '\n') - 10;
  EXPECT_EQ(got.substr(0, got.size() - lines(19990, 20000).size()),
            lines(0, static_cast<int>(first_gap)));
  EXPECT_EQ(log_.back(), "warning: /run/n.fifo is read again: 10 line(s) that waited are in it, " +
                             std::to_string(19990 - first_gap) + " are lost");
}

TEST_F(FifoWriterTest, ASuccessorLosesNeitherWhatIsInThePipeNorWhatWaits) {
  make(100000);
  write(0, 20000);
  FifoRest rest = writer_->release();
  EXPECT_EQ(rest.path, "/run/n.fifo");
  EXPECT_GT(rest.lines.size(), 1000U);
  log_.clear();
  writer_.reset();
  EXPECT_THAT(log_, ::testing::IsEmpty());
  writer_.emplace(
      io_.get_executor(), std::move(rest.fd), rest.path, [](bool, const std::string&) {}, 100000);
  for (std::string& line : rest.lines) writer_->write(std::move(line));
  write(20000, 20100);
  EXPECT_EQ(read_all(), lines(0, 20100));
}

TEST_F(FifoWriterTest, LinesThatNobodyReadBeforeTheEndAreCounted) {
  make(10);
  write(0, 20000);
  log_.clear();
  writer_.reset();
  EXPECT_THAT(log_,
              ::testing::ElementsAre("warning: 10 line(s) for /run/n.fifo are lost: nobody has "
                                     "read them before the end"));
}

}  // namespace
}  // namespace hooks::io
