// Datasets fetched from real redis-servers and loaded by others.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "tests/hooks/fetching.hpp"
#include "tests/hooks/live_servers.hpp"

namespace hooks {
namespace {

using namespace std::chrono_literals;
using testing::Fetching;
using testing::names_in;
using testing::problem_of;
using testing::read_bytes;
using testing::request_to;
using testing::write_bytes;

constexpr const char* kOldFile = "the old file";

void populate(const LiveServer& server, int keys) {
  ASSERT_TRUE(server.ask({"DEBUG", "POPULATE", std::to_string(keys), "key", "20"}).is_ok());
}

std::string digest(const LiveServer& server) {
  return server.ask({"DEBUG", "DIGEST"}).text;
}

std::string dump_of(const LiveServer& server) {
  return server.directory() + "/dump.rdb";
}

// What `scratch` holds once it has loaded the dump.rdb of its directory.
void load(const LiveServer& scratch) {
  const health::Reply reply = scratch.ask({"DEBUG", "RELOAD", "NOSAVE"});
  ASSERT_TRUE(reply.is_ok()) << reply.text;
}

// A server that sends its dataset over several seconds.
void slow_down(const LiveServer& server) {
  populate(server, 100000);
  ASSERT_TRUE(server.ask({"CONFIG", "SET", "rdb-key-save-delay", "50"}).is_ok());
}

void expect_untouched(const LiveServer& scratch) {
  EXPECT_EQ(read_bytes(dump_of(scratch)), kOldFile);
  EXPECT_EQ(names_in(scratch.directory()),
            (std::set<std::string>{"dump.rdb", "redis.conf", "redis.log", "redis.sock"}));
}

class BothWaysOfSending : public ::testing::TestWithParam<const char*> {};

TEST_P(BothWaysOfSending, TheDatasetIsTheSameOnAnotherServer) {
  LiveServer source;
  LiveServer scratch;
  populate(source, 10000);
  ASSERT_TRUE(source.ask({"CONFIG", "SET", "repl-diskless-sync", GetParam()}).is_ok());

  Fetching fetching;
  const auto result = fetching.run(request_to(source, dump_of(scratch)));
  ASSERT_EQ(problem_of(result), "");
  const auto& fetched = std::get<io::Fetched>(result);
  EXPECT_EQ(fetched.replid, source.facts().replid);
  EXPECT_EQ(fetched.offset, source.facts().offset);
  EXPECT_EQ(std::get<RdbFacts>(fetched.file.facts).header.version, 10);
  EXPECT_EQ(std::get<RdbFacts>(fetched.file.facts).bytes, read_bytes(dump_of(scratch)).size());
  load(scratch);
  EXPECT_EQ(digest(scratch), digest(source));
  EXPECT_EQ(scratch.facts().keys, 10000);
}

INSTANTIATE_TEST_SUITE_P(Diskless, BothWaysOfSending, ::testing::Values("yes", "no"));

TEST(RdbFetchLive, AnEmptyDatasetIsADatasetToo) {
  LiveServer source;
  LiveServer scratch;
  populate(scratch, 10);
  Fetching fetching;
  ASSERT_EQ(problem_of(fetching.run(request_to(source, dump_of(scratch)))), "");
  load(scratch);
  EXPECT_EQ(scratch.facts().keys, 0);
}

TEST(RdbFetchLive, AMillionKeysReplaceTheOldFileWhichStaysBeside) {
  LiveServer source;
  LiveServer scratch;
  populate(source, 1000000);
  write_bytes(dump_of(scratch), kOldFile);
  Fetching fetching;
  std::uint64_t seen = 0;
  const auto result = fetching.run(request_to(source, dump_of(scratch)),
                                   [&](const auto& progress) { seen = progress.bytes; });
  ASSERT_EQ(problem_of(result), "");
  const io::FetchedFile& file = std::get<io::Fetched>(result).file;
  EXPECT_EQ(seen, std::get<RdbFacts>(file.facts).bytes);
  EXPECT_EQ(read_bytes(file.kept), kOldFile);
  load(scratch);
  EXPECT_EQ(scratch.facts().keys, 1000000);
  EXPECT_EQ(digest(scratch), digest(source));
}

TEST(RdbFetchLive, UnderAWriteLoadItHoldsWhatWasAcknowledgedBefore) {
  LiveServer source;
  LiveServer scratch;
  populate(source, 100000);
  std::atomic<bool> stop = false;
  std::atomic<int> acknowledged = 0;
  std::thread writer([&] {
    Client client = source.connect();
    while (!stop && client.ask({"SET", "new:" + std::to_string(acknowledged), "v"}).is_ok()) {
      ++acknowledged;
    }
  });
  EXPECT_TRUE(eventually([&] { return acknowledged > 100; }));
  const int before = acknowledged;
  Fetching fetching;
  const auto result = fetching.run(request_to(source, dump_of(scratch)));
  stop = true;
  writer.join();
  ASSERT_EQ(problem_of(result), "");
  load(scratch);
  Client reader = scratch.connect();
  for (int i = 0; i < before; ++i) {
    ASSERT_EQ(reader.ask({"GET", "new:" + std::to_string(i)}).text, "v") << i;
  }
}

TEST(RdbFetchLive, ComesOverAUnixSocket) {
  LiveServer source;
  LiveServer scratch;
  populate(source, 10);
  io::FetchRequest request = request_to(source, dump_of(scratch));
  request.server = {"", 0, source.unix_socket()};
  Fetching fetching;
  EXPECT_EQ(problem_of(fetching.run(request)), "");
}

TEST(RdbFetchLive, AUserNeedsThreeRightsAndEachThatIsMissingIsNamed) {
  LiveServer source;
  LiveServer scratch;
  io::FetchRequest request = request_to(source, dump_of(scratch));
  request.conversation.user = "backup";
  const std::string server = request.server.to_string();
  const auto with_rights = [&](std::vector<std::string> rights) {
    std::vector<std::string> words = {"ACL",   "SETUSER", "backup",
                                      "reset", "on",      std::string(">") + LiveServer::kPassword};
    words.insert(words.end(), rights.begin(), rights.end());
    EXPECT_TRUE(source.ask(words).is_ok());
    Fetching fetching;
    return problem_of(fetching.run(request));
  };
  const std::string needed = "; the rights it needs are +ping +replconf +psync";
  EXPECT_EQ(with_rights({"+ping", "+replconf", "+psync"}), "");
  EXPECT_EQ(with_rights({"+replconf", "+psync"}), server + ": the user may not run PING" + needed);
  EXPECT_EQ(with_rights({"+ping", "+psync"}), server + ": the user may not run REPLCONF" + needed);
  EXPECT_EQ(with_rights({"+ping", "+replconf"}), server + ": the user may not run PSYNC" + needed);
}

TEST(RdbFetchLive, WrongCredentialsLeaveTheOldFile) {
  LiveServer source;
  LiveServer scratch;
  write_bytes(dump_of(scratch), kOldFile);
  io::FetchRequest request = request_to(source, dump_of(scratch));
  const std::string server = request.server.to_string();
  Fetching without;
  request.conversation.password = "";
  EXPECT_EQ(problem_of(without.run(request)),
            server + ": the server requires a password, and none was given");
  Fetching wrong;
  request.conversation.password = "not-the-password";
  EXPECT_TRUE(problem_of(wrong.run(request))
                  .starts_with(server + ": the server does not accept the password: \"WRONGPASS"));
  expect_untouched(scratch);
}

TEST(RdbFetchLive, AnRdbThatTheLocalServerCannotLoadReplacesNothing) {
  LiveServer source;
  LiveServer scratch;
  write_bytes(dump_of(scratch), kOldFile);
  io::FetchRequest request = request_to(source, dump_of(scratch));
  request.loaded_by = ServerVersion{ServerVersion::Kind::redis, "6.2.14"};
  Fetching fetching;
  EXPECT_EQ(problem_of(fetching.run(request)),
            request.server.to_string() +
                ": what the server sent is not kept: Redis 6.2.14 cannot load RDB version 10, "
                "only up to version 9");
  expect_untouched(scratch);
}

TEST(RdbFetchLive, AServerThatIsKilledMeanwhileLeavesTheOldFile) {
  LiveServer source;
  LiveServer scratch;
  write_bytes(dump_of(scratch), kOldFile);
  slow_down(source);
  Fetching fetching;
  const auto result =
      fetching.run_and_act(request_to(source, dump_of(scratch)), 1, [&] { source.kill(); });
  EXPECT_NE(problem_of(result).find("the server closed the connection after "), std::string::npos)
      << problem_of(result);
  expect_untouched(scratch);
}

TEST(RdbFetchLive, AServerThatHangsMeanwhileIsGivenUp) {
  LiveServer source;
  LiveServer scratch;
  write_bytes(dump_of(scratch), kOldFile);
  slow_down(source);
  io::FetchRequest request = request_to(source, dump_of(scratch));
  request.stall_timeout = 300ms;
  Fetching fetching;
  const auto result = fetching.run_and_act(request, 1, [&] { source.hang(); });
  EXPECT_NE(problem_of(result).find("the server has sent nothing for 300 ms, after "),
            std::string::npos)
      << problem_of(result);
  expect_untouched(scratch);
}

TEST(RdbFetchLive, TheBudgetIsForAllOfIt) {
  LiveServer source;
  LiveServer scratch;
  write_bytes(dump_of(scratch), kOldFile);
  slow_down(source);
  io::FetchRequest request = request_to(source, dump_of(scratch));
  request.budget = 1s;
  Fetching fetching;
  EXPECT_EQ(problem_of(fetching.run(request)),
            request.server.to_string() + ": not fetched within 1 s");
  expect_untouched(scratch);
}

TEST(RdbFetchLive, ACancelledFetchLeavesNothing) {
  LiveServer source;
  LiveServer scratch;
  write_bytes(dump_of(scratch), kOldFile);
  slow_down(source);
  Fetching fetching;
  bool cancelled = false;
  fetching.fetch().start(request_to(source, dump_of(scratch)),
                         {[&](const TransferProgress&) {
                            fetching.fetch().cancel();
                            cancelled = true;
                          },
                          [](const auto&) { FAIL() << "it was cancelled"; }});
  while (!cancelled && fetching.loop().run_one() != 0) {
  }
  EXPECT_FALSE(fetching.fetch().busy());
  fetching.settle();
  expect_untouched(scratch);
}

TEST(RdbFetchLive, ARangeIsExactlyTheCommandsOfTheOldMasterAfterTheFork) {
  LiveServer old_master;
  LiveServer successor;
  link_up(old_master, successor);
  ASSERT_TRUE(old_master.ask({"SET", "common", "v"}).is_ok());
  ASSERT_TRUE(eventually([&] { return successor.facts().keys == 1; }));
  ASSERT_TRUE(successor.ask({"REPLICAOF", "NO", "ONE"}).is_ok());
  Client writer = old_master.connect();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(writer.ask({"SET", "lost:" + std::to_string(i), "v"}).is_ok());
  }

