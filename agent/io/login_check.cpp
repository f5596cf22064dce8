// See login_check.hpp.
#include "agent/io/login_check.hpp"

#include <algorithm>
#include <chrono>

#include "agent/io/server_access.hpp"
#include "agent/io/server_talk.hpp"
#include "health/facts.hpp"
#include "health/inspection.hpp"

namespace agent::io {
namespace {

constexpr std::chrono::milliseconds kPatience{100};
constexpr int kWaysToAskForRights = 2;

bool refuses_login(const health::Reply& reply) {
  return reply.is_error() && health::classify(reply) == health::ReplyKind::bad_credentials;
}

std::vector<std::string> try_login(const ServerConfig& server) {
  ServerTalk talk(server_address(server), kPatience);
  if (talk.open()) return {};
  const auto refused = talk.log_in(server.user, server.password, true);
  // Of a server that did not answer, or wants no password from us, nothing is known.
  if (refused && !talk.failure().empty()) return {};
  if (refused) return {*refused};
  const auto info = talk.ask({"INFO"});
  if (!info) return {};
  if (refuses_login(*info)) return {"the login is refused, " + std::string(info->error_code())};
  if (info->is_error()) return {};
  const auto facts = health::parse_info(info->text);
  health::Inspection inspection("the local server", server.user);
  for (int way = 0; way < kWaysToAskForRights; ++way) {
    const auto questions = inspection.facts_read(std::chrono::steady_clock::now(), facts);
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const auto reply = talk.ask(questions[i]);
      if (!reply) return {};
      inspection.answered(i, &*reply);
    }
  }
  return {inspection.missing().begin(), inspection.missing().end()};
}

}  // namespace

std::vector<std::string> login_problems(const Config& now, const Config& wanted) {
  std::vector<std::string> out;
  for (const PairConfig& pair : wanted.pairs) {
    const auto old = std::find_if(now.pairs.begin(), now.pairs.end(),
                                  [&](const PairConfig& one) { return one.name == pair.name; });
    if (old == now.pairs.end() || old->server == pair.server) continue;
    for (const std::string& why : try_login(pair.server)) {
      std::string sentence = "pair[" + pair.name + "].server: ";
      sentence += server_address(pair.server).to_string();
      sentence += ": " + why;
      out.push_back(std::move(sentence));
    }
  }
  return out;
}

}  // namespace agent::io
