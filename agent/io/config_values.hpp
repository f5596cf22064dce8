// Words of the configuration as values: durations, sizes, addresses, paths, command lines. Each
// function takes one value of the tree and answers with it or with the sentence that refuses it:
// what is wrong and what is allowed. It knows no keys, and nothing of what other keys say.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/config.hpp"
#include "agent/io/config_tree.hpp"

namespace agent::io {

struct Refusal {
  std::string what;  // continues "KEY: ": `is a string, must be an integer from 1 to 255`
};

template <class T>
using Parsed = std::variant<T, Refusal>;

// ---- numbers and time --------------------------------------------------------------------------
Parsed<std::int64_t> parse_integer(const ConfigNode& node, std::int64_t min, std::int64_t max);
struct DurationRange {
  Duration min{};
  Duration max{};
  Duration step{1};
  std::string_view note{};  // "in whole seconds": completes "allowed are 2s to 60s"
};
// "100ms", "2s", "1.5s", "5m", "1h". A number without a unit is refused.
Parsed<Duration> parse_duration(const ConfigNode& node, const DurationRange& range);
// 1024, "512KB", "16MB", "1GB": powers of 1024.
Parsed<std::uint64_t> parse_size(const ConfigNode& node);
// As people write it: "100ms", "1.3s", "60s", "5m", "24h".
std::string to_text(Duration duration);

// ---- addresses ---------------------------------------------------------------------------------
// A server's address; host and port, or a path when `unix_allowed`.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  std::string unix_path;
  bool operator==(const Endpoint&) const = default;
};
enum class UnixSocket : std::uint8_t { allowed, refused };
Parsed<Endpoint> parse_endpoint(const ConfigNode& node, UnixSocket unix_socket);
// IPv4 or IPv6 of one host: no multicast, no loopback.
Parsed<vrrp::IpAddress> parse_host_address(const ConfigNode& node);
// IPv4 or IPv6, with the length of the interface's network.
Parsed<vrrp::Prefix> parse_vip(const ConfigNode& node);
bool is_loopback(const vrrp::IpAddress& address);

// ---- words -------------------------------------------------------------------------------------
// One line of 1 to `max_bytes` bytes without control characters.
Parsed<std::string> parse_text(const ConfigNode& node, std::size_t max_bytes);
// true or false, without quotes.
Parsed<bool> parse_boolean(const ConfigNode& node);
Parsed<std::string> parse_choice(const ConfigNode& node,
                                 std::initializer_list<std::string_view> allowed);
// [A-Za-z0-9_.-], 1 to 64.
Parsed<std::string> parse_name(const ConfigNode& node);
// What the kernel takes as the name of a network interface.
Parsed<std::string> parse_interface(const ConfigNode& node);
Parsed<std::string> parse_path(const ConfigNode& node, std::size_t max_bytes);
// A command line, or an array of words; the first word is an absolute path.
Parsed<std::vector<std::string>> parse_command(const ConfigNode& node);
// The same; the first word may also be a bare name, as systemctl, which is looked for in /usr/bin
// and the like.
Parsed<std::vector<std::string>> parse_program(const ConfigNode& node);

// `text` in double quotes, shortened, without control characters: fit for a message.
std::string quoted(std::string_view text);
// "is a string, must be an integer"
Refusal wrong_type(const ConfigNode& node, std::string_view expected);

inline constexpr std::size_t kMaxPath = 4095;       // PATH_MAX without the final zero
inline constexpr std::size_t kMaxSocketPath = 107;  // sun_path without the final zero

}  // namespace agent::io
