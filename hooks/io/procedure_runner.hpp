// Performs procedures on the connections of the two servers, one at a time, each within a budget.
// Knows neither Redis nor roles: it sends, waits, and hands replies back.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "health/reply.hpp"
#include "hooks/procedure.hpp"

namespace hooks::io {

struct ProcedureResult {
  bool done = false;
  bool refused = false;    // Failed::refused
  bool timed_out = false;  // the server may still carry out what was sent
  std::string why;         // one clause; empty when done
  Duration took{};
};

class ProcedureRunner {
 public:
  using ReplyHandler = std::function<void(const health::Reply*)>;
  // Sends one command to a server and calls the handler once, now or later: with the reply, or
  // with nullptr when there is no connection or it ended.
  using Sender = std::function<void(Target, const std::vector<std::string>& words, ReplyHandler)>;

  ProcedureRunner(boost::asio::any_io_executor executor, Sender sender);
  ~ProcedureRunner();
  ProcedureRunner(const ProcedureRunner&) = delete;
  ProcedureRunner& operator=(const ProcedureRunner&) = delete;

  // `finished` is called exactly once, from the executor, never from inside run(): with the
  // procedure's end, or with timed_out when `budget` has passed (late replies are then ignored),
  // or not at all after cancel(). A running procedure is cancelled by the next run(). `finished`
  // may call run() or destroy the runner.
  void run(std::unique_ptr<Procedure> procedure, Duration budget,
           std::function<void(const ProcedureResult&)> finished);
  void cancel();
  // From run() until `finished` is called.
  bool busy() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hooks::io
