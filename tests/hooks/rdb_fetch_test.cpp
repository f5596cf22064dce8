// Fetches from servers that lie, and onto disks that refuse: the old file stays, nothing is left.
#include "hooks/io/rdb_fetch.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <csignal>
#include <future>
#include <optional>

#include "hooks/io/fetch_file.hpp"
#include "tests/hooks/fetching.hpp"
#include "tests/hooks/rdb_bytes.hpp"
#include "tests/hooks/script_directory.hpp"
#include "tests/hooks/scripted_server.hpp"
#include "tests/hooks/small_disk.hpp"

namespace hooks {
namespace {

using namespace std::chrono_literals;
using testing::bulk;
using testing::Fetching;
using testing::kGranted;
using testing::make_rdb;
using testing::names_in;
using testing::problem_of;
using testing::read_bytes;
using testing::ScriptedServer;
using testing::SmallDisk;
using testing::without_checksum;
using testing::write_bytes;

constexpr const char* kOldFile = "the old file";
health::io::ServerAddress address_of(const ScriptedServer& server) {
  return {"127.0.0.1", server.port(), {}};
}

std::string to_string(const ScriptedServer& server) {
  return address_of(server).to_string();
}

// A directory with an old file in it, and the only door to fetch over it.
class RdbFetch : public ::testing::Test {
 protected:
  RdbFetch() { write_bytes(target(), kOldFile); }

  std::string target() const { return directory_ + "/dump.rdb"; }
  io::FetchRequest request(const health::io::ServerAddress& server) const {
    io::FetchRequest wanted;
    wanted.server = server;
    wanted.target = target();
    return wanted;
  }
  // The problem, without the server's address.
  std::string fetch(const std::string& script,
                    ScriptedServer::Then then = ScriptedServer::Then::close) {
    const ScriptedServer server(script, then);
    io::FetchRequest wanted = request(address_of(server));
    wanted.stall_timeout = 300ms;
    Fetching fetching;
    std::string problem = problem_of(fetching.run(wanted));
    const std::string prefix = to_string(server) + ": ";
    return problem.starts_with(prefix) ? problem.substr(prefix.size()) : problem;
  }
  void expect_untouched() const {
    EXPECT_EQ(read_bytes(target()), kOldFile);
    EXPECT_EQ(names_in(directory_), std::set<std::string>{"dump.rdb"});
  }

  testing::ScriptDirectory base_;
  std::string directory_ = base_.make_directory("data", 0700);
};

TEST_F(RdbFetch, AWholeFileIsPlaced) {
  const std::string rdb = make_rdb("dataset");
  EXPECT_EQ(fetch(kGranted + bulk(rdb)), "");
  EXPECT_EQ(read_bytes(target()), rdb);
  EXPECT_EQ(names_in(directory_).size(), 2U);
}

TEST_F(RdbFetch, OneWithoutChecksumIsPlacedAndToldFrom) {
  const std::string rdb = without_checksum(make_rdb("dataset"));
  const ScriptedServer server(kGranted + bulk(rdb));
  Fetching fetching;
  const auto result = fetching.run(request(address_of(server)));
  ASSERT_EQ(problem_of(result), "");
  EXPECT_FALSE(std::get<RdbFacts>(std::get<io::Fetched>(result).file.facts).checksummed);
}

TEST_F(RdbFetch, ADamagedFileIsNotKept) {
  std::string rdb = make_rdb("dataset");
  rdb[12] = '!';
  EXPECT_TRUE(fetch(kGranted + bulk(rdb))
                  .starts_with("what the server sent is not kept: it is damaged: its checksum"));
  expect_untouched();
}

TEST_F(RdbFetch, WhatIsNoRdbIsNotKept) {
  EXPECT_EQ(
      fetch(kGranted + bulk("this is no RDB")),
      "what the server sent is not kept: it is not an RDB file: it begins with \"this is n\"");
  expect_untouched();
  EXPECT_EQ(fetch(kGranted + "$0\r\n"),
            "what the server sent is not kept: it is empty: no RDB was written");
  expect_untouched();
}

TEST_F(RdbFetch, AScriptThatIsCutAnywhereReplacesNothing) {
  const std::string script = kGranted + bulk(make_rdb("dataset"));
  for (std::size_t length = 0; length < script.size(); length += 7) {
    EXPECT_NE(fetch(script.substr(0, length)), "") << length;
    expect_untouched();
  }
}

TEST_F(RdbFetch, AGiantLengthIsRefusedBeforeTheDiskIsFull) {
  EXPECT_NE(fetch(kGranted + "$9000000000000000000\r\nREDIS0010", ScriptedServer::Then::hold)
                .find(" bytes free, 9000000000000000000 are needed"),
            std::string::npos);
  expect_untouched();
}

TEST_F(RdbFetch, AServerThatSaysNothingIsGivenUp) {
  EXPECT_EQ(fetch(kGranted + "$50\r\nREDIS", ScriptedServer::Then::hold),
            "the server has sent nothing for 300 ms, after 5 bytes");
  expect_untouched();
}

TEST_F(RdbFetch, EmptyLinesKeepItAliveButNotBeyondItsBudget) {
  const ScriptedServer server(kGranted + std::string(100000, '\n'), ScriptedServer::Then::hold);
  io::FetchRequest wanted = request(address_of(server));
  wanted.budget = 500ms;
  Fetching fetching;
  EXPECT_EQ(problem_of(fetching.run(wanted)), to_string(server) + ": not fetched within 500 ms");
  expect_untouched();
}

TEST_F(RdbFetch, AClosedPortIsNamed) {
  Fetching fetching;
  EXPECT_EQ(problem_of(fetching.run(request({"127.0.0.1", 1, {}}))),
            "127.0.0.1:1: cannot be reached: Connection refused");
  Fetching no_address;
  EXPECT_EQ(problem_of(no_address.run(request({"server11", 1, {}}))),
            "server11:1: cannot be reached: Invalid argument");
  expect_untouched();
}

TEST_F(RdbFetch, ADirectoryThatIsNotThereIsNamed) {
  io::FetchRequest wanted = request({"127.0.0.1", 1, {}});
  wanted.target = directory_ + "/none/dump.rdb";
  Fetching fetching;
  EXPECT_EQ(problem_of(fetching.run(wanted)),
            directory_ + "/none cannot be written to: No such file or directory");
}

TEST_F(RdbFetch, AFullDiskLeavesTheOldFile) {
  const SmallDisk disk(directory_, "size=1m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting needs root";
  write_bytes(target(), kOldFile);
  const std::string large = make_rdb(std::string(4UL * 1024 * 1024, 'x'));
  const std::string mark(40, 'e');
  EXPECT_NE(fetch(kGranted + bulk(large)).find(" bytes free, 4194322 are needed"),
            std::string::npos);
  expect_untouched();
  // Without a length the disk itself has to say it.
  EXPECT_NE(fetch(kGranted + "$EOF:" + mark + "\r\n" + large + mark)
                .find(" cannot be written: No space left on device"),
            std::string::npos);
  expect_untouched();
}

// What came after a failed write is on its way to the disk before anybody hears of the failure.
TEST_F(RdbFetch, AFileWithAHoleIsNeverPlaced) {
  const std::string rdb = make_rdb("dataset");
  io::FetchFile file({.target = target(), .keep = 1, .commands = false, .loaded_by = {}, .as = {}});
  ASSERT_EQ(file.open(), std::nullopt);
  const auto problem = file.expect(std::uint64_t{1} << 60U);
  ASSERT_TRUE(problem);
  EXPECT_EQ(file.append(rdb), problem);
  EXPECT_EQ(std::get<std::string>(file.finish(0)), *problem);
  EXPECT_EQ(read_bytes(target()), kOldFile);
}

TEST_F(RdbFetch, AFileThatMayNotGrowIsAFailureOfTheDisk) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 1024UL * 1024;
  std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string problem = fetch(kGranted + bulk(make_rdb(std::string(4UL * 1024 * 1024, 'x'))));
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_NE(problem.find(" cannot be written: File too large"), std::string::npos) << problem;
  expect_untouched();
}

// A connection that has all at hand, and occupies the disk before its first byte.
class InstantStream : public io::ByteStream {
 public:
  InstantStream(Fetching& fetching, std::string script)
      : fetching_(fetching), script_(std::move(script)) {}

