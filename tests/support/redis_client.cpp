// See redis_client.hpp.
#include "tests/support/redis_client.hpp"

#include <hiredis/hiredis.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <array>

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

void RedisClient::Free::operator()(ssl_st* connection) const {
  ::SSL_free(connection);
}

void RedisClient::disconnect() {
  tls_.reset();
  context_.reset();
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
  if (!target_.tls_dir.empty() && !shake_hands()) {
    disconnect();
    return {Answer::Kind::silent, "the TLS handshake failed"};
  }
  if (target_.password.empty()) return {Answer::Kind::value, ""};
  append({"AUTH", target_.password});
  Answer answer = read();
  if (!answer.ok()) disconnect();
  return answer;
}

bool RedisClient::shake_hands() {
  const std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> tls(::SSL_CTX_new(TLS_client_method()),
                                                                &::SSL_CTX_free);
  const std::string dir = target_.tls_dir + "/";
  SSL_CTX_load_verify_locations(tls.get(), (dir + "ca.crt").c_str(), nullptr);
  SSL_CTX_use_certificate_file(tls.get(), (dir + "client.crt").c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_use_PrivateKey_file(tls.get(), (dir + "client.key").c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_set_verify(tls.get(), SSL_VERIFY_PEER, nullptr);
  tls_.reset(::SSL_new(tls.get()));
  return ::SSL_set_fd(tls_.get(), context_->fd) == 1 && ::SSL_connect(tls_.get()) == 1;
}

void RedisClient::append(const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> lengths;
  for (const auto& word : words) {
    texts.push_back(word.data());
    lengths.push_back(word.size());
  }
  const int count = static_cast<int>(words.size());
  if (!tls_) {
    ::redisAppendCommandArgv(context_.get(), count, texts.data(), lengths.data());
    return;
  }
  char* bytes = nullptr;
  const int size = ::redisFormatCommandArgv(&bytes, count, texts.data(), lengths.data());
  ::SSL_write(tls_.get(), bytes, size);  // what fails here is missed by the reader
  ::redisFreeCommand(bytes);
}

Answer RedisClient::read_raw(void** reply) {
  if (!tls_) {
    if (::redisGetReply(context_.get(), reply) == REDIS_OK) return {Answer::Kind::value, ""};
    return {Answer::Kind::silent, context_->errstr};
  }
  while (::redisReaderGetReply(context_->reader, reply) == REDIS_OK) {
    if (*reply != nullptr) return {Answer::Kind::value, ""};
    std::array<char, 16384> bytes{};
    const int size = ::SSL_read(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (size <= 0) return {Answer::Kind::silent, "no answer over TLS"};
    ::redisReaderFeed(context_->reader, bytes.data(), static_cast<std::size_t>(size));
  }
  return {Answer::Kind::silent, "what came over TLS is no reply"};
}

Answer RedisClient::read() {
  void* raw = nullptr;
  Answer came = read_raw(&raw);
  if (!came.ok()) {
    disconnect();
    return came;
  }
  const std::unique_ptr<redisReply, decltype(&::freeReplyObject)> reply(
      static_cast<redisReply*>(raw), &::freeReplyObject);
  const bool refused = reply->type == REDIS_REPLY_ERROR;
  return {refused ? Answer::Kind::refused : Answer::Kind::value, text_of(*reply)};
}

}  // namespace support
