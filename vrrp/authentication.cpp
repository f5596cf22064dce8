// See authentication.hpp. The order of the checks costs a flood of old captures no HMAC, and lets
// no unproven byte touch what is remembered of a sender.
#include "vrrp/authentication.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

#include "vrrp/advertisement.hpp"
#include "vrrp/wire.hpp"

namespace vrrp {
namespace {

constexpr std::uint8_t kTypeHmacSha256 = 1;
constexpr std::size_t kMacSize = 16;
constexpr std::size_t kPrefixSize = kAuthTrailerSize - kMacSize;
// Several senders with a right key speak in one group only while they contend for it.
constexpr std::size_t kMaxSenders = 8;

struct Trailer {
  std::uint8_t type = 0;
  std::uint8_t key_id = 0;
  std::uint16_t reserved = 0;
  std::uint64_t sequence = 0;
  std::array<std::uint8_t, kMacSize> mac{};
};

Trailer read_trailer(std::span<const std::uint8_t> bytes) {
  WireReader reader(bytes);
  Trailer trailer;
  trailer.type = reader.u8();
  trailer.key_id = reader.u8();
  trailer.reserved = reader.u16();
  const std::uint64_t seconds = reader.u32();
  trailer.sequence = seconds << 32U | reader.u32();
  reader.copy(trailer.mac);
  return trailer;
}

void write_prefix(WireWriter& writer, std::uint8_t key_id, std::uint64_t sequence) {
  writer.u8(kTypeHmacSha256);
  writer.u8(key_id);
  writer.u16(0);
  writer.u32(static_cast<std::uint32_t>(sequence >> 32U));
  writer.u32(static_cast<std::uint32_t>(sequence));
}

std::int64_t unix_seconds(WallTime now) {
  return std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
}

// Seconds and fraction; the counter is zero.
std::uint64_t clock_sequence(WallTime now) {
  using Ticks = std::chrono::duration<std::uint64_t, std::ratio<1, 65536>>;
  const auto second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  const auto fraction = std::chrono::duration_cast<Ticks>(now.time_since_epoch() - second).count();
  const auto seconds = static_cast<std::uint64_t>(static_cast<std::uint32_t>(second.count()));
  return seconds << 32U | fraction << 16U;
}

// Serial number arithmetic (RFC 1982), so that the wrap of 32-bit seconds is none.
bool is_after(std::uint64_t left, std::uint64_t right) {
  return static_cast<std::int64_t>(left - right) > 0;
}

// How far the sequence is behind `now`, in seconds; negative: ahead.
std::int64_t seconds_behind(std::uint64_t sequence, WallTime now) {
  const auto difference =
      static_cast<std::uint32_t>(unix_seconds(now)) - static_cast<std::uint32_t>(sequence >> 32U);
  return static_cast<std::int32_t>(difference);
}

// Takes as long for a nearly right HMAC as for a wrong one.
bool equal_in_constant_time(std::span<const std::uint8_t> left,
                            std::span<const std::uint8_t> right) {
  unsigned difference = 0;
  for (std::size_t i = 0; i < left.size(); ++i) difference |= unsigned{left[i]} ^ right[i];
  return difference == 0;
}

}  // namespace

std::string_view to_string(AuthFailure failure) {
  switch (failure) {
    case AuthFailure::missing: return "missing";
    case AuthFailure::malformed: return "malformed";
    case AuthFailure::stale: return "stale";
    case AuthFailure::unknown_key: return "unknown_key";
    case AuthFailure::forged: return "forged";
    case AuthFailure::replayed: return "replayed";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, const AuthRefusal& refusal) {
  out << to_string(refusal.failure);
  if (refusal.failure == AuthFailure::stale) out << ", " << refusal.behind.count() << " s behind";
  return out << ", key " << int{refusal.key_id};
}

Authenticator::Authenticator(AuthRules rules, MacFunction mac)
    : rules_(std::move(rules)), mac_(mac) {}

void Authenticator::replace_keys(std::vector<AuthKey> keys) {
  rules_.keys = std::move(keys);
}

std::optional<AuthTrailer> Authenticator::sign(std::span<const std::uint8_t> message,
                                               const IpAddress& source, WallTime now) {
  if (rules_.mode == AuthMode::receive_only || rules_.keys.empty()) return std::nullopt;
  const AuthKey& key = rules_.keys.front();
  WireWriter prefix;
  write_prefix(prefix, key.id, next_sequence(now));
  std::vector<std::uint8_t> signed_part(message.begin(), message.end());
  signed_part.insert(signed_part.end(), prefix.bytes().begin(), prefix.bytes().end());
  const Mac mac = mac_of(key, signed_part, source);
  AuthTrailer trailer{};
  std::copy_n(prefix.bytes().begin(), kPrefixSize, trailer.begin());
  std::copy_n(mac.begin(), kMacSize, trailer.begin() + kPrefixSize);
  return trailer;
}

std::variant<std::size_t, AuthRefusal> Authenticator::verify(std::span<const std::uint8_t> message,
                                                             const IpAddress& source,
                                                             WallTime now) {
  const auto length = claimed_length(message, source.family());
  if (!length || message.size() < *length + kAuthTrailerSize) {
    // Its length is judged with the rest of the message.
    if (rules_.mode != AuthMode::enforce) return std::size_t{0};
    return AuthRefusal{AuthFailure::missing};
  }
  const Trailer trailer = read_trailer(message.last(kAuthTrailerSize));
  AuthRefusal refusal{AuthFailure::malformed, {}, trailer.key_id};
  if (trailer.type != kTypeHmacSha256 || trailer.reserved != 0) return refusal;
  if (outside_window(trailer.sequence, now)) {
    refusal.failure = AuthFailure::stale;
    refusal.behind = std::chrono::seconds(seconds_behind(trailer.sequence, now));
    return refusal;
  }
  const AuthKey* key = find_key(trailer.key_id);
  refusal.failure = AuthFailure::unknown_key;
  if (key == nullptr) return refusal;
  const Mac expected = mac_of(*key, message.first(message.size() - kMacSize), source);
  refusal.failure = AuthFailure::forged;
  if (!equal_in_constant_time(trailer.mac, std::span(expected).first(kMacSize))) return refusal;
  refusal.failure = AuthFailure::replayed;
  if (!accept_sequence(source, trailer.sequence, now)) return refusal;
  return kAuthTrailerSize;
}

// After a correction of the clock by more than the window, the last number sent is one that nobody
// accepts any more: begin again at the clock.
std::uint64_t Authenticator::next_sequence(WallTime now) {
  const std::uint64_t clock = clock_sequence(now);
  if (is_after(clock, sent_) || -seconds_behind(sent_, now) > rules_.window.count()) {
    sent_ = clock;
  } else {
    ++sent_;
  }
  return sent_;
}

bool Authenticator::outside_window(std::uint64_t sequence, WallTime now) const {
  const std::int64_t behind = seconds_behind(sequence, now);
  return behind > rules_.window.count() || behind < -rules_.window.count();
}

bool Authenticator::accept_sequence(const IpAddress& source, std::uint64_t sequence, WallTime now) {
  auto sender = std::find_if(senders_.begin(), senders_.end(),
                             [&](const Sender& one) { return one.source == source; });
  if (sender == senders_.end() && senders_.size() < kMaxSenders) {
    sender = senders_.insert(sender, Sender{source, 0, 0});
  } else if (sender == senders_.end()) {
    sender = std::min_element(
        senders_.begin(), senders_.end(),
        [](const Sender& left, const Sender& right) { return left.used < right.used; });
    *sender = Sender{source, 0, 0};
  }
  // A last number outside the window orders nothing that the window lets pass.
  const bool in_force = sender->used != 0 && !outside_window(sender->sequence, now);
  if (in_force && !is_after(sequence, sender->sequence)) return false;
  sender->used = ++rank_;
  sender->sequence = sequence;
  return true;
}

// `signed_part`: the message and the trailer up to the HMAC.
Mac Authenticator::mac_of(const AuthKey& key, std::span<const std::uint8_t> signed_part,
                          const IpAddress& source) const {
  std::vector<std::uint8_t> input;
  constexpr std::size_t kPseudoSize = 20;
  input.reserve(kPseudoSize + signed_part.size() + kMacSize);
  input.push_back(static_cast<std::uint8_t>(source.family()));
  input.push_back(static_cast<std::uint8_t>(signed_part[0] >> 4U));
  input.push_back(signed_part[1]);
  input.push_back(0);
  input.insert(input.end(), source.data(), source.data() + source.size());
  input.resize(kPseudoSize);
  input.insert(input.end(), signed_part.begin(), signed_part.end());
  input.at(kPseudoSize + kChecksumOffset) = 0;
  input.at(kPseudoSize + kChecksumOffset + 1) = 0;
  input.resize(input.size() + kMacSize);
  return mac_(key.secret, input);
}

const AuthKey* Authenticator::find_key(std::uint8_t id) const {
  const auto found = std::find_if(rules_.keys.begin(), rules_.keys.end(),
                                  [&](const AuthKey& key) { return key.id == id; });
  return found == rules_.keys.end() ? nullptr : &*found;
}

}  // namespace vrrp
