// See redis_client.hpp.
#include "tests/support/redis_client.hpp"

#include <hiredis/hiredis.h>
#include <sys/time.h>

#include "tests/support/namespace.hpp"

namespace support {
namespace {

timeval to_timeval(Millis time) {
  return {time.count() / 1000, (time.count() % 1000) * 1000};
}

std::string text_of(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER: return std::to_string(reply.integer);
    case REDIS_REPLY_NIL: return "(nil)";
    case REDIS_REPLY_ARRAY: {
      std::string lines;
      for (std::size_t i = 0; i < reply.elements; ++i) lines += text_of(*reply.element[i]) + "\n";
      return lines;
    }
    default: return {reply.str, reply.len};
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Answer& answer) {
  const char* const kind = answer.kind == Answer::Kind::value     ? ""
                           : answer.kind == Answer::Kind::refused ? "refused: "
                                                                  : "silent: ";
  return out << kind << answer.text;
}

void RedisClient::Free::operator()(redisContext* context) const {
  ::redisFree(context);
}

Answer RedisClient::command(const std::vector<std::string>& words) {
  if (!context_) {
    Answer connected = connect();
    if (!connected.ok()) return connected;
  }
  append(words);
  return read();
}

std::vector<Answer> RedisClient::pipeline(const std::vector<std::vector<std::string>>& commands) {
  if (!context_) {
    Answer connected = connect();
    if (!connected.ok()) return std::vector<Answer>(commands.size(), connected);
  }
  for (const auto& words : commands) append(words);
  std::vector<Answer> answers;
  answers.reserve(commands.size());
  while (answers.size() < commands.size()) {
    answers.push_back(context_ ? read() : Answer{Answer::Kind::silent, "connection lost"});
  }
  return answers;
}

Answer RedisClient::connect() {
  const InNamespace there(target_.netns);
  const timeval deadline = to_timeval(target_.deadline);
  context_.reset(::redisConnectWithTimeout(target_.ip.c_str(), target_.port, deadline));
  if (!context_ || context_->err != 0) {
    Answer failed{Answer::Kind::silent, context_ ? context_->errstr : "out of memory"};
    context_.reset();
    return failed;
  }
  ::redisSetTimeout(context_.get(), deadline);
  if (target_.password.empty()) return {Answer::Kind::value, ""};
  append({"AUTH", target_.password});
  Answer answer = read();
  if (!answer.ok()) context_.reset();
  return answer;
}

void RedisClient::append(const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> lengths;
  for (const auto& word : words) {
    texts.push_back(word.data());
    lengths.push_back(word.size());
  }
  ::redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(),
                           lengths.data());
}

Answer RedisClient::read() {
  void* raw = nullptr;
  if (::redisGetReply(context_.get(), &raw) != REDIS_OK) {
    Answer failed{Answer::Kind::silent, context_->errstr};
    context_.reset();
    return failed;
  }
  const std::unique_ptr<redisReply, decltype(&::freeReplyObject)> reply(
      static_cast<redisReply*>(raw), &::freeReplyObject);
  const bool refused = reply->type == REDIS_REPLY_ERROR;
  return {refused ? Answer::Kind::refused : Answer::Kind::value, text_of(*reply)};
}

}  // namespace support
