// The authentication trailer: whatever arrives is judged without a fault of memory, what was signed
// is accepted once, and a signed packet with a changed byte is never accepted, but for its
// checksum.
//
// An input is six bytes of choices, then a message or a whole packet. The HMAC is a cheap stand-in:
// what is looked at is which bytes are covered, not how well.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "tests/fuzz/fuzz.hpp"
#include "vrrp/admission.hpp"
#include "vrrp/advertisement.hpp"
#include "vrrp/authentication.hpp"

namespace {

using fuzz::promise;
using vrrp::Authenticator;
using vrrp::AuthMode;
using vrrp::IpAddress;

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kChoices = 6;

// Four FNV-1a sums of 64 bits: each byte changes all of them.
vrrp::Mac cheap_mac(std::span<const std::uint8_t> key, std::span<const std::uint8_t> message) {
  vrrp::Mac mac{};
  for (std::size_t part = 0; part < 4; ++part) {
    std::uint64_t sum = 0xcbf29ce484222325ULL + part;
    const auto add = [&](std::span<const std::uint8_t> bytes) {
      for (const std::uint8_t byte : bytes) sum = (sum ^ byte) * 0x100000001b3ULL;
    };
    add(key);
    add(message);
    for (std::size_t i = 0; i < 8; ++i) {
      mac[part * 8 + i] = static_cast<std::uint8_t>(sum >> (8 * i));
    }
  }
  return mac;
}

Authenticator node(AuthMode mode) {
  vrrp::AuthRules rules;
  rules.keys = {vrrp::AuthKey{1, Bytes(32, 0x5a)}, vrrp::AuthKey{2, Bytes(64, 0xa5)}};
  rules.mode = mode;
  return {rules, cheap_mac};
}

bool is_good(const std::variant<std::size_t, vrrp::AuthRefusal>& verdict) {
  const auto* size = std::get_if<std::size_t>(&verdict);
  return size != nullptr && *size == vrrp::kAuthTrailerSize;
}

// Whatever it is: no fault, and nothing without a trailer where the mode enforces one.
void check_foreign(const Bytes& packet, const IpAddress& source, AuthMode mode,
                   vrrp::WallTime now) {
  const auto verdict = node(mode).verify(packet, source, now);
  const auto* size = std::get_if<std::size_t>(&verdict);
  if (size == nullptr) return;
  promise(*size == 0 || *size == vrrp::kAuthTrailerSize);
  promise(*size != 0 || mode != AuthMode::enforce);
  promise(*size <= packet.size());
}

// What the header claims decides whether a message can be signed at all.
void check_signed(Bytes message, const IpAddress& source, std::size_t flip, vrrp::WallTime now) {
  const auto claimed = vrrp::claimed_length(message, source.family());
  if (!claimed || *claimed != message.size()) return;
  Authenticator sender = node(AuthMode::enforce);
  Authenticator receiver = node(AuthMode::enforce);
  const auto trailer = sender.sign(message, source, now);
  promise(trailer.has_value());
  vrrp::append_trailer(message, *trailer, source, source);
  promise(is_good(receiver.verify(message, source, now)));
  promise(!is_good(receiver.verify(message, source, now)));  // a replay
  const std::size_t at = flip % message.size();
  message[at] ^= static_cast<std::uint8_t>(1U << (flip % 8));
  const bool checksum = at == vrrp::kChecksumOffset || at == vrrp::kChecksumOffset + 1;
  // Type and reserved bits of the first byte are the decoder's to judge, but they are covered too.
  promise(is_good(node(AuthMode::enforce).verify(message, source, now)) == checksum);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kChoices) return 0;
  const bool ipv6 = (data[0] & 1U) != 0;
  const auto mode = static_cast<AuthMode>((data[0] >> 1U) % 3);
  const std::size_t flip = data[1] + (std::size_t{data[2]} << 8U);
  const vrrp::WallTime now{std::chrono::seconds(0x68000000 + data[3])};
  const IpAddress source =
      ipv6 ? IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, data[4]})
           : IpAddress::v4({10, 51, 0, data[4]});
  const Bytes rest(data + kChoices, data + size);
  check_foreign(rest, source, mode, now);
  check_signed(rest, source, flip, now);
  vrrp::AdmissionRules rules;
  rules.vrid = vrrp::Vrid{51};
  Authenticator receiver = node(mode);
  (void)vrrp::admit({source, source, 255, rest}, rules, &receiver, now);
  return 0;
}
