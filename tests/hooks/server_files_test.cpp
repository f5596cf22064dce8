// Where a dataset goes: dump.rdb, a single AOF or the base of a multi-part one, and when it is not
// known.
#include "hooks/server_files.hpp"

#include <gtest/gtest.h>

#include "hooks/io/server_notes.hpp"

namespace hooks {
namespace {

const ServerVersion kSeven{ServerVersion::Kind::redis, "7.0.15"};
const ServerVersion kSix{ServerVersion::Kind::redis, "6.2.1"};

ServerFiles files(bool appendonly) {
  return read_server_files(
      {"dir", "/var/lib/redis", "dbfilename", "dump.rdb", "appendonly", appendonly ? "yes" : "no",
       "appenddirname", "appendonlydir", "appendfilename", "appendonly.aof", "save", "3600 1"},
      "# Server\r\nredis_version:7.0.15\r\nexecutable:/usr/bin/redis-server\r\n");
}

// "rdb /path", "aof_file /path", "aof_directory /path base manifest", or the sentence.
std::string place(const std::optional<ServerFiles>& said, const std::string& rdb_file,
                  const FilesOnDisk& on_disk, const ServerVersion& version) {
  const auto chosen = choose_place(said, rdb_file, on_disk, version);
  if (const auto* why = std::get_if<std::string>(&chosen)) return *why;
  const auto& found = std::get<DatasetPlace>(chosen);
  switch (found.kind) {
    case DatasetPlace::Kind::rdb: return "rdb " + found.path;
    case DatasetPlace::Kind::aof_file: return "aof_file " + found.path;
    case DatasetPlace::Kind::aof_directory: break;
  }
  return "aof_directory " + found.path + ' ' + found.base + ' ' + found.manifest;
}

TEST(ServerFiles, AreWhatTheServerSaid) {
  const ServerFiles said = files(true);
  EXPECT_EQ(said.version, kSeven);
  EXPECT_EQ(said.executable, "/usr/bin/redis-server");
  EXPECT_EQ(said.dir, "/var/lib/redis");
  EXPECT_TRUE(said.appendonly);
  EXPECT_TRUE(said.saves);
  EXPECT_EQ(io::parse_server_files(io::format_server_files(said)), said);
  EXPECT_EQ(io::parse_server_files("{\"dir\""), std::nullopt);
  EXPECT_EQ(io::parse_server_files("{}"), std::nullopt);
}

TEST(ServerFiles, TheProgramSaysItsVersion) {
  EXPECT_EQ(
      parse_version_line("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64"),
      kSeven);
  EXPECT_EQ(parse_version_line("Valkey server v=8.0.1 sha=00000000:0"),
            (ServerVersion{ServerVersion::Kind::valkey, "8.0.1"}));
  EXPECT_EQ(parse_version_line("redis-server: command not found"), std::nullopt);
}

TEST(DatasetPlace, OfAServerWithoutAofIsItsRdb) {
  EXPECT_EQ(place(files(false), "", {}, kSeven), "rdb /var/lib/redis/dump.rdb");
  EXPECT_EQ(place(files(false), "/data/x.rdb", {}, kSeven), "rdb /data/x.rdb");
  // What lies on the disk does not count when the server has said what it reads.
  EXPECT_EQ(place(files(false), "", {true, true}, kSeven), "rdb /var/lib/redis/dump.rdb");
}

TEST(DatasetPlace, OfAServerWithAofIsTheAof) {
  EXPECT_EQ(place(files(true), "", {}, kSeven),
            "aof_directory /var/lib/redis/appendonlydir appendonly.aof.1.base.rdb "
            "appendonly.aof.manifest");
  EXPECT_EQ(place(files(true), "", {}, kSix), "aof_file /var/lib/redis/appendonly.aof");
  EXPECT_EQ(place(files(true), "", {}, {ServerVersion::Kind::redis, "3.2.12"}),
            "Redis 3.2.12 has appendonly yes and reads no RDB as its AOF; write recovery = "
            "\"resync\"");
  EXPECT_EQ(manifest_text("appendonly.aof.1.base.rdb"),
            "file appendonly.aof.1.base.rdb seq 1 type b\n");
}

TEST(DatasetPlace, IsNotWhereverAServerSays) {
  const auto refused = [](const char* dir, const char* file) {
    ServerFiles said = files(false);
    said.dir = dir;
    said.dbfilename = file;
    return refuse_said(said, "/var/lib/tandem").value_or("fine");
  };
  EXPECT_EQ(refused("/var/lib/redis", "dump.rdb"), "fine");
  EXPECT_EQ(refused("/var/lib/tandem-data", "dump.rdb"), "fine");
  EXPECT_EQ(
      refused("/var/lib/redis", "../tandem/redis.json"),
      "the local server calls a file of its dataset \"../tandem/redis.json\": no server keeps "
      "its data there; look who changed it (CONFIG GET dir dbfilename), or write rdb_file in "
      "[pair.server]");
  for (const char* dir : {"/", "", "data", "/etc", "/etc/cron.d", "/var/lib/tandem",
                          "/var/lib/tandem/diverged", "/run/systemd", "/usr/bin"}) {
    EXPECT_NE(refused(dir, "dump.rdb"), "fine") << dir;
  }
  ServerFiles said = files(true);
  said.appenddirname = "..";
  EXPECT_TRUE(refuse_said(said, "/var/lib/tandem"));
}

TEST(DatasetPlace, OfASilentServerIsReadFromTheDisk) {
  EXPECT_NE(place({}, "", {}, kSeven).find("write rdb_file in [pair.server]"), std::string::npos);
  EXPECT_EQ(place({}, "/d/dump.rdb", {}, kSeven), "rdb /d/dump.rdb");
  EXPECT_EQ(place({}, "/d/dump.rdb", {true, false}, kSeven),
            "aof_directory /d/appendonlydir appendonly.aof.1.base.rdb appendonly.aof.manifest");
  EXPECT_EQ(place({}, "/d/dump.rdb", {false, true}, kSix), "aof_file /d/appendonly.aof");
}

}  // namespace
}  // namespace hooks
