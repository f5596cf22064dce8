// The record of a pair: as text, and as a file that may be torn, foreign or not writable.
#include "agent/record.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>

#include "agent/io/record_store.hpp"

namespace agent {

void PrintTo(const Record& record, std::ostream* out) {
  *out << format_record("p", record);
}

namespace {

namespace fs = std::filesystem;

const Record kRecord{.epoch = 7,
                     .role = RecordRole::leader,
                     .in_sync = true,
                     .has_data = true,
                     .run_id = "9f0c",
                     .replid = "b5d5",
                     .offset = 12345,
                     .lineage = {{6, "a1", "", 0, 1790000000, "it started"},
                                 {7, "b5d5", "a1", 700, 1790000100, "the leader resigned"}},
                     .peer = PeerSeen{"b5d5", 12340, 10, 1790000200},
                     .intent = "switchover",
                     .moved_away = true,
                     .takeovers = {1790000000, 1790000100}};

class Folder {
 public:
  Folder() : path_((fs::temp_directory_path() / "tandem-record-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::string file() const { return path_ + "/redis.json"; }
  void write(const std::string& text) const { std::ofstream(file()) << text; }

 private:
  std::string path_;
};

std::string save(const std::string& folder, const Record& record) {
  boost::asio::io_context loop;
  std::string answer = "no answer";
  {
    io::RecordStore store(loop.get_executor(), folder);
    store.save("redis", record, [&](const std::string& problem) { answer = problem; });
  }
  loop.run();
  return answer;
}

io::RecordStore::Loaded load(const std::string& folder) {
  boost::asio::io_context loop;
  return io::RecordStore(loop.get_executor(), folder).load("redis");
}

std::size_t kept_aside(const std::string& folder) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().find(".rejected-") != std::string::npos) ++count;
  }
  return count;
}

TEST(Record, SurvivesTheRoundTrip) {
  const auto parsed = parse_record("redis", format_record("redis", kRecord));
  ASSERT_TRUE(std::holds_alternative<Record>(parsed)) << std::get<std::string>(parsed);
  EXPECT_EQ(std::get<Record>(parsed), kRecord);
}

TEST(Record, IsNotTrustedAtAnyLengthButTheWhole) {
  const std::string whole = format_record("redis", kRecord);
  for (std::size_t length = 0; length + 2 < whole.size(); ++length) {
    EXPECT_TRUE(std::holds_alternative<std::string>(
        parse_record("redis", std::string_view(whole).substr(0, length))))
        << length;
  }
}

TEST(Record, OfAnotherPairOrFormatIsNotTrusted) {
  EXPECT_EQ(std::get<std::string>(parse_record("other", format_record("redis", kRecord))),
            "it is of another pair");
  EXPECT_EQ(std::get<std::string>(parse_record("redis", R"({"format":2,"pair":"redis"})")),
            "its format is not 1");
  EXPECT_EQ(std::get<std::string>(
                parse_record("redis", R"({"format":1,"pair":"redis","epoch":-1,"role":"leader"})")),
            "a field is missing or of the wrong type");
}

TEST(Record, OfAnEarlierVersionHasNoHistory) {
  const auto parsed = parse_record(
      "redis",
      R"({"format":1,"pair":"redis","epoch":3,"role":"standby","in_sync":true,"has_data":true,)"
      R"("run_id":"r","replid":"x","offset":5})");
  ASSERT_TRUE(std::holds_alternative<Record>(parsed)) << std::get<std::string>(parsed);
  EXPECT_TRUE(std::get<Record>(parsed).lineage.empty());
  EXPECT_FALSE(std::get<Record>(parsed).moved_away);
  EXPECT_TRUE(std::get<Record>(parsed).takeovers.empty());
}

TEST(Record, WithADamagedHistoryIsNotTrusted) {
  const std::string whole = format_record("redis", kRecord);
  for (const char* field : {"\"fork\"", "\"keys\"", "\"why\""}) {
    std::string text = whole;
    text.replace(text.find(field) + 1, 1, "X");
    EXPECT_EQ(std::get<std::string>(parse_record("redis", text)), "its history is damaged");
  }
  std::string many = "\"takeovers\":[1";
  for (std::size_t i = 0; i < kMostTakeovers; ++i) many += ",1";
  for (const std::string& wrong : std::vector<std::string>{"\"moved_away\":1", "\"takeovers\":5",
                                                           "\"takeovers\":[\"x\"]", many + "]"}) {
    Record plain = kRecord;
    plain.moved_away = false;
    plain.takeovers.clear();
    const std::string text = format_record("redis", plain);
    const std::string damaged = text.substr(0, text.rfind('}')) + "," + wrong + "}\n";
    EXPECT_EQ(std::get<std::string>(parse_record("redis", damaged)), "its history is damaged")
        << wrong.substr(0, 40);
  }
}

TEST(Lineage, KeepsTheNewestAndNamesEachOnce) {
  std::vector<LineageEntry> lineage;
  for (int i = 0; i < 20; ++i) {
    note_lineage(lineage, {1, "r" + std::to_string(i), "", 0, 0, ""});
    note_lineage(lineage, {1, "r" + std::to_string(i), "", 0, 0, "again"});
  }
  ASSERT_EQ(lineage.size(), kLineageEntries);
  EXPECT_EQ(lineage.front().replid, "r4");
  EXPECT_EQ(lineage.back(), (LineageEntry{1, "r19", "", 0, 0, ""}));
}

TEST(Lineage, FindsTheForkOverGenerations) {
  const std::vector<LineageEntry> lineage = {
      {1, "a", "", 0, 0, ""}, {2, "b", "a", 100, 0, ""}, {3, "c", "b", 300, 0, ""}};
  EXPECT_EQ(fork_from(lineage, "c", "b"), 300);
  EXPECT_EQ(fork_from(lineage, "c", "a"), 100);
  EXPECT_EQ(fork_from(lineage, "b", "a"), 100);
  EXPECT_EQ(fork_from(lineage, "a", "b"), std::nullopt);
  EXPECT_EQ(fork_from(lineage, "c", "z"), std::nullopt);
  EXPECT_EQ(fork_from({}, "c", "a"), std::nullopt);
}

TEST(Lineage, OrdersGenerations) {
  const std::vector<LineageEntry> lineage = {{2, "b", "a", 100, 0, ""}, {3, "c", "b", 300, 0, ""}};
  const auto a = generation_of(lineage, "a");
  const auto b = generation_of(lineage, "b");
  const auto c = generation_of(lineage, "c");
  ASSERT_TRUE(a && b && c);
  EXPECT_LT(*a, *b);
  EXPECT_LT(*b, *c);
  EXPECT_EQ(generation_of(lineage, "z"), std::nullopt);
  EXPECT_EQ(generation_of(lineage, ""), std::nullopt);
}

TEST(RecordStore, KeepsARecordForItsOwnerOnly) {
  const Folder folder;
  EXPECT_EQ(save(folder.path(), kRecord), "");
  EXPECT_EQ(load(folder.path()).record, kRecord);
  struct stat status {};
  ASSERT_EQ(::stat(folder.file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(RecordStore, HasNothingToSayOfAMissingFile) {
  const Folder folder;
  const auto loaded = load(folder.path());
  EXPECT_EQ(loaded.record, std::nullopt);
  EXPECT_EQ(loaded.problem, "");
}

TEST(RecordStore, PutsATornFileAsideAndNeverDeletesIt) {
  const Folder folder;
  folder.write("{\"format\":1,\"pair\":\"re");
  const auto loaded = load(folder.path());
  EXPECT_EQ(loaded.record, std::nullopt);
  EXPECT_NE(loaded.problem.find("is not trusted: it is not a whole JSON object; kept as"),
            std::string::npos)
      << loaded.problem;
  EXPECT_EQ(kept_aside(folder.path()), 1U);
}

TEST(RecordStore, SaysThatADirectoryIsNoRecord) {
  const Folder folder;
  fs::create_directory(folder.file());
  const auto loaded = load(folder.path());
  EXPECT_EQ(loaded.record, std::nullopt);
  EXPECT_TRUE(loaded.problem.ends_with("redis.json cannot be read: it is no file"))
      << loaded.problem;
}

TEST(RecordStore, SaysWhyARecordCannotBeKept) {
  const std::string problem = save("/nonexistent-directory", kRecord);
  EXPECT_EQ(problem,
            "the record cannot be kept: creating /nonexistent-directory/redis.json.new: No such "
            "file or directory");
}

TEST(RecordStore, DoesNotFollowALinkThatSomebodyPlaced) {
  const Folder folder;
  const std::string victim = folder.path() + "/victim";
  std::ofstream(victim) << "precious";
  fs::create_symlink(victim, folder.file() + ".new");
  EXPECT_EQ(save(folder.path(), kRecord), "");
  std::ifstream stream(victim);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), "precious");
}

}  // namespace
}  // namespace agent
