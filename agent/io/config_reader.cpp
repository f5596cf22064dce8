// Problems in the order of the file, and the nearest known name by edit distance.
#include "agent/io/config_reader.hpp"

#include <algorithm>
#include <numeric>

namespace agent::io {
namespace {

// Levenshtein's distance, one row at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0U : 1U);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// Near enough to be meant: a typo or two, or one name is the beginning of the other.
bool is_near(std::string_view unknown, std::string_view known, std::size_t distance) {
  const std::size_t shorter = std::min(unknown.size(), known.size());
  if (shorter < 4) return distance <= 1;
  return distance <= std::max<std::size_t>(2, shorter / 3) ||
         unknown.substr(0, shorter) == known.substr(0, shorter);
}

}  // namespace

void Problems::error(Place place, std::string key, std::string what) {
  errors_.push_back({place, {place.line, std::move(key), std::move(what)}});
}

void Problems::warning(Place place, std::string key, std::string what) {
  warnings_.push_back({place, {place.line, std::move(key), std::move(what)}});
}

std::vector<ConfigProblem> Problems::errors() const {
  return in_file_order(errors_);
}

std::vector<ConfigProblem> Problems::warnings() const {
  return in_file_order(warnings_);
}

std::vector<ConfigProblem> Problems::in_file_order(std::vector<Entry> entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.place < b.place; });
  std::vector<ConfigProblem> problems;
  problems.reserve(entries.size());
  for (Entry& entry : entries) problems.push_back(std::move(entry.problem));
  return problems;
}

TableReader::TableReader(const ConfigNode& table, std::string name, Problems& problems)
    : table_(&table), name_(std::move(name)), problems_(&problems) {}

std::string TableReader::key_name(std::string_view key) const {
  std::string name = name_;
  if (!name.empty()) name += ".";
  for (const char c : key.substr(0, 64)) {
    name += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return name;
}

std::optional<Place> TableReader::accepted(std::string_view key) const {
  const auto found = accepted_.find(key);
  return found == accepted_.end() ? std::nullopt : std::optional(found->second);
}

Place TableReader::place_of(std::string_view key) const {
  const ConfigNode* node = peek(key);
  return node != nullptr ? node->place : table_->place;
}

std::optional<TableReader> TableReader::table(std::string_view key) {
  const ConfigNode* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (node->kind != ValueKind::table) {
    error(key, wrong_type(*node, "a table").what);
    return std::nullopt;
  }
  return TableReader(*node, key_name(key), *problems_);
}

const ConfigNode* TableReader::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  return peek(key);
}

void TableReader::error(std::string_view key, std::string what) {
  problems_->error(place_of(key), key_name(key), std::move(what));
}

void TableReader::warning(std::string_view key, std::string what) {
  problems_->warning(place_of(key), key_name(key), std::move(what));
}

void TableReader::finish() {
  for (const ConfigNode& entry : table_->children) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    problems_->error(entry.key_place, key_name(entry.key), unknown_key(entry.key));
  }
}

const ConfigNode* TableReader::find_array(std::string_view key) {
  const ConfigNode* node = find(key);
  if (node != nullptr && node->kind != ValueKind::array) {
    error(key, wrong_type(*node, "an array").what);
    return nullptr;
  }
  return node;
}

const ConfigNode* TableReader::peek(std::string_view key) const {
  const auto found = std::find_if(table_->children.begin(), table_->children.end(),
                                  [&](const ConfigNode& entry) { return entry.key == key; });
  return found == table_->children.end() ? nullptr : &*found;
}

std::string TableReader::unknown_key(std::string_view key) const {
  const std::string* nearest = nullptr;
  std::size_t least = 0;
  std::string list;
  for (const std::string& known : known_) {
    list += (list.empty() ? "" : ", ") + known;
    const std::size_t distance = edit_distance(key.substr(0, 64), known);
    if (!is_near(key, known, distance) || (nearest != nullptr && distance >= least)) continue;
    nearest = &known;
    least = distance;
  }
  if (nearest != nullptr) return "unknown key; did you mean \"" + *nearest + "\"?";
  return "unknown key; known here are " + list;
}

}  // namespace agent::io
