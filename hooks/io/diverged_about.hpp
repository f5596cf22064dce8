// What a kept copy of diverged data says about itself: about.json beside it. Written last, so that
// a copy without it is known to be unfinished. Read with mistrust: it may be torn or foreign.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "hooks/diverged.hpp"

namespace hooks::io {

// dump.rdb
struct KeptDataset {
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  // RdbFacts::checksum
  int rdb_version = 0;
  bool operator==(const KeptDataset&) const = default;
};

// commands.resp
struct KeptCommands {
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  // StreamFacts::checksum
  std::uint64_t commands = 0;  // of clients
  bool selects = false;        // begins with SELECT; else the first commands' database is not known
  bool operator==(const KeptCommands&) const = default;
};

struct DivergedAbout {
  std::string pair;
  DivergedName name;              // when, and in which epoch
  std::string why;                // one clause
  std::string server;             // "192.168.1.112:6379": whose data it was
  std::string replid;             // the lineage that ended
  std::int64_t first_offset = 0;  // of what the leader lacks; both 0 when it is not known
  std::int64_t last_offset = 0;
  std::optional<std::int64_t> keys;
  // Nobody could tell whether it holds anything that the leader lacks; probably not.
  bool precaution = false;
  std::optional<KeptDataset> dataset;
  std::optional<KeptCommands> commands;
  // Why the one or the other is not there: one clause each.
  std::string dataset_missing;
  std::string commands_missing;
  bool operator==(const DivergedAbout&) const = default;
};

inline constexpr std::string_view kDatasetFile = "dump.rdb";
inline constexpr std::string_view kCommandsFile = "commands.resp";
inline constexpr std::string_view kAboutFile = "about.json";

std::string format_about(const DivergedAbout& about);
// Or the clause that says why `text` is not trusted.
std::variant<DivergedAbout, std::string> parse_about(std::string_view text);

}  // namespace hooks::io
