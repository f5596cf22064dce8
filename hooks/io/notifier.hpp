// Runs the hooks of one pair: serial, awaited, bounded, output into the log; writes FIFO lines.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hooks/hook_counters.hpp"
#include "hooks/io/fifo_writer.hpp"
#include "hooks/notify.hpp"

namespace hooks::io {

enum class HookSeverity : std::uint8_t { info, warning };

class Notifier {
 public:
  using Log = std::function<void(HookSeverity, const std::string&)>;

  Notifier(boost::asio::any_io_executor executor, NotifyConfig config, Log log);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // Checks scripts (script_policy over the real path), user and group, and makes the FIFO. One
  // sentence per problem; empty: all well. For start and for `tandemd --check`.
  static std::vector<std::string> problems(const NotifyConfig& config);
  // Creates (0600) or opens the FIFO read-write, so that a write never blocks; lines wait for a
  // reader, see fifo_writer.hpp. `rest`: of the notifier that this one succeeds; its lines come
  // first when it is of the same FIFO. false: could not, already logged.
  bool open_fifo(std::optional<FifoRest> rest = std::nullopt);
  // For a successor; nothing is written any more.
  std::optional<FifoRest> release_fifo();
  // See FifoWriter::hold(); without one: no descriptor.
  UniqueFd hold_fifo() const;

  // Queues the hooks of a transition. At most 32 wait; the oldest waiting is dropped with a
  // warning.
  void notify(const NotifyEvent& event);
  // `idle` is called (from the executor) when nothing runs or waits any more.
  void when_idle(std::function<void()> idle);
  // Ends the running hook and drops the waiting ones.
  void abandon();
  const HookCounters& counters() const;
  // A script of the pair that ran beside the queue; `took`: if it ran.
  void count(HookResult result, std::optional<std::chrono::nanoseconds> took);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hooks::io
