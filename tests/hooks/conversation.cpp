// See conversation.hpp.
#include "tests/hooks/conversation.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <variant>

namespace hooks {
namespace {

struct Say {
  std::string operator()(const Command& command) const {
    std::string line = std::string(to_string(command.target)) + ':';
    for (const std::string& word : command.words) line += ' ' + word;
    return line;
  }
  std::string operator()(const Commands& commands) const {
    std::string line;
    for (const Command& one : commands.all) line += (line.empty() ? "" : " + ") + (*this)(one);
    return line;
  }
  std::string operator()(const Pause& pause) const {
    const auto length = std::chrono::duration_cast<std::chrono::microseconds>(pause.duration);
    if (length.count() % 1000 != 0) return "pause " + std::to_string(length.count()) + " us";
    return "pause " + std::to_string(length.count() / 1000) + " ms";
  }
  std::string operator()(const Done&) const { return "done"; }
  std::string operator()(const Failed& failed) const {
    return (failed.refused ? "refused: " : "failed: ") + failed.why;
  }
};

bool is_end(const Step& step) {
  return std::holds_alternative<Done>(step) || std::holds_alternative<Failed>(step);
}

std::string lines(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& line : all) text += line + '\n';
  return text;
}

}  // namespace

void expect_conversation(Procedure& procedure, const std::vector<Turn>& script,
                         const std::string& end) {
  std::vector<std::string> expected;
  expected.reserve(script.size() + 1);
  for (const Turn& turn : script) expected.push_back(turn.said);
  expected.push_back(end);

  TimePoint now{};
  Step step = procedure.begin(now);
  std::vector<std::string> said = {std::visit(Say{}, step)};
  for (const Turn& turn : script) {
    if (is_end(step) || said.back() != turn.said) break;
    if (const auto* pause = std::get_if<Pause>(&step)) now += pause->duration;
    if (std::holds_alternative<Commands>(step)) {
      step = procedure.next_all(now, turn.all);
    } else {
      step = procedure.next(now, turn.reply ? &*turn.reply : nullptr);
    }
    said.push_back(std::visit(Say{}, step));
  }
  EXPECT_EQ(lines(said), lines(expected)) << "in a conversation of " << procedure.name();
}

health::Reply ok() {
  return health::Reply::status("OK");
}

health::Reply integer(std::int64_t value) {
  health::Reply reply;
  reply.type = health::Reply::Type::integer;
  reply.integer = value;
  return reply;
}

health::Reply array(const std::vector<std::string>& words) {
  health::Reply reply;
  reply.type = health::Reply::Type::array;
  for (const std::string& word : words) reply.elements.push_back(health::Reply::bulk(word));
  return reply;
}

health::Reply no_permission() {
  return health::Reply::error("NOPERM this user has no permissions to run the command");
}

health::Reply role_master() {
  health::Reply reply = array({"master"});
  reply.elements.push_back(integer(1000));
  reply.elements.push_back(array({}));
  return reply;
}

health::Reply role_replica(const std::string& host, const std::string& port,
                           const std::string& link_state) {
  health::Reply reply = array({"slave", host});
  reply.elements.push_back(integer(std::stoi(port)));
  reply.elements.push_back(health::Reply::bulk(link_state));
  reply.elements.push_back(integer(1000));
  return reply;
}

health::Reply info(const InfoText& text) {
  std::string lines = "# Persistence\r\nloading:" + std::string(text.loading ? "1" : "0") +
                      "\r\nrdb_last_bgsave_status:" + (text.bgsave_ok ? "ok" : "err") +
                      "\r\naof_last_write_status:" + (text.aof_ok ? "ok" : "err") +
                      "\r\n# Replication\r\nrole:" + text.role + "\r\n";
  const std::string offset = std::to_string(text.offset);
  if (text.role == "slave") {
    lines += "master_host:192.168.1.112\r\nmaster_port:6379\r\nmaster_link_status:" +
             std::string(text.link_up ? "up" : "down") +
             "\r\nmaster_last_io_seconds_ago:" + std::to_string(text.last_io) +
             "\r\nmaster_sync_in_progress:" + (text.sync ? "1" : "0") +
             "\r\nslave_repl_offset:" + offset + "\r\n";
    if (!text.link_up) lines += "master_link_down_since_seconds:3\r\n";
  }
  lines += "master_replid:" + text.replid + "\r\nmaster_repl_offset:" + offset + "\r\n";
  return health::Reply::bulk(lines);
}

}  // namespace hooks