  void connect(Done done) override {
    boost::asio::post(fetching_.disk(),
                      [free = disk_is_free.get_future().share()] { free.wait_for(10s); });
    boost::asio::post(fetching_.loop(), [done] { done({}); });
  }
  void read(Read done) override {
    boost::asio::post(fetching_.loop(), [this, done] {
      if (closed_) return;
      const std::string piece = script_.substr(taken, 65536);
      taken += piece.size();
      done({}, piece);
    });
  }
  void write(std::string /*bytes*/, Done /*done*/) override {}
  void close() override { closed_ = true; }

  std::promise<void> disk_is_free;
  std::size_t taken = 0;

 private:
  Fetching& fetching_;
  std::string script_;
  bool closed_ = false;
};

TEST_F(RdbFetch, ABusyDiskHoldsTheServerBackAndNotTheMemory) {
  const std::string rdb = make_rdb(std::string(8UL * 1024 * 1024, 'x'));
  io::FetchRequest wanted = request({"127.0.0.1", 1, {}});
  wanted.max_queued_bytes = 1024UL * 1024;
  wanted.stall_timeout = 200ms;
  Fetching fetching;
  const auto stream = std::make_shared<InstantStream>(fetching, kGranted + bulk(rdb));
  std::optional<io::FetchResult> result;
  int samples = 0;
  std::size_t taken_meanwhile = 0;
  fetching.fetch().start(wanted, stream,
                         {[&](const TransferProgress&) {
                            if (++samples != 5) return;  // longer than the stall timeout
                            taken_meanwhile = stream->taken;
                            stream->disk_is_free.set_value();
                          },
                          [&](const io::FetchResult& told) { result = told; }});
  while (!result && fetching.loop().run_one() != 0) {
  }
  fetching.settle();
  EXPECT_EQ(problem_of(result.value()), "");
  EXPECT_LT(taken_meanwhile, 1024UL * 1024 + 2 * 65536);
  EXPECT_GT(taken_meanwhile, 1024UL * 1024);
  EXPECT_EQ(read_bytes(target()), rdb);
}

TEST_F(RdbFetch, DestroyedAtAnyMomentItLeavesNothing) {
  const std::string rdb = make_rdb(std::string(1024UL * 1024, 'x'));
  for (int steps = 0; steps < 20; ++steps) {
    const ScriptedServer server(kGranted + bulk(rdb).substr(0, rdb.size()),
                                ScriptedServer::Then::hold);
    Fetching fetching;
    fetching.fetch().start(request(address_of(server)),
                           {{}, [](const auto&) { FAIL() << "it was destroyed"; }});
    for (int i = 0; i < steps; ++i) fetching.loop().run_one_for(20ms);
    fetching.fetch().cancel();
    fetching.settle();
    expect_untouched();
  }
}

}  // namespace
}  // namespace hooks
