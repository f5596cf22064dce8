// What comes with a dataset: RDB files, the replication stream and the dialogue that fetches them.
// However the bytes are cut, the verdict is the same, and a payload is handed on byte for byte.
//
// An input is two bytes, what it is and the size of the pieces, then the bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>

#include "hooks/command_stream.hpp"
#include "hooks/psync.hpp"
#include "hooks/rdb.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using fuzz::promise;

constexpr std::size_t kChoices = 2;
constexpr std::size_t kKinds = 4;

template <typename Take>
void in_pieces(std::string_view bytes, std::size_t piece, Take take) {
  while (!bytes.empty()) {
    const std::size_t count = std::min(piece, bytes.size());
    take(bytes.substr(0, count));
    bytes.remove_prefix(count);
  }
}

template <typename Judge>
auto verdict(std::string_view bytes, std::size_t piece) {
  Judge judge;
  in_pieces(bytes, piece, [&](std::string_view part) { judge.feed(part); });
  return judge.finish();
}

template <typename Judge>
void check_judge(std::string_view bytes, std::size_t piece) {
  const auto whole = verdict<Judge>(bytes, bytes.size());
  const auto pieces = verdict<Judge>(bytes, piece);
  promise(whole.index() == pieces.index());
  if (whole.index() == 0) {
    promise(whole == pieces);
    promise(std::get<0>(whole).bytes == bytes.size());
  } else {
    promise(!std::get<1>(whole).empty() && !std::get<1>(pieces).empty());
  }
}

struct Fetched {
  hooks::Psync::State state{};
  std::string payload;
  std::string sent;
  bool operator==(const Fetched&) const = default;
};

Fetched fetch(std::string_view bytes, std::size_t piece, bool ranged) {
  hooks::PsyncRequest request{"tandem", "secret", {}};
  if (ranged) request.range = hooks::StreamRange{std::string(40, 'a'), 1, 64};
  hooks::Psync psync(request);
  Fetched out;
  out.sent = psync.begin();
  using State = hooks::Psync::State;
  in_pieces(bytes, piece, [&](std::string_view part) {
    if (psync.state() == State::done || psync.state() == State::failed) return;
    const auto step = psync.feed(part);
    out.payload += step.payload;
    out.sent += step.send;
  });
  psync.closed();
  promise(psync.state() == State::done || psync.state() == State::failed);
  promise((psync.state() == State::failed) == !psync.problem().empty());
  promise(out.payload.size() <= bytes.size());
  if (psync.total() && psync.done()) promise(psync.received() == *psync.total());
  out.state = psync.state();
  return out;
}

void check_fetch(std::string_view bytes, std::size_t piece, bool ranged) {
  const Fetched whole = fetch(bytes, bytes.size(), ranged);
  const Fetched pieces = fetch(bytes, piece, ranged);
  promise(whole.state == pieces.state);
  if (whole.state == hooks::Psync::State::done) promise(whole == pieces);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kChoices) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + kChoices, size - kChoices);
  const std::size_t piece = std::size_t{data[1]} + 1;
  switch (data[0] % kKinds) {
    case 0: check_judge<hooks::RdbVerifier>(bytes, piece); break;
    case 1: check_judge<hooks::CommandStream>(bytes, piece); break;
    case 2: check_fetch(bytes, piece, false); break;
    default: check_fetch(bytes, piece, true); break;
  }
  const auto header = hooks::read_rdb_header(bytes);
  const auto version = hooks::parse_server_version(bytes);
  if (header.index() == 0 && version) {
    (void)hooks::refuse_to_load(std::get<hooks::RdbHeader>(header), *version);
  }
  return 0;
}
