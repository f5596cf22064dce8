// Kept copies on disk: written, listed, mistrusted, verified and pruned.
#include "hooks/io/diverged_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "hooks/rdb.hpp"
#include "tests/hooks/fetching.hpp"
#include "tests/hooks/rdb_bytes.hpp"
#include "tests/hooks/script_directory.hpp"

namespace hooks::io {

void PrintTo(const DivergedAbout& about, std::ostream* out) {
  *out << format_about(about);
}

namespace {

using testing::make_rdb;
using testing::names_in;
using testing::read_bytes;
using testing::write_bytes;
using Parsed = std::variant<DivergedAbout, std::string>;

constexpr std::int64_t kLater = 1795266062;
const std::string kCommands = "*2\r\n$3\r\nDEL\r\n$1\r\na\r\n";

KeptDataset dataset_of(const std::string& rdb) {
  RdbVerifier verifier;
  verifier.feed(rdb);
  const auto facts = std::get<RdbFacts>(verifier.finish());
  return {facts.bytes, facts.checksum, facts.header.version};
}

DivergedAbout an_about(const DivergedName& name) {
  Crc64 crc;
  crc.feed(kCommands);
  DivergedAbout about;
  about.pair = "redis";
  about.name = name;
  about.why = "the old master \"took\" 100 writes\nthat the leader lacks";
  about.server = "192.168.1.112:6379";
  about.replid = std::string(40, 'a');
  about.first_offset = 101;
  about.last_offset = 120;
  about.keys = 42;
  about.dataset = dataset_of(make_rdb("dataset"));
  about.commands = KeptCommands{kCommands.size(), crc.value(), 1, false};
  return about;
}

TEST(DivergedAbout, IsReadBackAsItWasWritten) {
  DivergedAbout about = an_about({951782400, 7});
  EXPECT_EQ(parse_about(format_about(about)), Parsed(about));
  about.commands.reset();
  about.commands_missing = "the server was restarted";
  about.keys.reset();
  EXPECT_EQ(parse_about(format_about(about)), Parsed(about));
}

TEST(DivergedAbout, IsForPeopleToo) {
  DivergedAbout about = an_about({951782400, 7});
  about.dataset = KeptDataset{25, 0xabc, 10};
  EXPECT_EQ(format_about(about), R"({
  "format": "tandem-diverged-1",
  "pair": "redis",
  "time": "20000229T000000Z",
  "epoch": 7,
  "why": "the old master \"took\" 100 writes\nthat the leader lacks",
  "server": "192.168.1.112:6379",
  "replid": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "first_offset": 101,
  "last_offset": 120,
  "dataset_missing": "",
  "commands_missing": "",
  "keys": 42,
  "dataset": {"file":"dump.rdb","bytes":25,"crc64":"0000000000000abc","rdb_version":10},
  "commands": {"file":"commands.resp","bytes":20,"crc64":")" +
                                     to_hex(about.commands->checksum) +
                                     R"(","count":1,"selects":false}
}
)");
}

TEST(DivergedAbout, IsNotTrustedWhenTornAnywhere) {
  const std::string text = format_about(an_about({951782400, 7}));
  for (std::size_t length = 0; length + 2 < text.size(); ++length) {
    EXPECT_EQ(parse_about(text.substr(0, length)), Parsed("it is no JSON object")) << length;
  }
}

TEST(DivergedAbout, IsNotTrustedWhenAKeyIsMissingOrWrong) {
  const std::string text = format_about(an_about({951782400, 7}));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    const std::size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    const auto parsed = parse_about(changed.replace(at, from.size(), to));
    const auto* why = std::get_if<std::string>(&parsed);
    return why == nullptr ? "" : *why;
  };
  EXPECT_EQ(with("tandem-diverged-1", "tandem-diverged-2"),
            "its format is not \"tandem-diverged-1\"");
  EXPECT_EQ(with("\"time\"", "\"when\""), "its \"time\" is missing or wrong");
  EXPECT_EQ(with("20000229", "20000230"), "its \"time\" is missing or wrong");
  EXPECT_EQ(with("\"epoch\": 7", "\"epoch\": -7"), "its \"epoch\" is missing or wrong");
  EXPECT_EQ(with("\"epoch\": 7", "\"epoch\": 7.5"), "its \"epoch\" is missing or wrong");
  EXPECT_EQ(with("\"epoch\": 7", "\"epoch\": \"7\""), "its \"epoch\" is missing or wrong");
  EXPECT_EQ(with("\"keys\": 42", "\"keys\": true"), "its \"keys\" is missing or wrong");
  EXPECT_EQ(with("\"selects\":false", "\"selects\":0"), "its \"commands\" is missing or wrong");
  EXPECT_EQ(with("\"rdb_version\":10", "\"rdb_version\":99999999999"),
            "its \"dataset\" is missing or wrong");
  EXPECT_EQ(with("\"dataset\": {", "\"dataset\": [{"), "it is no JSON object");
  EXPECT_EQ(with(to_hex(an_about({}).dataset->checksum), "0"),
            "its \"dataset\" is missing or wrong");
}

