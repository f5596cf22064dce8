// A procedure is a short conversation with one or two servers, as a value: it says what to send or
// how long to wait, gets the reply, and ends as done, refused or failed. Promotion, following,
// fencing, draining and killing clients are procedures; hooks/io/procedure_runner.hpp performs them
// within a budget. A procedure never sends by itself and never reads a clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "health/facts.hpp"
#include "health/reply.hpp"
#include "health/types.hpp"

namespace hooks {

using health::Duration;
using health::TimePoint;

// Whose connection a command takes: the server of this node, that of the other one, or a further
// replica's, which has a procedure runner of its own.
enum class Target : std::uint8_t { local, peer, replica };
std::string_view to_string(Target target);  // "local", "peer", "replica"

// Send `words` as one Redis command and come back with its reply.
struct Command {
  Target target = Target::local;
  std::vector<std::string> words;
  bool operator==(const Command&) const = default;
};
// Sent at once, in this order; come back with all their replies. What goes to one server is
// executed in this order, two servers are in no order.
struct Commands {
  std::vector<Command> all;
  bool operator==(const Commands&) const = default;
};
struct Pause {
  Duration duration{};
  bool operator==(const Pause&) const = default;
};
struct Done {
  bool operator==(const Done&) const = default;
};
// `why` is one clause for the operator. `refused`: a rule of ours forbids it and the server was
// left as it was; otherwise a server or its connection failed, perhaps half way.
struct Failed {
  std::string why;
  bool refused = false;
  bool operator==(const Failed&) const = default;
};
using Step = std::variant<Command, Commands, Pause, Done, Failed>;

// One for each of the Commands; none where the connection ended.
using Replies = std::vector<std::optional<health::Reply>>;

// Used once: begin(), then next() for each Command and Pause, next_all() for each Commands, until
// Done or Failed.
class Procedure {
 public:
  virtual ~Procedure() = default;
  virtual std::string_view name() const = 0;  // "promote", "follow", "fence", "drain", ...
  // First step.
  virtual Step begin(TimePoint now) = 0;
  // After a Command: its reply, nullptr when the connection ended. After a Pause: nullptr.
  virtual Step next(TimePoint now, const health::Reply* reply) = 0;
  // After Commands.
  virtual Step next_all(TimePoint now, const Replies& replies) = 0;
};

}  // namespace hooks
