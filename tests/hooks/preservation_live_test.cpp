// What an old master holds is kept before it is replaced, from a real server, and found again.
#include "hooks/io/preservation.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/hooks/fetching.hpp"
#include "tests/hooks/live_servers.hpp"
#include "tests/hooks/script_directory.hpp"

namespace hooks {
namespace {

using io::DivergedStore;
using io::Preserved;
using testing::names_in;
using testing::read_bytes;

class Preserving : public ::testing::Test {
 protected:
  io::PreserveRequest request() const {
    io::PreserveRequest wanted;
    wanted.pair = "redis";
    wanted.epoch = 7;
    wanted.why = "it took writes after its successor was promoted";
    wanted.server = {old_master_.endpoint().host, old_master_.endpoint().port, {}};
    wanted.password = LiveServer::kPassword;
    return wanted;
  }
  Preserved preserve(const io::PreserveRequest& wanted) {
    boost::asio::io_context loop;
    boost::asio::thread_pool disk(1);
    io::Preservation preservation(loop.get_executor(), disk.get_executor(), store_);
    std::optional<Preserved> result;
    preservation.run(wanted, {}, [&](const Preserved& told) { result = told; });
    while (!result && loop.run_one() != 0) {
    }
    disk.join();
    return result.value();
  }
  // The old master has 100 keys that its successor lacks.
  StreamRange diverge() {
    LiveServer successor;
    link_up(old_master_, successor);
    EXPECT_TRUE(successor.ask({"REPLICAOF", "NO", "ONE"}).is_ok());
    Client writer = old_master_.connect();
    for (int i = 0; i < 100; ++i) writer.ask({"SET", "lost:" + std::to_string(i), "v"});
    return {old_master_.facts().replid, successor.facts().second_offset,
            old_master_.facts().offset};
  }

  testing::ScriptDirectory base_;
  std::shared_ptr<DivergedStore> store_ = std::make_shared<DivergedStore>(base_.path("diverged"));
  LiveServer old_master_;
};

TEST_F(Preserving, KeepsTheDatasetAndExactlyTheLostCommands) {
  io::PreserveRequest wanted = request();
  wanted.lost = diverge();
  wanted.keys = old_master_.facts().keys;
  const Preserved preserved = preserve(wanted);
  ASSERT_EQ(preserved.problem, "");

  const auto entries = store_->list("redis");
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].problem, "");
  EXPECT_EQ(entries[0].path, preserved.path);
  EXPECT_EQ(entries[0].about, preserved.about);
  EXPECT_EQ(store_->verify(entries[0]), "");
  EXPECT_EQ(preserved.about.commands->commands, 100U);
  EXPECT_EQ(preserved.about.replid, wanted.lost->replid);
  EXPECT_EQ(preserved.about.keys, 100);

  LiveServer scratch;
  std::filesystem::copy_file(preserved.path + "/dump.rdb", scratch.directory() + "/dump.rdb");
  ASSERT_TRUE(scratch.ask({"DEBUG", "RELOAD", "NOSAVE"}).is_ok());
  EXPECT_EQ(scratch.facts().keys, 100);
  EXPECT_EQ(scratch.ask({"GET", "lost:99"}).text, "v");
  EXPECT_NE(read_bytes(preserved.path + "/commands.resp").find("lost:99"), std::string::npos);
}

TEST_F(Preserving, WithoutTheBacklogTheDatasetIsKeptAndTheReasonTold) {
  io::PreserveRequest wanted = request();
  wanted.lost = StreamRange{std::string(40, 'f'), 1, 100};
  const Preserved preserved = preserve(wanted);
  EXPECT_EQ(preserved.problem, "");
  EXPECT_EQ(preserved.about.commands, std::nullopt);
  EXPECT_NE(preserved.about.commands_missing.find("no longer has its commands"), std::string::npos);
  EXPECT_EQ(names_in(preserved.path), (std::set<std::string>{"about.json", "dump.rdb"}));
}

TEST_F(Preserving, FromADeadServerNothingIsKeptAndNothingIsLeft) {
  io::PreserveRequest wanted = request();
  wanted.lost = StreamRange{std::string(40, 'f'), 1, 100};
  old_master_.kill();
  const Preserved preserved = preserve(wanted);
  EXPECT_EQ(preserved.problem,
            wanted.server.to_string() + ": cannot be reached: Connection refused");
  EXPECT_EQ(preserved.path, "");
  const auto left = store_->list("redis");
  ASSERT_EQ(left.size(), 0U) << left[0].path << ": " << left[0].problem << ", "
                             << names_in(left[0].path).size() << " files";
}

TEST_F(Preserving, OldCopiesArePruned) {
  const Preserved first = preserve(request());
  ASSERT_EQ(first.problem, "");
  io::PreserveRequest wanted = request();
  wanted.epoch = 8;
  wanted.keep = 1;
  EXPECT_EQ(preserve(wanted).pruned.removed.size(), 0U) << "it is too young";
  io::DivergedAbout old = first.about;
  old.name = {951782400, 7};
  const std::string path = store_->begin("redis", old.name).path;
  std::filesystem::copy_file(first.path + "/dump.rdb", path + "/dump.rdb");
  ASSERT_EQ(store_->commit(old), "");
  EXPECT_EQ(preserve(wanted).pruned.removed, std::vector{path});
}

// At whatever moment.
TEST_F(Preserving, CancelledItLeavesNothing) {
  for (int steps = 0; steps < 12; ++steps) {
    boost::asio::io_context loop;
    boost::asio::thread_pool disk(1);
    bool finished = false;
    io::Preservation preservation(loop.get_executor(), disk.get_executor(), store_);
    preservation.run(request(), {}, [&](const Preserved&) { finished = true; });
    for (int i = 0; i < steps && !finished; ++i) loop.run_one();
    preservation.cancel();
    disk.join();
    if (finished) break;
    const std::string pair = base_.path("diverged/redis");
    EXPECT_EQ(names_in(pair).size(), 0U)
        << "after " << steps << " steps: " << *names_in(pair).begin();
  }
}

// Why it was is not known here: it may be because the server was restarted without them.
TEST_F(Preserving, CancelledItKeepsCommandsThatAreWhole) {
  io::PreserveRequest wanted = request();
  wanted.lost = diverge();
  boost::asio::io_context loop;
  boost::asio::thread_pool disk(1);
  io::Preservation preservation(loop.get_executor(), disk.get_executor(), store_);
  bool cancelled = false;
  const auto cancel = [&](const TransferProgress& /*of the dataset*/) {
    preservation.cancel();
    cancelled = true;
  };
  preservation.run(wanted, cancel, [](const Preserved&) { FAIL() << "it was cancelled"; });
  while (!cancelled && loop.run_one() != 0) {
  }
  disk.join();
  const auto entries = store_->list("redis");
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(store_->verify(entries[0]), "");
  EXPECT_EQ(entries[0].about.commands->commands, 100U);
  EXPECT_EQ(entries[0].about.dataset_missing, "it was interrupted");
  EXPECT_EQ(names_in(entries[0].path), (std::set<std::string>{"about.json", "commands.resp"}));
}

}  // namespace
}  // namespace hooks
