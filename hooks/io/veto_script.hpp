// Asks pre_promote or pre_demote of a pair, and answers in bounded time. It waits for no other
// hook: what was begun before is not what is decided now.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "hooks/hook_counters.hpp"
#include "hooks/io/notifier.hpp"
#include "hooks/notify.hpp"

namespace hooks::io {

class VetoScript {
 public:
  // `words`: why, as a clause; empty with consent.
  using Answered = std::function<void(Verdict verdict, const std::string& words)>;

  // `took`: if it ran. A veto is a success: the script has answered.
  using Count =
      std::function<void(HookResult result, std::optional<std::chrono::nanoseconds> took)>;

  VetoScript(boost::asio::any_io_executor executor, NotifyConfig config, Notifier::Log log,
             Count count = {});
  ~VetoScript();
  VetoScript(const VetoScript&) = delete;
  VetoScript& operator=(const VetoScript&) = delete;

  // From the executor, never at once. A question that is asked while an older one is open takes its
  // place: the older script is killed, and nobody hears its answer.
  void ask(Question question, const NotifyEvent& event, Answered answered);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hooks::io