  io::FetchRequest request = request_to(old_master, old_master.directory() + "/commands.resp");
  request.conversation.range = StreamRange{
      old_master.facts().replid, successor.facts().second_offset, old_master.facts().offset};
  Fetching fetching;
  const auto result = fetching.run(request);
  ASSERT_EQ(problem_of(result), "");
  const auto& fetched = std::get<io::Fetched>(result);
  const auto& facts = std::get<StreamFacts>(fetched.file.facts);
  EXPECT_EQ(facts.commands, 100U);
  EXPECT_EQ(facts.bytes, static_cast<std::uint64_t>(request.conversation.range->bytes()));
  const std::string stream = read_bytes(fetched.file.path);
  EXPECT_EQ(stream.find("common"), std::string::npos);
  for (int i = 0; i < 100; ++i) {
    const std::string key = "lost:" + std::to_string(i);
    EXPECT_NE(stream.find("\r\n" + key + "\r\n"), std::string::npos) << key;
  }
}

TEST(RdbFetchLive, ARangeThatIsNoLongerInTheBacklogIsNotKept) {
  LiveServer master;
  LiveServer replica;
  link_up(master, replica);
  io::FetchRequest request = request_to(master, master.directory() + "/commands.resp");
  request.conversation.range = StreamRange{std::string(40, 'f'), 1, 100};
  Fetching fetching;
  EXPECT_EQ(problem_of(fetching.run(request)),
            request.server.to_string() +
                ": the server no longer has its commands from offset 1 on, or not under this "
                "replid");
  EXPECT_EQ(names_in(master.directory()).count("commands.resp"), 0U);
}

}  // namespace
}  // namespace hooks
