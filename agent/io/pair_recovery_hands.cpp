// The pair's side of a recovery: what the configuration says becomes the settings of its runner,
// and what is seen of the local server goes there too.
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
                log_->log(warning ? spdlog::level::warn : spdlog::level::info, "{}: recovery: {}",
                          config_.name, text);
              },
          .ended =
              [this](hooks::RecoveryOutcome outcome, const std::string& words) {
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
  log_->info("{}: a recovery of the local server was asked for", config_.name);
  feed(PairInput(RecoveryRequested{}));
  return std::nullopt;
}

// What was begun stays begun: its journal is for the next agent.
void PairRunner::leave_recovery() {
  const hooks::RecoveryStatus status = recovery_.status();
  if (status.running) {
    log_->warn("{}: recovery is left at its step {}; it goes on when the agent is started again",
               config_.name, to_string(status.step));
  }
  recovery_.stop();
}

void PairRunner::perform(const StartRecovery& /*effect*/) {
  recovery_.start();
}

void PairRunner::perform(const AbandonRecovery& effect) {
  recovery_.abandon(effect.why);
}

}  // namespace agent::io
