// Performs procedures on the connections of the two servers, one at a time, each within a budget.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "health/reply.hpp"
#include "hooks/procedure.hpp"

namespace hooks::io {

struct ProcedureResult {
  bool done = false;
  bool refused = false;
  bool timed_out = false;
  std::string why;  // empty when done
  Duration took{};
};

class ProcedureRunner {
 public:
  using ReplyHandler = std::function<void(const health::Reply*)>;
  using Sender =
      std::function<void(Target, const std::vector<std::string>& words, ReplyHandler)>;

  ProcedureRunner(boost::asio::any_io_executor executor, Sender sender);
  ~ProcedureRunner();

  // `finished` is called exactly once, from the executor, never from inside run(): with the
  // procedure's end, or with timed_out when `budget` has passed (late replies are then ignored),
  // or not at all after cancel(). A running procedure is cancelled by the next run().
  void run(std::unique_ptr<Procedure> procedure, Duration budget,
           std::function<void(const ProcedureResult&)> finished);
  void cancel();
  bool busy() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace hooks::io
