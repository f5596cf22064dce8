// The journal of a recovery and its progress, as text.
#pragma once

#include <optional>
#include <string>

#include "hooks/recovery.hpp"
#include "hooks/transfer_rate.hpp"

namespace hooks::io {

std::string format_journal(const std::string& pair, const RecoveryJournal& journal);
// nullopt: it is not one of this pair.
std::optional<RecoveryJournal> parse_journal(const std::string& pair, const std::string& text);

// "12.3 MB of 33.1 MB fetched, 80.2 MB/s, 1 s left"
std::string progress_words(const TransferProgress& progress);

// Of INFO stats; nullopt: they are not in it.
std::optional<SyncCounts> parse_sync_counts(const std::string& info);

}  // namespace hooks::io
