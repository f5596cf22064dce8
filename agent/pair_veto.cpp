// The scripts that may object: pre_promote before this node becomes a master, pre_demote before it
// gives the role away by plan. What happens by force asks nobody, and an operator's word overrules.
#include "agent/pair.hpp"

namespace agent {

using hooks::Question;
using hooks::Verdict;

namespace {

constexpr auto kHoldAfterVeto = std::chrono::seconds(5);
// A stop that is forbidden is asked about again, but not for ever: the host may be going down, and
// a supervisor that loses its patience would end the agent without a handover.
constexpr auto kAskAgain = std::chrono::seconds(1);
constexpr auto kLongestPutOff = std::chrono::seconds(10);

}  // namespace

void Pair::ask_script(Question question, const std::string& reason) {
  if (question == Question::demote) veto_.ask_again.reset();
  auto& asked = question == Question::promote ? veto_.promotion : veto_.demotion;
  asked = ++last_work_;
  const bool stops = !veto_.move && veto_.stopping_since;
  const auto next = question == Question::promote ? hooks::NotifyState::master
                    : stops                       ? hooks::NotifyState::stop
                                                  : hooks::NotifyState::backup;
  emit(AskScript{*asked, question, next, reason});
}

bool Pair::is_vetoed(const ScriptAnswered& answered) const {
  return answered.verdict == Verdict::veto ||
         (answered.verdict == Verdict::silence && rules_.veto.silence_is_veto);
}

void Pair::on(TimePoint now, const ScriptAnswered& answered) {
  if (veto_.promotion == answered.id) {
    veto_.promotion.reset();
    if (is_vetoed(answered)) return promotion_vetoed(now, answered.words);
    auto& promoting = std::get<Promoting>(state_);
    // The question took its time: who was silent may have been heard since.
    const bool overtaken = !promoting.gentle && peer_says_it_leads(sight_, rules_.candidacy, now);
    if (!overtaken) return record_promotion(now);
    promoting.asked_for = true;  // it moved nothing: not counted (rule 16)
    return leave(now, "the other node's agent says that it leads");
  }
  if (veto_.demotion != answered.id) return;
  veto_.demotion.reset();
  demotion_answered(now, answered);
}

// ---- up ----------------------------------------------------------------------------------------

// Who finds itself a leader, by what it remembers, is not promoted.
bool Pair::asks_before_promotion(bool adopts) {
  if (!rules_.veto.promotion || adopts) return false;
  if (!sight_.accept_data_loss) return true;
  emit(Say{Weight::warning, "pre_promote is not asked: an operator said promote"});
  return false;
}

// Nothing has been touched yet but the router, which resigns.
void Pair::promotion_vetoed(TimePoint now, const std::string& words) {
  veto_.said = "pre_promote vetoes: " + words;
  sight_.hold = Sight::Hold{now + kHoldAfterVeto, veto_.said};
  std::get<Promoting>(state_).asked_for = true;  // it moved nothing: not counted (rule 16)
  leave(now, veto_.said);
}

bool Pair::veto_alarm() const {
  return !veto_.said.empty() && !sight_.leader_advertises &&
         !std::holds_alternative<Leading>(state_) && !std::holds_alternative<End>(state_);
}

// ---- down --------------------------------------------------------------------------------------

// false: nobody is asked, go on.
bool Pair::ask_before_switchover(const SwitchoverRequested& requested) {
  if (!rules_.veto.demotion) return false;
  if (requested.ignore_veto) {
    emit(Say{Weight::warning, "pre_demote is not asked: an operator said so"});
    return false;
  }
  veto_.move = requested;
  ask_script(Question::demote, requested.reason);
  return true;
}

bool Pair::ask_before_stop(TimePoint now) {
  if (!rules_.veto.demotion || !std::holds_alternative<Leading>(state_)) return false;
  if (veto_.stopping_since) {
    emit(Say{Weight::warning, "pre_demote is not asked any more: the stop was repeated"});
    return false;
  }
  veto_.stopping_since = now;
  if (!veto_.demotion) ask_script(Question::demote, "the agent is stopping");
  return true;
}

void Pair::demotion_answered(TimePoint now, const ScriptAnswered& answered) {
  const bool vetoed = is_vetoed(answered);
  const auto move = std::exchange(veto_.move, {});
  if (move) {
    const auto problems = switchover_problems();
    if (vetoed) {
      std::string words = "pre_demote vetoes: " + answered.words;
      emit(Say{Weight::warning, "no switchover, " + words});
      report_switchover(SwitchoverReport::Outcome::given_up, std::move(words));
    } else if (!problems.empty()) {
      report_switchover(SwitchoverReport::Outcome::given_up, problems.front());
    } else {
      return begin_switchover(now, *move);
    }
  }
  if (!veto_.stopping_since) return;
  if (!vetoed) return leave(now, "the agent is stopping", Leave::stopping);
  if (now >= *veto_.stopping_since + kLongestPutOff) {
    emit(Say{Weight::warning,
             "pre_demote vetoes the stop for too long, the agent stops: " + answered.words});
    return leave(now, "the agent is stopping", Leave::stopping);
  }
  if (std::exchange(veto_.put_off, answered.words) != answered.words) {
    emit(Say{Weight::warning, "the stop is put off, pre_demote vetoes: " + answered.words +
                                  "; it is asked again for 10 s, a second SIGTERM stops at once"});
  }
  veto_.ask_again = now + kAskAgain;
}

void Pair::settle_veto(TimePoint now) {
  if (sight_.leader_advertises && !veto_.said.empty()) {
    if (sight_.hold && sight_.hold->why == veto_.said) sight_.hold.reset();
    veto_.said.clear();
  }
  if (!veto_.ask_again || now < *veto_.ask_again) return;
  ask_script(Question::demote, "the agent is stopping");
}

// The node leaves: no answer is awaited any more. true: it was to stop.
bool Pair::drop_questions() {
  veto_.promotion.reset();
  veto_.demotion.reset();
  veto_.ask_again.reset();
  veto_.put_off.clear();
  if (std::exchange(veto_.move, {})) {
    report_switchover(SwitchoverReport::Outcome::given_up,
                      "this node left the role for another reason before pre_demote answered");
  }
  return std::exchange(veto_.stopping_since, {}).has_value();
}

}  // namespace agent
