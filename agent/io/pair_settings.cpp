// What is asked beside the probes: settings of the local server that the rulebook manages (rule
// 17), rights, and further replicas.
#include <charconv>
#include <memory>

#include "agent/io/pair_runner.hpp"

namespace agent::io {

using std::chrono::steady_clock;

namespace {

constexpr auto kSettingsInterval = std::chrono::seconds(1);

// CONFIG GET: the name and the value. Servers before Redis 5 have other names and answer nothing.
const std::string* value_of(const health::Reply* reply) {
  const bool pair = reply != nullptr && reply->elements.size() == 2;
  return pair ? &reply->elements[1].text : nullptr;
}

}  // namespace

void PairRunner::ask_settings() {
  const auto now = steady_clock::now();
  if (now < settings_asked_ + kSettingsInterval) return;
  settings_asked_ = now;
  auto seen = std::make_shared<SettingsSeen>();
  seen->asked_at = now;
  local_.command({"CONFIG", "GET", "min-replicas-to-write"}, [seen](const health::Reply* reply) {
    const std::string* value = value_of(reply);
    int number = 0;
    if (value == nullptr) return;
    const char* end = value->data() + value->size();
    const bool good = std::from_chars(value->data(), end, number).ec == std::errc();
    if (good) seen->min_replicas = number;
  });
  // With an ACL user masterauth may be the password of another account.
  const std::string& wanted = config_.peer_server.password;
  if (config_.peer_server.user.empty() && !wanted.empty()) {
    local_.command({"CONFIG", "GET", "masterauth"}, [seen, wanted](const health::Reply* reply) {
      if (const std::string* value = value_of(reply)) seen->can_follow = *value == wanted;
    });
  }
  local_.command({"CONFIG", "GET", "replica-read-only"},
                 [seen, weak = std::weak_ptr(self_)](const health::Reply* reply) {
                   const auto self = weak.lock();
                   if (const std::string* value = value_of(reply)) seen->read_only = *value != "no";
                   if (self) (*self)->feed(PairInput(*seen));
                 });
}

ReplicaWatches::Events PairRunner::replica_events() {
  return {.log =
              [this](bool warning, const std::string& text) {
                const EventKind kind =
                    text.starts_with("alarm") ? EventKind::alarm : EventKind::server;
                story_.tell(kind, warning ? Severity::warning : Severity::info, text);
              },
          .changed = [this] { local_.refresh(); }};
}

ServerInspection::Say PairRunner::inspection_log() {
  return [this](bool warning, const std::string& sentence) {
    story_.tell(EventKind::server, warning ? Severity::warning : Severity::info, sentence);
  };
}

// `fresh`: a server has just said something of itself.
void PairRunner::tell_replicas(bool fresh) {
  const health::ServerFacts* leading = pair_.leading_facts();
  if (!ended_ && (leading == nullptr || fresh)) replicas_.leader_seen(leading, pair_.maintained());
}

}  // namespace agent::io
