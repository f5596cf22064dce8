// Plays a procedure against scripted replies on a clock of its own, and compares the whole
// conversation at once. No server and no waiting.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hooks/role_change.hpp"

namespace hooks {

// One line of a conversation: what the procedure says ("local: ROLE", "pause 1 ms", "peer: PING +
// local: PING") and what comes back: a reply, or nothing (after a pause, or because the connection
// ended), or as many replies as were asked for at once.
struct Turn {
  std::string said;
  std::optional<health::Reply> reply;
  Replies all = {};
};

// Each pause moves the clock by its length, each reply by nothing. The procedure must say exactly
// the lines of `script` and then `end`: "done", "refused: why" or "failed: why".
void expect_conversation(Procedure& procedure, const std::vector<Turn>& script,
                         const std::string& end);

health::Reply ok();
health::Reply integer(std::int64_t value);
health::Reply array(const std::vector<std::string>& words);
health::Reply no_permission();
health::Reply role_master();
health::Reply role_replica(const std::string& host, const std::string& port,
                           const std::string& link_state = "connected");

// What the lines of INFO that matter here say.
struct InfoText {
  std::string role = "slave";
  bool loading = false;
  bool bgsave_ok = true;
  bool aof_ok = true;
  bool link_up = true;
  bool sync = false;
  int last_io = 0;
  std::int64_t offset = 1000;
  std::string replid = "b5d5b0a5a3f9ab2bb0e7d8f0c6a4e1d2c3b4a596";
};
health::Reply info(const InfoText& text);

}  // namespace hooks