class DivergedCopies : public ::testing::Test {
 protected:
  std::string pair_path() const { return base_.path("diverged/redis"); }
  std::string path(const DivergedName& name, const std::string& file = "") const {
    return pair_path() + '/' + name.to_string() + (file.empty() ? "" : '/' + file);
  }
  // A whole copy, as a preservation makes it.
  void keep(DivergedAbout about) {
    const auto begun = store_.begin("redis", about.name);
    ASSERT_EQ(begun.problem, "");
    if (about.dataset) write_bytes(begun.path + "/dump.rdb", make_rdb("dataset"));
    if (about.commands) write_bytes(begun.path + "/commands.resp", kCommands);
    ASSERT_EQ(store_.commit(about), "");
  }
  std::string problem_of(const DivergedName& name) const {
    for (const DivergedEntry& entry : store_.list("redis")) {
      if (entry.path == path(name)) return entry.problem;
    }
    return "not listed";
  }

  testing::ScriptDirectory base_;
  DivergedStore store_{base_.path("diverged")};
  const DivergedName first_{951782400, 7};
  const DivergedName second_{951782401, 8};
};

TEST_F(DivergedCopies, AreListedNewestFirstAndVerified) {
  EXPECT_EQ(store_.list("redis").size(), 0U);
  keep(an_about(first_));
  keep(an_about(second_));
  const auto entries = store_.list("redis");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].about, an_about(second_));
  EXPECT_EQ(entries[1].about, an_about(first_));
  EXPECT_EQ(entries[1].path, path(first_));
  EXPECT_EQ(store_.verify(entries[0]), "");
  EXPECT_EQ(names_in(path(first_)),
            (std::set<std::string>{"about.json", "commands.resp", "dump.rdb"}));
  struct stat status {};
  ASSERT_EQ(stat(path(first_).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0700U);
  ASSERT_EQ(stat(path(first_, "about.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(DivergedCopies, TwoCopiesOfOneSecondHaveNamesOfTheirOwn) {
  const auto one = store_.begin("redis", first_);
  const auto other = store_.begin("redis", first_);
  EXPECT_EQ(one.problem, "");
  EXPECT_EQ(other.problem, "");
  EXPECT_EQ(one.name, first_);
  EXPECT_EQ(other.name.time, first_.time + 1);
  EXPECT_NE(one.path, other.path);
}

TEST_F(DivergedCopies, OneWithoutItsAboutIsUnfinished) {
  ASSERT_EQ(store_.begin("redis", first_).problem, "");
  EXPECT_EQ(problem_of(first_), "unfinished: it has no about.json");
}

TEST_F(DivergedCopies, AreNotTrustedWhenTheyAreNotAsTold) {
  keep(an_about(first_));
  const std::string dump = path(first_, "dump.rdb");
  write_bytes(dump, make_rdb("dataset") + "!");
  EXPECT_EQ(problem_of(first_), dump + " has 26 bytes, about.json says 25");
  std::filesystem::remove(dump);
  EXPECT_EQ(problem_of(first_), dump + " cannot be read: No such file or directory");
  write_bytes(dump, make_rdb("DATASET"));
  ASSERT_EQ(problem_of(first_), "");
  EXPECT_EQ(store_.verify(store_.list("redis")[0]),
            dump + " is not the file that about.json describes");
  write_bytes(path(first_, "about.json"), "{\"format\"");
  EXPECT_EQ(problem_of(first_),
            path(first_, "about.json") + " is not trusted: it is no JSON object");
  write_bytes(path(first_, "about.json"), format_about(an_about(second_)));
  EXPECT_EQ(problem_of(first_),
            path(first_, "about.json") + " is not trusted: it is that of another copy");
  write_bytes(path(first_, "about.json"), std::string(100000, '{'));
  EXPECT_EQ(problem_of(first_), path(first_, "about.json") + " is not trusted: it is too large");
}

TEST_F(DivergedCopies, AFifoInPlaceOfTheAboutHoldsNobody) {
  ASSERT_EQ(store_.begin("redis", first_).problem, "");
  ASSERT_EQ(mkfifo(path(first_, "about.json").c_str(), 0600), 0);
  EXPECT_EQ(problem_of(first_), path(first_, "about.json") + " is no regular file");
}

TEST_F(DivergedCopies, TheOldestGoAndWhatIsNotUnderstoodStays) {
  for (std::int64_t i = 0; i < 4; ++i) keep(an_about({951782400 + i, 7}));
  DivergedAbout commands_alone = an_about({951782300, 7});
  commands_alone.dataset.reset();
  keep(commands_alone);
  ASSERT_EQ(store_.begin("redis", {951782200, 1}).problem, "");
  write_bytes(path({951782401, 7}, "about.json"), "torn");
  write_bytes(path({951782400, 7}, "notes.txt"), "an operator's");
  write_bytes(pair_path() + "/README", "an operator's");

  const auto pruned = store_.prune("redis", 1, kLater);
  EXPECT_EQ(pruned.removed, std::vector<std::string>{path({951782402, 7})});
  EXPECT_EQ(pruned.problems, std::vector<std::string>{path({951782400, 7}) +
                                                      " is not removed: it also holds notes.txt"});
  EXPECT_EQ(
      names_in(pair_path()),
      (std::set<std::string>{"README", "20000228T235640Z-1", "20000228T235820Z-7",
                             "20000229T000000Z-7", "20000229T000001Z-7", "20000229T000003Z-7"}));
}

// A host that restarts each night makes such copies, of which none may be worth anything.
TEST_F(DivergedCopies, PrecautionsPushOutOnlyEachOther) {
  keep(an_about({951782300, 7}));
  for (std::int64_t i = 0; i < 3; ++i) {
    DivergedAbout precaution = an_about({951782400 + i, 7});
    precaution.precaution = true;
    EXPECT_EQ(parse_about(format_about(precaution)), Parsed(precaution));
    keep(precaution);
  }
  const auto pruned = store_.prune("redis", 2, 951782410);
  EXPECT_EQ(pruned.removed, std::vector<std::string>{path({951782400, 7})});
  EXPECT_EQ(store_.list("redis").size(), 3U);
}

// A role that goes to and fro makes one every few seconds.
TEST_F(DivergedCopies, StayForAnHourWhateverTheirNumber) {
  for (std::int64_t i = 0; i < 4; ++i) keep(an_about({951782400 + i, 7}));
  EXPECT_EQ(store_.prune("redis", 1, 951782403).removed.size(), 0U);
  EXPECT_EQ(store_.prune("redis", 1, 951782401 + 3600).removed,
            (std::vector{path({951782400, 7}), path({951782401, 7})}));
  EXPECT_EQ(store_.prune("redis", 1, kLater).removed, std::vector{path({951782402, 7})});
}

// A dataset that finds no room is tried again twice in a minute, and its commands are kept each
// time.
TEST_F(DivergedCopies, CommandsThatANewerCopyHasTooAreNotSpared) {
  for (std::int64_t i = 0; i < 4; ++i) {
    DivergedAbout commands_alone = an_about({951782400 + i, 7});
    commands_alone.dataset.reset();
    if (i == 0) commands_alone.replid = std::string(40, 'b');
    if (i == 1) commands_alone.first_offset -= 1;
    keep(commands_alone);
  }
  EXPECT_EQ(store_.prune("redis", 1, 951782403).removed, std::vector{path({951782402, 7})});
  EXPECT_EQ(store_.list("redis").size(), 3U);
}

TEST_F(DivergedCopies, WhatAnInterruptedOneLeftGoesWhenTheNextBegins) {
  std::filesystem::create_directories(path(first_));
  write_bytes(path(first_, ".tandem-fetch-abcdef"), "half a data");
  std::filesystem::create_directories(path(second_));
  write_bytes(path(second_, "notes.txt"), "an operator's");
  std::filesystem::create_directories(pair_path() + "/by-hand");
  std::filesystem::create_directories(base_.path("diverged/other/20000229T000000Z-7"));
  const auto running = store_.begin("redis", {951782402, 7});
  ASSERT_EQ(running.problem, "");
  const auto next = store_.begin("redis", {951782403, 7});
  EXPECT_EQ(next.problem, "");
  EXPECT_EQ(names_in(pair_path()),
            (std::set<std::string>{"20000229T000001Z-8", "20000229T000002Z-7", "20000229T000003Z-7",
                                   "by-hand"}));
  EXPECT_EQ(names_in(base_.path("diverged/other")).size(), 1U) << "it is of another pair";
}

// The server may have been restarted since, and be without it.
TEST_F(DivergedCopies, AWholeFileOfAnInterruptedOneGoesOnlyInItsTurn) {
  for (std::int64_t i = 0; i < 3; ++i) {
    const DivergedName name{951782400 + i, 7};
    std::filesystem::create_directories(path(name));
    write_bytes(path(name, "commands.resp"), kCommands);
  }
  const auto running = store_.begin("redis", {951782300, 7});
  write_bytes(running.path + "/commands.resp", kCommands);
  keep(an_about({951782500, 7}));
  EXPECT_EQ(store_.prune("redis", 1, 951782500).removed.size(), 0U);
  EXPECT_EQ(store_.prune("redis", 2, kLater).removed, std::vector{path({951782400, 7})});
  EXPECT_TRUE(std::filesystem::exists(running.path + "/commands.resp"));
  EXPECT_EQ(store_.list("redis").size(), 4U);
}

TEST_F(DivergedCopies, NoLinkIsFollowedWhereSomethingIsRemoved) {
  const std::string elsewhere = base_.make_directory("elsewhere", 0700);
  const std::string temporary = elsewhere + "/.tandem-fetch-abcdef";
  write_bytes(temporary, "another fetch's");
  write_bytes(elsewhere + "/dump.rdb", "a server's");
  std::filesystem::create_directories(pair_path());
  std::filesystem::create_directory_symlink(elsewhere, path(first_));
  std::filesystem::create_directory_symlink(elsewhere, pair_path() + "/.removing-x");
  ASSERT_EQ(store_.begin("redis", second_).problem, "");
  EXPECT_EQ(store_.prune("redis", 0, kLater).removed.size(), 0U);
  EXPECT_EQ(names_in(elsewhere), (std::set<std::string>{".tandem-fetch-abcdef", "dump.rdb"}));

  write_bytes(elsewhere + "/about.json", format_about(an_about(first_)));
  write_bytes(elsewhere + "/dump.rdb", make_rdb("dataset"));
  write_bytes(elsewhere + "/commands.resp", kCommands);
  EXPECT_EQ(store_.prune("redis", 0, kLater).problems,
            std::vector{path(first_) + " cannot be removed: Not a directory"});
  EXPECT_EQ(names_in(elsewhere).size(), 4U);
}

TEST_F(DivergedCopies, AbandonedNothingIsLeftButWhatWasCommitted) {
  const auto begun = store_.begin("redis", first_);
  write_bytes(begun.path + "/dump.rdb", make_rdb("dataset"));
  write_bytes(begun.path + "/commands.resp", kCommands);
  store_.abandon("redis", first_);
  EXPECT_EQ(names_in(pair_path()).size(), 0U);
  keep(an_about(first_));
  store_.abandon("redis", first_);
  EXPECT_EQ(problem_of(first_), "");
}

TEST_F(DivergedCopies, ARemovalThatWasInterruptedIsFinished) {
  keep(an_about(first_));
  std::filesystem::rename(path(first_), pair_path() + "/.removing-20000229T000000Z-7");
  EXPECT_EQ(store_.list("redis").size(), 0U);
  store_.prune("redis", 5, kLater);
  EXPECT_EQ(names_in(pair_path()).size(), 0U);
}

TEST_F(DivergedCopies, PairsStayInTheirDirectory) {
  for (const char* pair : {"", ".", "..", "../redis", "a/b"}) {
    EXPECT_NE(store_.begin(pair, first_).problem, "") << pair;
    EXPECT_EQ(store_.list(pair).size(), 0U) << pair;
  }
  write_bytes(base_.path("file"), "");
  EXPECT_EQ(DivergedStore(base_.path("file")).begin("redis", first_).problem,
            base_.path("file") + " is in the way: it is no directory");
}

}  // namespace
}  // namespace hooks::io
