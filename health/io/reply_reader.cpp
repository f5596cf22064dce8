// Builds health::Reply values straight from hiredis' callbacks, so that an array of a billion
// announced elements costs only what has arrived of it.
#include "health/io/reply_reader.hpp"

#include <hiredis/read.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <utility>

namespace health::io {
namespace {

// Status, error, integer and the lengths of bulks and arrays; Redis' longest is an error of 1 kB.
constexpr std::size_t kMaxLineBytes = 64UL * 1024;
constexpr std::size_t kMaxNumberBytes = 32;

struct Budget {
  std::size_t limit = 0;
  std::size_t spent = 0;
  bool exceeded = false;

  bool spend(std::size_t bytes) {
    if (bytes > limit - spent) exceeded = true;
    if (!exceeded) spent += bytes;
    return !exceeded;
  }
};

// The new value takes its place in the array it belongs to; one without is the reply itself, owned
// by the reader until it is whole. nullptr makes hiredis stop.
void* place(const redisReadTask* task, Reply value) {
  try {
    auto* budget = static_cast<Budget*>(task->privdata);
    const std::size_t slot = task->parent != nullptr ? sizeof(Reply) : 0;
    if (!budget->spend(value.text.size() + slot)) return nullptr;
    if (task->parent == nullptr) return new Reply(std::move(value));
    auto& elements = static_cast<Reply*>(task->parent->obj)->elements;
    elements.push_back(std::move(value));
    return &elements.back();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void* create_string(const redisReadTask* task, char* text, std::size_t length) {
  const std::string_view bytes(text, length);
  switch (task->type) {
    case REDIS_REPLY_STATUS: return place(task, Reply::status(std::string(bytes)));
    case REDIS_REPLY_ERROR: return place(task, Reply::error(std::string(bytes)));
    default: return place(task, Reply::bulk(std::string(bytes)));
  }
}

void* create_array(const redisReadTask* task, int /*announced*/) {
  Reply reply;
  reply.type = Reply::Type::array;
  return place(task, std::move(reply));
}

void* create_integer(const redisReadTask* task, long long value) {
  Reply reply;
  reply.type = Reply::Type::integer;
  reply.integer = value;
  return place(task, std::move(reply));
}

void* create_nil(const redisReadTask* task) {
  return place(task, Reply{});
}

void free_reply(void* reply) {
  delete static_cast<Reply*>(reply);
}

redisReplyObjectFunctions& functions() {
  static redisReplyObjectFunctions table{create_string, create_array, create_integer, create_nil,
                                         free_reply};
  return table;
}

}  // namespace

struct ReplyReader::Impl {
  explicit Impl(std::size_t max_reply_bytes)
      : budget{max_reply_bytes}, reader(redisReaderCreateWithFunctions(&functions())) {
    if (!reader) throw std::bad_alloc();
    reader->privdata = &budget;
  }

  // What of the reply under way has arrived and lies unparsed.
  std::string_view unparsed() const {
    if (reader->buf == nullptr) return {};
    return {reader->buf + reader->pos, reader->len - reader->pos};
  }

  void fail_when_oversized();
  void fail_of_parser();
  void fail_as_larger_than(std::size_t bytes) {
    failure = "reply larger than " + std::to_string(bytes) + " bytes";
  }

  struct Free {
    void operator()(redisReader* gone) const { redisReaderFree(gone); }
  };

  Budget budget;
  std::unique_ptr<redisReader, Free> reader;
  std::string failure;
};

// hiredis waits for any announced length and any line; here is where that ends.
void ReplyReader::Impl::fail_when_oversized() {
  if (reader->ridx < 0) return;
  const std::string_view pending = unparsed();
  if (reader->rstack[reader->ridx].type != REDIS_REPLY_STRING) {
    const std::size_t longest = std::min(budget.limit, kMaxLineBytes);
    if (pending.size() > longest) fail_as_larger_than(longest);
    return;
  }
  const std::string_view digits = pending.substr(0, std::min(pending.find('\r'), kMaxNumberBytes));
  if (digits.size() == pending.size()) return;  // the length is not all here yet
  long long length = 0;                         // what is no number is the parser's to refuse
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const bool endless =
      digits.size() == kMaxNumberBytes || result.ec == std::errc::result_out_of_range;
  if (endless || std::cmp_greater(length, budget.limit - budget.spent)) {
    fail_as_larger_than(budget.limit);
  }
}

void ReplyReader::Impl::fail_of_parser() {
  if (budget.exceeded) return fail_as_larger_than(budget.limit);
  std::string_view what = reader->errstr;
  for (const std::string_view prefix : {"Protocol error, ", "Protocol error: "}) {
    if (what.starts_with(prefix)) what.remove_prefix(prefix.size());
  }
  failure = "protocol error: " + std::string(what);
}

ReplyReader::ReplyReader(std::size_t max_reply_bytes)
    : impl_(std::make_unique<Impl>(max_reply_bytes)) {}

ReplyReader::~ReplyReader() = default;

void ReplyReader::feed(std::string_view bytes) {
  if (!impl_->failure.empty()) return;
  if (redisReaderFeed(impl_->reader.get(), bytes.data(), bytes.size()) != REDIS_OK) {
    impl_->fail_of_parser();
  }
}

std::optional<Reply> ReplyReader::next() {
  if (!impl_->failure.empty()) return std::nullopt;
  void* whole = nullptr;
  if (redisReaderGetReply(impl_->reader.get(), &whole) != REDIS_OK) {
    impl_->fail_of_parser();
    return std::nullopt;
  }
  if (whole == nullptr) {
    impl_->fail_when_oversized();
    return std::nullopt;
  }
  impl_->budget.spent = 0;
  const std::unique_ptr<Reply> reply(static_cast<Reply*>(whole));
  return std::move(*reply);
}

const std::string& ReplyReader::failure() const {
  return impl_->failure;
}

}  // namespace health::io
