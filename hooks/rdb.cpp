// RDB: header, opcode 255 (EOF), eight bytes of CRC-64, little endian; all zero when the server is
// told to write none (rdbLoadRio, rdbSaveRio).
#include "hooks/rdb.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "hooks/dialogue.hpp"

namespace hooks {
namespace {

constexpr std::size_t kTrailerBytes = 8;
constexpr char kEof = '\xff';
// Files of earlier versions have no checksum; no server that still runs writes them.
constexpr int kFirstWithChecksum = 5;

struct Release {
  int major = 0;
  int minor = 0;
  bool operator>=(const Release& other) const {
    return major != other.major ? major > other.major : minor >= other.minor;
  }
};
struct Loadable {
  Release since;
  int rdb_version = 0;
};

constexpr std::array<Loadable, 9> kRedis = {{{{8, 6}, 13},
                                             {{7, 4}, 12},
                                             {{7, 2}, 11},
                                             {{7, 0}, 10},
                                             {{5, 0}, 9},
                                             {{4, 0}, 8},
                                             {{3, 2}, 7},
                                             {{2, 6}, 6},
                                             {{0, 0}, 5}}};
// Of the Redis format: what Valkey shares with Redis 7.2.
constexpr int kValkeyLoadsRedis = 11;
constexpr Release kFirstOwnFormat = {9, 0};
constexpr int kValkeyOwnFormat = 80;

std::optional<int> parse_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<Release> parse_release(std::string_view version) {
  const std::size_t dot = version.find('.');
  const auto major = parse_number(version.substr(0, dot));
  if (!major || dot == std::string_view::npos) return std::nullopt;
  const std::string_view rest = version.substr(dot + 1);
  const auto minor = parse_number(rest.substr(0, rest.find_first_of(".-")));
  if (!minor) return std::nullopt;
  return Release{*major, *minor};
}

int newest_redis_format(const ServerVersion& server, const Release& release) {
  if (server.kind == ServerVersion::Kind::valkey) return kValkeyLoadsRedis;
  const auto* known = std::find_if(kRedis.begin(), kRedis.end(),
                                   [&](const Loadable& row) { return release >= row.since; });
  return known->rdb_version;
}

std::string field(std::string_view info, std::string_view name) {
  const std::string key = std::string(name) + ':';
  for (std::size_t at = 0; at < info.size();) {
    const std::size_t end = std::min(info.find('\n', at), info.size());
    std::string_view line = info.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(key)) return std::string(line.substr(key.size()));
    at = end + 1;
  }
  return {};
}

}  // namespace

std::string RdbHeader::to_string() const {
  const std::string name = format == Format::valkey ? "Valkey RDB" : "RDB";
  return name + " version " + std::to_string(version);
}

std::variant<RdbHeader, std::string> read_rdb_header(std::string_view bytes) {
  bytes = bytes.substr(0, kRdbHeaderBytes);
  for (const auto& [magic, format] : {std::pair{"REDIS", RdbHeader::Format::redis},
                                      std::pair{"VALKEY", RdbHeader::Format::valkey}}) {
    if (bytes.size() < kRdbHeaderBytes || !bytes.starts_with(magic)) continue;
    const auto version = parse_number(bytes.substr(std::string_view(magic).size()));
    if (version && *version > 0) return RdbHeader{format, *version};
  }
  return "it is not an RDB file: it begins with " + quote(health::Reply::bulk(std::string(bytes)));
}

void RdbVerifier::judge_header(std::string_view bytes) {
  head_ += bytes.substr(0, kRdbHeaderBytes - head_.size());
  if (head_.size() < kRdbHeaderBytes) return;
  const auto read = read_rdb_header(head_);
  if (const auto* problem = std::get_if<std::string>(&read)) {
    problem_ = *problem;
    return;
  }
  header_ = std::get<RdbHeader>(read);
  if (header_->version < kFirstWithChecksum) {
    problem_ = "it is of " + header_->to_string() +
               ", which has no checksum; the oldest accepted is " +
               std::to_string(kFirstWithChecksum);
  }
}

void RdbVerifier::feed(std::string_view bytes) {
  if (problem_ || bytes.empty()) return;
  bytes_ += bytes.size();
  if (!header_) judge_header(bytes);
  // The tail and `bytes` together, less the new tail, are known not to be the trailer.
  const std::size_t total = tail_.size() + bytes.size();
  const std::size_t settled = total > kTrailerBytes ? total - kTrailerBytes : 0;
  const std::string_view from_tail = std::string_view(tail_).substr(0, settled);
  const std::string_view from_bytes = bytes.substr(0, settled - from_tail.size());
  for (const std::string_view piece : {from_tail, from_bytes}) {
    if (piece.empty()) continue;
    checksum_.feed(piece);
    last_ = piece.back();
  }
  tail_.erase(0, from_tail.size());
  tail_ += bytes.substr(from_bytes.size());
}

std::variant<RdbFacts, std::string> RdbVerifier::finish() const {
  if (problem_) return *problem_;
  if (bytes_ == 0) return "it is empty: no RDB was written";
  if (!header_ || bytes_ < kRdbHeaderBytes + 1 + kTrailerBytes) {
    return "it is cut off after " + std::to_string(bytes_) + " bytes, within its header or end";
  }
  std::uint64_t stored = 0;
  for (unsigned i = 0; i < kTrailerBytes; ++i) {
    stored |= std::uint64_t{static_cast<unsigned char>(tail_[i])} << (8 * i);
  }
  if (last_ != kEof) {
    return "it is damaged or cut off: after " + std::to_string(bytes_) +
           " bytes it does not end with the RDB's end mark and checksum";
  }
  if (stored != 0 && stored != checksum_.value()) {
    return "it is damaged: its checksum is " + to_hex(checksum_.value()) + ", it says " +
           to_hex(stored);
  }
  return RdbFacts{*header_, bytes_, checksum_.value(), stored != 0};
}

std::string ServerVersion::to_string() const {
  return (kind == Kind::valkey ? "Valkey " : "Redis ") + version;
}

std::optional<ServerVersion> parse_server_version(std::string_view info) {
  if (std::string valkey = field(info, "valkey_version"); !valkey.empty()) {
    return ServerVersion{ServerVersion::Kind::valkey, std::move(valkey)};
  }
  if (std::string redis = field(info, "redis_version"); !redis.empty()) {
    return ServerVersion{ServerVersion::Kind::redis, std::move(redis)};
  }
  return std::nullopt;
}

std::optional<std::string> refuse_to_load(const RdbHeader& header, const ServerVersion& server) {
  const auto release = parse_release(server.version);
  if (!release) {
    return "it is not known which RDB versions a server of version " +
           quote(health::Reply::bulk(server.version)) + " loads";
  }
  int newest = newest_redis_format(server, *release);
  if (header.format == RdbHeader::Format::valkey) {
    const bool own = server.kind == ServerVersion::Kind::valkey && *release >= kFirstOwnFormat;
    newest = own ? kValkeyOwnFormat : 0;
  }
  if (header.version <= newest) return std::nullopt;
  std::string sentence = server.to_string() + " cannot load " + header.to_string();
  if (newest > 0) sentence += ", only up to version " + std::to_string(newest);
  return sentence;
}

}  // namespace hooks
