// What a node remembers of a pair across restarts: a small JSON file in state_dir, one per pair.
// Pure: text to value and back; io/record_store.hpp reads and writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace agent {

// One promotion: the lineage (master_replid) that it began and where that left its parent. Servers
// themselves know only one generation (master_replid2), and none after an AOF restart.
struct LineageEntry {
  std::uint64_t epoch = 0;
  std::string replid;
  std::string parent;     // master_replid2; empty: not known
  std::int64_t fork = 0;  // second_repl_offset: the parent's first offset that is not in it
  std::int64_t time = 0;  // seconds since 1970, when it was first seen
  std::string why;        // one clause
  bool operator==(const LineageEntry&) const = default;
};
inline constexpr std::size_t kLineageEntries = 16;
inline constexpr std::size_t kMostTakeovers = 1000;

// The peer's server at last sight.
struct PeerSeen {
  std::string replid;
  std::int64_t offset = 0;
  std::int64_t keys = 0;
  std::int64_t time = 0;  // seconds since 1970
  bool operator==(const PeerSeen&) const = default;
};

// An operator's word that nothing is to be done automatically (rule 18).
struct Maintenance {
  std::string who;
  std::string why;         // may be empty
  std::int64_t since = 0;  // seconds since 1970
  std::int64_t until = 0;  // likewise; 0: until it is ended
  bool operator==(const Maintenance&) const = default;
};

enum class RecordRole : std::uint8_t { standby, leader };

struct Record {
  std::uint64_t epoch = 0;  // promotions of this pair that this node knows of
  RecordRole role = RecordRole::standby;
  // standby: our replica was in sync with the leader at last sight.
  // leader: the standby was in sync with us at last sight, so it may have been promoted since.
  bool in_sync = false;
  bool has_data = false;  // the local server held keys at last sight
  std::string run_id;     // of the local server at last sight (INFO run_id)
  // Its lineage and offset then: a server that comes back with less came back with old data.
  std::string replid;
  std::int64_t offset = 0;
  std::vector<LineageEntry> lineage{};  // the newest last, at most kLineageEntries
  // The local server's lineage when it named no parent, though it goes on in one: see renaming().
  std::optional<LineageEntry> renamed{};
  std::optional<PeerSeen> peer{};
  std::string intent{};  // "switchover": begun, not ended; empty: none
  // The other node led with this epoch after our own leading, and its writes are not here: this
  // data set may be old. 0: not so.
  std::uint64_t superseded = 0;
  // The epoch of a promotion that is under way; what else stands here is from before it. An agent
  // that died in it finds out from the server whether it came about. 0: none.
  std::uint64_t claimed = 0;
  // The peer's server held newer data than the local one when both were seen.
  bool behind = false;
  std::optional<Maintenance> maintenance{};
  // An operator gave the role away: failback leaves it there until this node has led again.
  bool moved_away = false;
  // Takeovers of this node that nobody asked for (rule 16): seconds since 1970, the oldest first.
  std::vector<std::int64_t> takeovers{};
  bool operator==(const Record&) const = default;
};

// Appends, unless the last entry is of the same lineage; the oldest goes first.
void note_lineage(std::vector<LineageEntry>& lineage, LineageEntry entry);

// How late in the journal a lineage stands, as its own entry or as a parent; later is newer.
std::optional<std::size_t> generation_of(const std::vector<LineageEntry>& lineage,
                                         const std::string& replid);

// Where `replid` left its ancestor: the ancestor's first offset that is not in it. nullopt: the
// journal knows of no way from the one to the other.
std::optional<std::int64_t> fork_from(const std::vector<LineageEntry>& lineage,
                                      const std::string& replid, const std::string& ancestor);

std::string format_record(const std::string& pair, const Record& record);
// A sentence when the text is not a record of this pair: torn, foreign, of a later format.
std::variant<Record, std::string> parse_record(const std::string& pair, std::string_view text);

}  // namespace agent
