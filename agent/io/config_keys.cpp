// See config_keys.hpp.
#include "agent/io/config_keys.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include "agent/io/config_secrets.hpp"

namespace agent::io {
namespace {

constexpr std::size_t kMaxKeyFile = 65536;
constexpr std::string_view kForm =
    "write an id from 0 to 255 and 64 to 128 hexadecimal digits, as in: echo \"1 $(openssl rand "
    "-hex 32)\"";

std::optional<std::uint8_t> parse_byte(std::string_view text, int base) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || value > 0xff) return std::nullopt;
  return static_cast<std::uint8_t>(value);
}

std::optional<std::vector<std::uint8_t>> parse_hex(std::string_view digits) {
  std::vector<std::uint8_t> bytes;
  if (digits.size() % 2 != 0) return std::nullopt;
  for (std::size_t at = 0; at < digits.size(); at += 2) {
    const auto byte = parse_byte(digits.substr(at, 2), 16);
    if (!byte) return std::nullopt;
    bytes.push_back(*byte);
  }
  return bytes;
}

Refusal not_a_key(const std::string& what) {
  std::string sentence = what;
  sentence += kForm;
  return {sentence};
}

// A line's key, or what is wrong with it.
Parsed<vrrp::AuthKey> parse_key(const std::string& line) {
  std::istringstream words(line);
  std::string id;
  std::string digits;
  std::string more;
  words >> id >> digits;
  if (digits.empty() || words >> more) return not_a_key("is not a key; ");
  const auto number = parse_byte(id, 10);
  if (!number) return not_a_key("has no id from 0 to 255; ");
  auto secret = parse_hex(digits);
  if (!secret) return not_a_key("has a secret that is not hexadecimal; ");
  if (secret->size() < vrrp::kMinAuthKeySize || secret->size() > vrrp::kMaxAuthKeySize) {
    return not_a_key("has a secret of " + std::to_string(secret->size()) +
                     " bytes; allowed are 32 to 64: ");
  }
  return vrrp::AuthKey{*number, std::move(*secret)};
}

}  // namespace

Parsed<std::vector<vrrp::AuthKey>> read_auth_key_file(const std::string& path) {
  auto file = read_secret_file(path, kMaxKeyFile, "the keys");
  if (const auto* refusal = std::get_if<Refusal>(&file)) return *refusal;
  std::vector<vrrp::AuthKey> keys;
  std::istringstream lines(std::get<std::string>(file));
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const auto first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') continue;
    auto key = parse_key(line);
    const std::string where = quoted(path) + " line " + std::to_string(number) + " ";
    if (const auto* refusal = std::get_if<Refusal>(&key)) return Refusal{where + refusal->what};
    const std::uint8_t id = std::get<vrrp::AuthKey>(key).id;
    if (std::any_of(keys.begin(), keys.end(), [&](const auto& known) { return known.id == id; })) {
      return Refusal{where + "has the id " + std::to_string(id) + " for the second time"};
    }
    keys.push_back(std::get<vrrp::AuthKey>(std::move(key)));
  }
  if (keys.empty()) return not_a_key(quoted(path) + " has no key; ");
  return keys;
}

}  // namespace agent::io
