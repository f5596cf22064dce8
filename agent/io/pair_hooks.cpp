// What the scripts of a pair are told and asked.
#include <utility>

#include "agent/io/pair_runner.hpp"

namespace agent::io {

hooks::io::Notifier::Log PairRunner::hook_log() {
  return [this](hooks::io::HookSeverity severity, const std::string& text) {
    const bool warning = severity == hooks::io::HookSeverity::warning;
    story_.tell(EventKind::hook, warning ? Severity::warning : Severity::info, text);
  };
}

hooks::NotifyEvent PairRunner::notify_event(hooks::NotifyState state,
                                            const std::string& reason) const {
  hooks::NotifyEvent event;
  event.state = state;
  event.pair = config_.name;
  event.priority = tracking_.priority().value;
  if (told_) event.previous = hooks::to_word(*told_);
  event.reason = reason;
  event.epoch = pair_.epoch();
  for (const auto& vip : all_vips(config_)) event.vips.push_back(vip.prefix.to_string());
  event.peer = config_.peer_server.host + ":" + std::to_string(config_.peer_server.port);
  event.interface = config_.interface;
  return event;
}

void PairRunner::perform(const Notify& effect) {
  since_wall_ = std::chrono::system_clock::now();
  hooks::NotifyEvent event = notify_event(effect.state, effect.reason);
  event.initial = effect.initial;
  event.adopted = std::exchange(adopted_, false);
  told_ = effect.state;
  notifier_.notify(event);
}

void PairRunner::perform(const AskScript& effect) {
  veto_.ask(effect.question, notify_event(effect.next, effect.reason),
            [weak = std::weak_ptr(self_), id = effect.id](hooks::Verdict verdict,
                                                          const std::string& words) {
              const auto self = weak.lock();
              if (self) (*self)->feed(PairInput(ScriptAnswered{id, verdict, words}));
            });
}

}  // namespace agent::io
