// Authentication of advertisements beyond the password of VRRPv2: a trailer behind the message that
// proves its origin by HMAC-SHA256 and its freshness by time and sequence. The format is that of
// keepalived >= 2.4.2 (auth_hmac), whose published test vectors it meets, so that both can stand in
// one group:
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |   Type (1)    |    Key ID     |           Reserved (0)        |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                  Seconds since 1970, UTC                      |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |   Fraction, 1/65536 s         |            Counter            |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |             HMAC-SHA256, its first 16 bytes                   |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// The HMAC is over: IP family (4 or 6), VRRP version, VRID, 0, source address padded to 16 bytes;
// the message with a checksum of zero; the trailer up to the HMAC; 16 zero bytes. The destination
// and the IP header are left out. Seconds, fraction and counter are one number of 64 bits, which
// grows with each advert: the clock, or the last one plus one when the clock has not moved on.
//
// Reads no clock, keeps no key in a string and prints none.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "vrrp/address.hpp"
#include "vrrp/types.hpp"

namespace vrrp {

inline constexpr std::size_t kAuthTrailerSize = 28;
using AuthTrailer = std::array<std::uint8_t, kAuthTrailerSize>;
inline constexpr std::size_t kMinAuthKeySize = 32;  // bytes
inline constexpr std::size_t kMaxAuthKeySize = 64;

// Time of day, which two hosts share when NTP runs on them.
using WallTime = std::chrono::system_clock::time_point;

// HMAC-SHA256 (RFC 2104, RFC 6234) of a library's (vrrp/io/hmac.hpp).
using Mac = std::array<std::uint8_t, 32>;
using MacFunction = Mac (*)(std::span<const std::uint8_t> key,
                            std::span<const std::uint8_t> message);

struct AuthKey {
  std::uint8_t id = 0;
  std::vector<std::uint8_t> secret;  // 32 to 64 bytes

  bool operator==(const AuthKey&) const = default;
};

// How a group gets from adverts without a trailer to such with one, host by host.
enum class AuthMode : std::uint8_t {
  enforce,       // sign; refuse what is not signed
  permissive,    // sign; accept what is not signed
  receive_only,  // do not sign; accept both
};

struct AuthRules {
  // The first one signs, each of them verifies: that makes a rotation without a gap. Not empty.
  std::vector<AuthKey> keys;
  AuthMode mode = AuthMode::enforce;
  // How far the clocks of two hosts may differ, and how old a packet may be: 1 s to 300 s.
  std::chrono::seconds window{5};
  bool operator==(const AuthRules&) const = default;
};

// In the order of the checks.
enum class AuthFailure : std::uint8_t {
  missing,      // no trailer, and the mode is enforce
  malformed,    // another type, or reserved bits set
  stale,        // its time is outside the window
  unknown_key,  // signed with a key that this node does not have
  forged,       // the HMAC is wrong
  replayed,     // not newer than the last one of this sender
};
std::string_view to_string(AuthFailure failure);

struct AuthRefusal {
  AuthFailure failure = AuthFailure::missing;
  std::chrono::seconds behind{};  // stale: how far the sender's clock is behind ours
  std::uint8_t key_id = 0;        // unknown_key, forged

  bool operator==(const AuthRefusal&) const = default;
};
std::ostream& operator<<(std::ostream& out, const AuthRefusal& refusal);

// One pair's: signs what it sends, and remembers the last sequence of each sender.
class Authenticator {
 public:
  Authenticator(AuthRules rules, MacFunction mac);

  // Rotation: the sequence sent and those heard stay in force.
  void replace_keys(std::vector<AuthKey> keys);

  // The trailer of an encoded message (advertisement.hpp, append_trailer); nullopt: not to be
  // signed.
  std::optional<AuthTrailer> sign(std::span<const std::uint8_t> message, const IpAddress& source,
                                  WallTime now);

  // How many bytes of a received message are a good trailer: kAuthTrailerSize, or 0 where the mode
  // accepts none. The sequence of a sender moves only with a right HMAC.
  std::variant<std::size_t, AuthRefusal> verify(std::span<const std::uint8_t> message,
                                                const IpAddress& source, WallTime now);

 private:
  struct Sender {
    IpAddress source;
    std::uint64_t sequence = 0;
    std::uint64_t used = 0;  // rank: the smallest was heard longest ago
  };

  std::uint64_t next_sequence(WallTime now);
  bool outside_window(std::uint64_t sequence, WallTime now) const;
  bool accept_sequence(const IpAddress& source, std::uint64_t sequence, WallTime now);
  Mac mac_of(const AuthKey& key, std::span<const std::uint8_t> signed_part,
             const IpAddress& source) const;
  const AuthKey* find_key(std::uint8_t id) const;

  AuthRules rules_;
  MacFunction mac_;
  std::uint64_t sent_ = 0;
  std::uint64_t rank_ = 0;
  std::vector<Sender> senders_;
};

}  // namespace vrrp
