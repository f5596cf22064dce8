// Typed access to a table of the configuration that collects what is wrong instead of stopping:
// missing keys, refused values, unknown keys with the nearest known name. It knows how keys are
// named and where they stand, not what any of them means.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/io/config_load.hpp"
#include "agent/io/config_tree.hpp"
#include "agent/io/config_values.hpp"

namespace agent::io {

// Where an element of a list stands: "vips[2]", counted from 1.
struct KeyPlace {
  std::string key;
  Place place;
};

class Problems {
 public:
  void error(Place place, std::string key, std::string what);
  void warning(Place place, std::string key, std::string what);
  // In the order of the file.
  std::vector<ConfigProblem> errors() const;
  std::vector<ConfigProblem> warnings() const;

 private:
  struct Entry {
    Place place;
    ConfigProblem problem;
  };
  static std::vector<ConfigProblem> in_file_order(std::vector<Entry> entries);

  std::vector<Entry> errors_;
  std::vector<Entry> warnings_;
};

// Reads one table. A key is known when it was asked for, so ask for every key, then finish().
class TableReader {
 public:
  // `name`: "pair[redis].server"; empty for the root. The node is a table and outlives the reader.
  TableReader(const ConfigNode& table, std::string name, Problems& problems);

  const std::string& name() const { return name_; }
  // "pair[redis].vrid"
  std::string key_name(std::string_view key) const;
  // Where the accepted value of `key` stands; nullopt: absent or refused.
  std::optional<Place> accepted(std::string_view key) const;
  // Of the value, else of the table.
  Place place_of(std::string_view key) const;

  // Absent keys leave `target` as it is. True: accepted.
  template <class T, class Parse>
  bool read(std::string_view key, T& target, Parse parse) {
    const ConfigNode* node = find(key);
    return node != nullptr && accept(key, *node, target, parse(*node));
  }
  // `what_for` continues "is missing; ".
  template <class T, class Parse>
  bool require(std::string_view key, T& target, Parse parse, std::string_view what_for) {
    const ConfigNode* node = find(key);
    if (node == nullptr) error(key, "is missing; " + std::string(what_for));
    return node != nullptr && accept(key, *node, target, parse(*node));
  }
  // Elements that are refused are left out; `places` gets the places of the others.
  template <class T, class Parse>
  bool read_list(std::string_view key, std::vector<T>& target, std::vector<KeyPlace>& places,
                 Parse parse) {
    const ConfigNode* node = find_array(key);
    if (node == nullptr) return false;
    for (std::size_t i = 0; i < node->children.size(); ++i) {
      const ConfigNode& element = node->children[i];
      T value{};
      std::string element_key(key);
      element_key += "[" + std::to_string(i + 1) + "]";
      if (!accept(element_key, element, value, parse(element))) continue;
      target.push_back(std::move(value));
      places.push_back({key_name(element_key), element.place});
    }
    return true;
  }
  // A table within; nullopt: absent or no table (said).
  std::optional<TableReader> table(std::string_view key);
  const ConfigNode* find(std::string_view key);

  void error(std::string_view key, std::string what);
  void warning(std::string_view key, std::string what);
  // Reports the keys that nobody asked for.
  void finish();

 private:
  const ConfigNode* find_array(std::string_view key);
  const ConfigNode* peek(std::string_view key) const;
  std::string unknown_key(std::string_view key) const;

  template <class T, class From>
  bool accept(std::string_view key, const ConfigNode& node, T& target, Parsed<From> parsed) {
    if (auto* refusal = std::get_if<Refusal>(&parsed)) {
      problems_->error(node.place, key_name(key), std::move(refusal->what));
      return false;
    }
    target = static_cast<T>(std::get<From>(std::move(parsed)));
    accepted_.emplace(key, node.place);
    return true;
  }

  const ConfigNode* table_;
  std::string name_;
  Problems* problems_;
  std::vector<std::string> known_;  // in the order of asking
  std::map<std::string, Place, std::less<>> accepted_;
};

}  // namespace agent::io
