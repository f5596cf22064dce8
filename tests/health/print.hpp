// How GoogleTest shows the values of the health folder.
#pragma once

#include <ostream>
#include <string>

#include "health/facts.hpp"
#include "health/monitor.hpp"
#include "health/reply.hpp"

namespace health {

inline void PrintTo(const Reply& reply, std::ostream* out) {
  using Type = Reply::Type;
  switch (reply.type) {
    case Type::status: *out << "+" << reply.text; break;
    case Type::error: *out << "-" << reply.text; break;
    case Type::integer: *out << ":" << reply.integer; break;
    case Type::bulk: *out << "\"" << reply.text << "\""; break;
    case Type::nil: *out << "nil"; break;
    case Type::array:
      *out << "[";
      for (const Reply& element : reply.elements) {
        PrintTo(element, out);
        *out << " ";
      }
      *out << "]";
  }
}

inline void PrintTo(ReplyKind kind, std::ostream* out) {
  *out << to_string(kind);
}
inline void PrintTo(Health health, std::ostream* out) {
  *out << to_string(health);
}
inline void PrintTo(Role role, std::ostream* out) {
  *out << to_string(role);
}

inline void PrintTo(const Connect&, std::ostream* out) {
  *out << "Connect";
}
inline void PrintTo(const Disconnect&, std::ostream* out) {
  *out << "Disconnect";
}
inline void PrintTo(const Send& send, std::ostream* out) {
  static constexpr const char* kNames[] = {"AUTH", "PING", "INFO"};
  *out << "Send " << kNames[static_cast<int>(send.request)];
}
inline void PrintTo(const HealthChanged& changed, std::ostream* out) {
  *out << "HealthChanged " << to_string(changed.health) << " (" << changed.detail << ")";
}
inline void PrintTo(const FactsRead& read, std::ostream* out) {
  *out << "FactsRead" << (read.restarted ? " restarted" : "");
}

inline void PrintTo(const ConnectedReplica& replica, std::ostream* out) {
  *out << replica.endpoint.to_string() << (replica.online ? " online" : " not online") << " offset "
       << replica.offset << " lag " << replica.lag;
}

inline void PrintTo(const ServerFacts& facts, std::ostream* out) {
  *out << "version " << facts.redis_version << " run_id " << facts.run_id << " cluster "
       << facts.cluster_enabled << " loading " << facts.loading << " eta "
       << facts.loading_eta_seconds << " bgsave_ok " << facts.last_bgsave_ok << " aof_ok "
       << facts.last_aof_write_ok << " keys "
       << (facts.keys ? std::to_string(*facts.keys) : "unknown") << " role "
       << to_string(facts.role) << " replid " << facts.replid << " replid2 " << facts.replid2
       << " offset " << facts.offset << " second_offset " << facts.second_offset << " replicas {";
  for (const ConnectedReplica& replica : facts.replicas) {
    PrintTo(replica, out);
    *out << "; ";
  }
  *out << "} master " << facts.master.to_string() << " link_up " << facts.link_up << " sync "
       << facts.sync_in_progress << " last_io " << facts.last_io_seconds_ago << " down_since "
       << facts.link_down_since_seconds << " priority " << facts.replica_priority;
}

}  // namespace health
