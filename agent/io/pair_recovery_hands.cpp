// The pair's side of a recovery: what the configuration says becomes the settings of its runner,
// and what is seen of the local server goes there too. And of the fence script.
#include "agent/io/pair_runner.hpp"

namespace agent::io {

hooks::io::RecoverySettings PairRunner::recovery_settings(const std::string& state_dir) const {
  const RecoveryConfig& recovery = config_.recovery;
  hooks::io::RecoverySettings settings;
  settings.pair = config_.name;
  settings.rules = {.copy = recovery.copy,
                    .can_stop = !recovery.stop.empty(),
                    .stop_timeout = recovery.stop_timeout,
                    .start_timeout = recovery.start_timeout};
  settings.start = recovery.start;
  settings.stop = recovery.stop;
  settings.copy = recovery.command;
  settings.user = recovery.user;
  settings.rdb_file = recovery.rdb_file;
  settings.keep = recovery.keep;
  settings.copy_timeout = recovery.copy_timeout;
  settings.local = local_.address();
  settings.leader = peer_.address();
  settings.leader_user = config_.peer_server.user;
  settings.leader_password = config_.peer_server.password;
  settings.journal = state_dir + "/" + config_.name + ".recovery.json";
  settings.notes = state_dir + "/" + config_.name + ".server.json";
  return settings;
}

hooks::io::RecoveryRunner::Events PairRunner::recovery_events() {
  return {.say =
              [this](bool warning, const std::string& text) {
                story_.tell(EventKind::recovery, warning ? Severity::warning : Severity::info,
                            "recovery: " + text);
              },
          .ended =
              [this](hooks::RecoveryOutcome outcome, const std::string& words) {
                ++counters_.recoveries.at(static_cast<std::size_t>(outcome));
                feed(PairInput(RecoveryEnded{outcome, words}));
              },
          .ask_local =
              [this](const std::vector<std::string>& words, hooks::io::ServerNotes::Reply reply) {
                local_.command(words, std::move(reply));
              },
          .ask_leader =
              [this](const std::vector<std::string>& words, hooks::io::ServerNotes::Reply reply) {
                peer_.command(words, std::move(reply));
              }};
}

void PairRunner::local_server_seen() {
  if (config_.recovery.start.empty()) return;
  const health::MonitorSnapshot& seen = local_.snapshot();
  recovery_.local_seen(seen.health, seen.facts_at ? std::optional(seen.facts) : std::nullopt);
}

std::optional<std::string> PairRunner::recover() {
  if (auto problem = pair_.recovery_problem()) return problem;
  story_.info(EventKind::request, "a recovery of the local server was asked for");
  feed(PairInput(RecoveryRequested{}));
  return std::nullopt;
}

// What was begun stays begun: its journal is for the next agent.
void PairRunner::leave_recovery() {
  const hooks::RecoveryStatus status = recovery_.status();
  if (status.running) {
    std::string sentence = "recovery is left at its step ";
    sentence += to_string(status.step);
    story_.warn(EventKind::recovery, sentence + "; it goes on when the agent is started again");
  }
  recovery_.stop();
}

void PairRunner::perform(const StartRecovery& /*effect*/) {
  recovery_.start();
}

void PairRunner::perform(const AbandonRecovery& effect) {
  recovery_.abandon(effect.why);
}

void PairRunner::perform(const FenceHost& effect) {
  fence_.ask([weak = std::weak_ptr(self_), id = effect.id](bool down, const std::string& why) {
    if (const auto self = weak.lock()) (*self)->feed(PairInput(HostFenced{id, down, why}));
  });
}

}  // namespace agent::io
