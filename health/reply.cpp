// Values of RESP2 and what they mean as answers to PING. Matches first words only, because Valkey
// reworded the rest; never looks at the connection they came over.
#include "health/reply.hpp"

#include <array>
#include <utility>

namespace health {

Reply Reply::status(std::string text) {
  Reply reply;
  reply.type = Type::status;
  reply.text = std::move(text);
  return reply;
}

Reply Reply::error(std::string text) {
  Reply reply;
  reply.type = Type::error;
  reply.text = std::move(text);
  return reply;
}

Reply Reply::bulk(std::string text) {
  Reply reply;
  reply.type = Type::bulk;
  reply.text = std::move(text);
  return reply;
}

std::string_view Reply::error_code() const {
  if (!is_error()) return {};
  const std::string_view whole = text;
  return whole.substr(0, whole.find(' '));
}

std::string_view to_string(ReplyKind kind) {
  switch (kind) {
    case ReplyKind::pong: return "pong";
    case ReplyKind::loading: return "loading";
    case ReplyKind::busy: return "busy";
    case ReplyKind::master_down: return "master_down";
    case ReplyKind::misconf: return "misconf";
    case ReplyKind::bad_credentials: return "bad_credentials";
    case ReplyKind::max_clients: return "max_clients";
    case ReplyKind::protected_mode: return "protected_mode";
    case ReplyKind::other_error: return "other_error";
    case ReplyKind::not_redis: return "not_redis";
  }
  return "invalid";
}

ReplyKind classify(const Reply& reply) {
  if (reply.type == Reply::Type::status && reply.text == "PONG") return ReplyKind::pong;
  if (!reply.is_error()) return ReplyKind::not_redis;

  struct Code {
    std::string_view word;
    ReplyKind kind;
  };
  static constexpr std::array kCodes{
      Code{"LOADING", ReplyKind::loading},        Code{"BUSY", ReplyKind::busy},
      Code{"MASTERDOWN", ReplyKind::master_down}, Code{"MISCONF", ReplyKind::misconf},
      Code{"NOAUTH", ReplyKind::bad_credentials}, Code{"WRONGPASS", ReplyKind::bad_credentials},
      Code{"NOPERM", ReplyKind::bad_credentials}, Code{"DENIED", ReplyKind::protected_mode},
  };
  for (const Code& code : kCodes) {
    if (reply.error_code() == code.word) return code.kind;
  }
  // Errors without a code of their own. "invalid password" is AUTH before Redis 6, "operation not
  // permitted" any command before AUTH in Redis 2.4.
  static constexpr std::array kSentences{
      Code{"ERR max number of clients", ReplyKind::max_clients},
      Code{"ERR invalid password", ReplyKind::bad_credentials},
      Code{"ERR operation not permitted", ReplyKind::bad_credentials},
  };
  for (const Code& sentence : kSentences) {
    if (reply.text.starts_with(sentence.word)) return sentence.kind;
  }
  return ReplyKind::other_error;
}

}  // namespace health
