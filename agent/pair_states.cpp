// The names of the steps of the ways up and down. A step without one does not compile.
#include "agent/pair_states.hpp"

namespace agent {

std::string_view to_string(Promoting::Step step) {
  switch (step) {
    case Promoting::Step::ask: return "ask";
    case Promoting::Step::fence_peer: return "fence the peer";
    case Promoting::Step::drain_peer: return "drain the peer";
    case Promoting::Step::promote: return "promote";
    case Promoting::Step::record: return "record";
    case Promoting::Step::install: return "install";
  }
  return "unknown";
}

std::string_view to_string(LeaveStep step) {
  switch (step) {
    case LeaveStep::hold: return "hold";
    case LeaveStep::await_claim: return "await its claim";
    case LeaveStep::failover: return "failover";
    case LeaveStep::pause: return "pause";
    case LeaveStep::drain_paused: return "drain under pause";
    case LeaveStep::fence: return "fence";
    case LeaveStep::drain: return "drain";
    case LeaveStep::resign: return "resign";
    case LeaveStep::park: return "park";
    case LeaveStep::await_announcement: return "await its announcement";
    case LeaveStep::kill_clients: return "kill clients";
    case LeaveStep::withdraw: return "withdraw";
    case LeaveStep::await_successor: return "await";
    case LeaveStep::follow: return "follow";
    case LeaveStep::unfence: return "unfence";
    case LeaveStep::unfence_peer: return "unfence the peer";
    case LeaveStep::resume: return "resume";
    case LeaveStep::finish: return "finish";
  }
  return "unknown";
}

}  // namespace agent
