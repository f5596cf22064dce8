// What a node remembers of a pair across restarts: a small JSON file in state_dir, one per pair.
// Pure: text to value and back; io/record_store.hpp reads and writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace agent {

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
  bool operator==(const Record&) const = default;
};

std::string format_record(const std::string& pair, const Record& record);
// A sentence when the text is not a record of this pair: torn, foreign, of a later format.
std::variant<Record, std::string> parse_record(const std::string& pair, std::string_view text);

}  // namespace agent
