// Whatever a server sends: the reader of replies ends with replies or with a failure, at no greater
// cost than it was allowed, and however the network cuts the bytes. What reads the replies takes
// any of them.
//
// An input is two bytes, the longest reply and the size of the pieces, then what the server sends.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "health/facts.hpp"
#include "health/io/reply_reader.hpp"
#include "health/reply.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using fuzz::promise;
using health::Reply;

constexpr std::size_t kChoices = 2;

struct Heard {
  std::vector<Reply> replies;
  bool failed = false;
};

Heard hear(std::string_view bytes, std::size_t longest, std::size_t piece) {
  health::io::ReplyReader reader(longest);
  Heard heard;
  while (!bytes.empty()) {
    const std::size_t count = std::min(piece, bytes.size());
    reader.feed(bytes.substr(0, count));
    bytes.remove_prefix(count);
    while (auto reply = reader.next()) heard.replies.push_back(std::move(*reply));
  }
  heard.failed = !reader.failure().empty();
  return heard;
}

std::size_t cost(const Reply& reply) {
  std::size_t sum = reply.text.size();
  for (const Reply& element : reply.elements) sum += cost(element);
  return sum;
}

void check(const Reply& reply, std::size_t longest) {
  promise(cost(reply) <= longest);
  promise(!health::to_string(health::classify(reply)).empty());
  (void)health::parse_role(reply);
  const auto facts = health::parse_info(reply.text);
  (void)health::parse_info(reply.text, facts);
  if (const auto why = health::unsuitable(facts)) promise(!why->empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kChoices) return 0;
  const std::size_t longest = std::size_t{data[0]} * 16;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + kChoices, size - kChoices);
  const Heard whole = hear(bytes, longest, bytes.size());
  const Heard pieces = hear(bytes, longest, std::size_t{data[1]} + 1);
  // A failure may come before what stands in front of it was taken out, never a wrong reply.
  const std::size_t both = std::min(whole.replies.size(), pieces.replies.size());
  for (std::size_t i = 0; i < both; ++i) promise(whole.replies[i] == pieces.replies[i]);
  if (!whole.failed && !pieces.failed) promise(whole.replies.size() == pieces.replies.size());
  for (const Reply& reply : whole.replies) check(reply, longest);
  return 0;
}
