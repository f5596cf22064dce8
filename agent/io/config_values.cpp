// Numbers, durations, sizes and words. Addresses are in config_addresses.cpp.
#include "agent/io/config_values.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace agent::io {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t scale;
};
constexpr std::array<Unit, 4> kTimeUnits{
    {{"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}}};
constexpr std::array<Unit, 4> kSizeUnits{
    {{"B", 1}, {"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}}};
constexpr std::int64_t kMaxSize = 1024LL * 1024 * 1024 * 1024;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// "1.5s" as whole 1, fraction ".5" of 10 and unit "s". Few digits, so that nothing overflows.
struct Measure {
  std::int64_t whole = 0;
  std::int64_t fraction = 0;
  std::int64_t fraction_of = 1;
  std::string_view unit;
};

std::optional<Measure> split_measure(std::string_view text) {
  constexpr std::size_t kMaxWhole = 12;
  constexpr std::size_t kMaxFraction = 6;
  Measure measure;
  std::size_t at = 0;
  while (at < text.size() && is_digit(text[at])) {
    measure.whole = measure.whole * 10 + (text[at++] - '0');
    if (at > kMaxWhole) return std::nullopt;
  }
  if (at == 0) return std::nullopt;
  if (at < text.size() && text[at] == '.') {
    const std::size_t begin = ++at;
    while (at < text.size() && is_digit(text[at])) {
      measure.fraction = measure.fraction * 10 + (text[at++] - '0');
      measure.fraction_of *= 10;
      if (at - begin > kMaxFraction) return std::nullopt;
    }
    if (at == begin) return std::nullopt;
  }
  measure.unit = text.substr(at);
  return measure;
}

template <std::size_t N>
std::optional<std::int64_t> scale_of(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return unit.scale;
  }
  return std::nullopt;
}

std::optional<std::int64_t> multiply(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

Refusal without_unit(const std::string& number) {
  if (number.front() == '-') return {"is negative; write a duration such as \"100ms\" or \"2s\""};
  return {"is " + number + " without a unit; write \"" + number + "ms\", \"" + number + "s\", \"" +
          number + "m\" or \"" + number + "h\""};
}

std::optional<Duration> to_duration(const Measure& measure, std::int64_t scale) {
  const auto whole = multiply(measure.whole, scale);
  if (!whole) return std::nullopt;
  const std::int64_t fraction = measure.fraction * scale / measure.fraction_of;
  if (*whole > std::numeric_limits<std::int64_t>::max() - fraction) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(*whole + fraction));
}

}  // namespace

Parsed<std::int64_t> parse_integer(const ConfigNode& node, std::int64_t min, std::int64_t max) {
  const std::string allowed = std::to_string(min) + " to " + std::to_string(max);
  if (node.kind != ValueKind::integer) return wrong_type(node, "an integer from " + allowed);
  if (node.integer < min || node.integer > max) {
    return Refusal{std::to_string(node.integer) + " is out of range; allowed are " + allowed};
  }
  return node.integer;
}

Parsed<Duration> parse_duration(const ConfigNode& node, const DurationRange& range) {
  if (node.kind == ValueKind::integer) return without_unit(std::to_string(node.integer));
  if (node.kind == ValueKind::real) {
    return Refusal{"is a number without a unit; write for instance \"1.5s\" or \"100ms\""};
  }
  if (node.kind != ValueKind::text) {
    return wrong_type(node, "a duration such as \"100ms\" or \"2s\"");
  }
  const auto measure = split_measure(node.text);
  if (measure && measure->unit.empty()) return without_unit(node.text);
  const auto scale = measure ? scale_of(kTimeUnits, measure->unit) : std::nullopt;
  if (!scale) {
    return Refusal{quoted(node.text) +
                   " is not a duration; write a number and ms, s, m or h without a blank, as in "
                   "\"100ms\" or \"1.5s\""};
  }
  std::string allowed = "; allowed are " + to_text(range.min) + " to " + to_text(range.max);
  if (!range.note.empty()) allowed += " " + std::string(range.note);
  const auto duration = to_duration(*measure, *scale);
  if (!duration || *duration < range.min || *duration > range.max) {
    return Refusal{node.text + " is out of range" + allowed};
  }
  if (*duration % range.step != Duration{0}) {
    return Refusal{node.text + " is not a multiple of " + to_text(range.step) + allowed};
  }
  return *duration;
}

Parsed<std::uint64_t> parse_size(const ConfigNode& node) {
  const Refusal out_of_range{"is out of range; allowed are 0 to 1024GB"};
  if (node.kind == ValueKind::integer) {
    if (node.integer < 0 || node.integer > kMaxSize) return out_of_range;
    return static_cast<std::uint64_t>(node.integer);
  }
  if (node.kind != ValueKind::text) {
    return wrong_type(node, "a size in bytes or one such as \"512KB\" or \"16MB\"");
  }
  auto measure = split_measure(node.text);
  if (measure && measure->unit.empty()) measure->unit = "B";
  const auto scale = measure ? scale_of(kSizeUnits, measure->unit) : std::nullopt;
  if (!scale || measure->fraction_of != 1) {
    return Refusal{quoted(node.text) +
                   " is not a size; write a whole number and B, KB, MB or GB (powers of 1024) "
                   "without a blank, as in \"16MB\""};
  }
  const auto size = multiply(measure->whole, *scale);
  if (!size || *size > kMaxSize) return out_of_range;
  return static_cast<std::uint64_t>(*size);
}

std::string to_text(Duration duration) {
  const std::int64_t nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
  const auto& [milli, second, minute, hour] = kTimeUnits;
  const Unit* unit = &second;
  if (nanoseconds != 0 && nanoseconds < second.scale) unit = &milli;
  if (nanoseconds > minute.scale && nanoseconds % minute.scale == 0) unit = &minute;
  if (nanoseconds >= hour.scale && nanoseconds % hour.scale == 0) unit = &hour;
  std::string text = std::to_string(nanoseconds / unit->scale);
  std::string fraction = std::to_string(nanoseconds % unit->scale / (unit->scale / 1000));
  fraction.insert(0, 3 - fraction.size(), '0');
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (!fraction.empty()) text += "." + fraction;
  return text + std::string(unit->name);
}

Parsed<std::string> parse_text(const ConfigNode& node, std::size_t max_bytes) {
  if (node.kind != ValueKind::text) return wrong_type(node, "a string");
  if (node.text.empty()) return Refusal{"is empty"};
  if (node.text.size() > max_bytes) {
    return Refusal{"is longer than " + std::to_string(max_bytes) + " bytes"};
  }
  if (std::any_of(node.text.begin(), node.text.end(), is_control)) {
    return Refusal{"contains a control character; write it on one line without tabs"};
  }
  return node.text;
}

Parsed<bool> parse_boolean(const ConfigNode& node) {
  if (node.kind != ValueKind::boolean) return wrong_type(node, "true or false without quotes");
  return node.boolean;
}

Parsed<std::string> parse_choice(const ConfigNode& node,
                                 std::initializer_list<std::string_view> allowed) {
  std::string list;
  for (const std::string_view word : allowed) {
    if (node.kind == ValueKind::text && node.text == word) return node.text;
    if (!list.empty()) list += word == *(allowed.end() - 1) ? " or " : ", ";
    list += quoted(word);
  }
  if (node.kind != ValueKind::text) return wrong_type(node, list);
  return Refusal{quoted(node.text) + " is not allowed here; write " + list};
}

Parsed<std::string> parse_name(const ConfigNode& node) {
  if (node.kind != ValueKind::text) return wrong_type(node, "a string");
  const bool good = std::all_of(node.text.begin(), node.text.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '-';
  });
  if (!good || node.text.empty() || node.text.size() > 64) {
    return Refusal{quoted(node.text) +
                   " is not a name; allowed are 1 to 64 letters, digits, '_', '.' and '-'"};
  }
  return node.text;
}

Parsed<std::string> parse_interface(const ConfigNode& node) {
  if (node.kind != ValueKind::text) return wrong_type(node, "a string");
  const bool good = std::none_of(node.text.begin(), node.text.end(), [](char c) {
    return is_control(c) || c == ' ' || c == '/' || c == ':';
  });
  if (!good || node.text.empty() || node.text.size() > 15 || node.text == "." ||
      node.text == "..") {
    return Refusal{quoted(node.text) +
                   " is not the name of a network interface; allowed are 1 to 15 bytes without "
                   "blank, '/' and ':', as `ip link` shows it"};
  }
  if (node.text == "lo") {
    return Refusal{
        "\"lo\" is the loopback interface, which no other host reaches; write the one that the "
        "clients are on, as `ip link` shows it"};
  }
  return node.text;
}

Parsed<std::string> parse_path(const ConfigNode& node, std::size_t max_bytes) {
  Parsed<std::string> text = parse_text(node, max_bytes);
  if (std::holds_alternative<Refusal>(text)) return text;
  // The value is not repeated: a password may stand where the path of its file belongs.
  if (node.text.front() != '/') return Refusal{"is not an absolute path; begin it with '/'"};
  return node.text;
}

namespace {

Parsed<std::vector<std::string>> parse_words(const ConfigNode& node, bool bare_names) {
  std::vector<std::string> words;
  if (node.kind == ValueKind::text) {
    auto split = hooks::split_words(node.text);
    if (const auto* error = std::get_if<hooks::SplitError>(&split)) return Refusal{error->what};
    words = std::get<std::vector<std::string>>(std::move(split));
  } else if (node.kind == ValueKind::array) {
    for (const ConfigNode& element : node.children) {
      if (element.kind != ValueKind::text) {
        return Refusal{"contains " + std::string(to_words(element.kind)) +
                       ", must be a command line or an array of words"};
      }
      words.push_back(element.text);
    }
  } else {
    return wrong_type(node, "a command line or an array of words");
  }
  if (words.empty() || words.front().empty()) {
    return Refusal{"is empty; write the path of a script or leave the key out"};
  }
  const bool bare = bare_names && words.front().find('/') == std::string::npos;
  if (words.front().front() != '/' && !bare) {
    return Refusal{quoted(words.front()) +
                   " is not an absolute path; write the whole path of the script"};
  }
  for (const std::string& word : words) {
    if (word.find('\0') != std::string::npos) return Refusal{"contains a zero byte"};
  }
  return words;
}

}  // namespace

Parsed<std::vector<std::string>> parse_command(const ConfigNode& node) {
  return parse_words(node, false);
}

Parsed<std::vector<std::string>> parse_program(const ConfigNode& node) {
  return parse_words(node, true);
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kMaxShown = 80;
  std::string shown = "\"";
  for (const char c : text.substr(0, kMaxShown)) shown += is_control(c) ? '?' : c;
  return shown + (text.size() > kMaxShown ? "...\"" : "\"");
}

Refusal wrong_type(const ConfigNode& node, std::string_view expected) {
  return {"is " + std::string(to_words(node.kind)) + ", must be " + std::string(expected)};
}

}  // namespace agent::io
