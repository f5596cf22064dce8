// See recovery_journal.hpp.
#include "hooks/io/recovery_journal.hpp"

#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <string_view>

namespace hooks::io {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kMegabyte = 1000000;

std::string megabytes(std::uint64_t bytes) {
  return std::to_string(bytes / kMegabyte) + '.' +
         std::to_string(bytes % kMegabyte * 10 / kMegabyte) + " MB";
}

std::optional<std::int64_t> number_of(std::string_view info, std::string_view field) {
  std::string start = "\n";
  start += field;
  start += ':';
  const std::size_t at = info.find(start);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = info.substr(at + start.size());
  std::int64_t number = 0;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (parsed.ec != std::errc()) return std::nullopt;
  return number;
}

}  // namespace

std::string format_journal(const std::string& pair, const RecoveryJournal& journal) {
  return json::serialize(json::object{{"format", 1},
                                      {"pair", pair},
                                      {"step", to_string(journal.step)},
                                      {"placed", journal.placed},
                                      {"starts", journal.starts},
                                      {"copy", journal.copy}}) +
         "\n";
}

std::optional<RecoveryJournal> parse_journal(const std::string& pair, const std::string& text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto& object = value.get_object();
  const auto* owner = object.if_contains("pair");
  const auto* step = object.if_contains("step");
  const auto* placed = object.if_contains("placed");
  const auto* starts = object.if_contains("starts");
  const bool whole = owner != nullptr && owner->is_string() && owner->get_string() == pair &&
                     step != nullptr && step->is_string() && placed != nullptr &&
                     placed->is_bool() && starts != nullptr && starts->is_int64();
  if (!whole) return std::nullopt;
  const auto known = parse_recovery_step(std::string_view(step->get_string()));
  if (!known) return std::nullopt;
  RecoveryJournal journal{*known, placed->get_bool(), static_cast<int>(starts->get_int64()), {}};
  const auto* copy = object.if_contains("copy");
  if (copy != nullptr && copy->is_string()) journal.copy = copy->get_string();
  return journal;
}

std::string progress_words(const TransferProgress& progress) {
  if (progress.bytes == 0) return "waiting for the leader to begin";
  std::string words = megabytes(progress.bytes);
  if (progress.total) words += " of " + megabytes(*progress.total);
  words += " fetched, " + megabytes(progress.bytes_per_second) + "/s";
  if (progress.left) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(*progress.left).count();
    words += ", " + std::to_string(left) + " s left";
  }
  return words;
}

std::optional<SyncCounts> parse_sync_counts(const std::string& info) {
  const auto full = number_of(info, "sync_full");
  const auto partial = number_of(info, "sync_partial_ok");
  if (!full || !partial) return std::nullopt;
  return SyncCounts{*full, *partial};
}

}  // namespace hooks::io
