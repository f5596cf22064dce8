// toml++ is used without exceptions. Lines and nesting are bounded before and while it parses,
// because its tables are destroyed by recursion.
#include "agent/io/config_tree.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 16
// A header such as "[#]" breaks a precondition inside toml++ 3.3. Where that is neither asserted
// nor assumed, the parser goes on and reports the error as any other.
#define TOML_ASSERT(expression) static_assert(true)
#pragma push_macro("NDEBUG")
#undef NDEBUG
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

namespace agent::io {
namespace {

constexpr std::size_t kMaxLine = 4096;

Place to_place(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

ValueKind to_kind(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string: return ValueKind::text;
    case toml::node_type::integer: return ValueKind::integer;
    case toml::node_type::floating_point: return ValueKind::real;
    case toml::node_type::boolean: return ValueKind::boolean;
    case toml::node_type::array: return ValueKind::array;
    case toml::node_type::table: return ValueKind::table;
    default: return ValueKind::date;
  }
}

// Deeper values than any key has are left out: they only have to be named as unknown or wrong.
constexpr int kMaxDepth = 6;

ConfigNode to_node(const toml::node& from, int depth) {
  ConfigNode node;
  node.place = to_place(from.source());
  node.kind = to_kind(from);
  if (const auto* text = from.as_string()) node.text = text->get();
  if (const auto* integer = from.as_integer()) node.integer = integer->get();
  if (const auto* boolean = from.as_boolean()) node.boolean = boolean->get();
  if (depth == kMaxDepth) return node;
  if (const auto* array = from.as_array()) {
    for (const toml::node& element : *array) node.children.push_back(to_node(element, depth + 1));
  }
  if (const auto* table = from.as_table()) {
    for (const auto& [key, value] : *table) {
      ConfigNode child = to_node(value, depth + 1);
      child.key = std::string(key.str());
      child.key_place = to_place(key.source());
      node.children.push_back(std::move(child));
    }
    std::stable_sort(
        node.children.begin(), node.children.end(),
        [](const ConfigNode& a, const ConfigNode& b) { return a.key_place < b.key_place; });
  }
  return node;
}

std::optional<unsigned> find_long_line(std::string_view text) {
  unsigned line = 1;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (end - begin > kMaxLine) return line;
    begin = end + 1;
  }
  return std::nullopt;
}

// Whether the value at `line`, or the lines above it back to its key, may be a secret.
bool is_near_secret(const std::string& text, unsigned line) {
  std::istringstream lines(text);
  std::string current;
  bool secret = false;
  for (unsigned number = 1; number <= line && std::getline(lines, current); ++number) {
    const std::size_t first = current.find_first_not_of(" \t");
    if (first == std::string::npos || current[first] == '#') continue;
    const bool names_secret =
        current.find("pass") != std::string::npos || current.find("secret") != std::string::npos;
    const bool starts_entry = current.find('=') != std::string::npos || current[first] == '[';
    secret = names_secret || (secret && !starts_entry);
  }
  return secret;
}

SyntaxError to_syntax_error(const toml::parse_error& error, const std::string& text) {
  const Place place = to_place(error.source());
  if (is_near_secret(text, place.line)) {
    return {place,
            "is not valid TOML; write the value in one pair of double quotes on one line, with "
            "\\\" and \\\\ for a quote and a backslash in it"};
  }
  std::string what = "is not valid TOML: ";
  for (const char c : error.description()) {
    const auto byte = static_cast<unsigned char>(c);
    what += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  return {place, what};
}

}  // namespace

std::string_view to_words(ValueKind kind) {
  switch (kind) {
    case ValueKind::text: return "a string";
    case ValueKind::integer: return "an integer";
    case ValueKind::real: return "a number with a fraction";
    case ValueKind::boolean: return "a boolean";
    case ValueKind::date: return "a date or time";
    case ValueKind::array: return "an array";
    case ValueKind::table: return "a table";
  }
  return "a value";
}

std::variant<ConfigNode, SyntaxError> parse_tree(const std::string& text) {
  if (const auto line = find_long_line(text)) {
    return SyntaxError{{*line, 1}, "is longer than 4096 bytes; break the line"};
  }
  const toml::parse_result result = toml::parse(std::string_view(text));
  if (!result) return to_syntax_error(result.error(), text);
  return to_node(result.table(), 0);
}

}  // namespace agent::io
