// Asks a server, on the connection of its watch, what health::Inspection wants to know, and says
// each finding once: as a line of the log, and as an alarm for as long as it lasts. A finding never
// changes a role.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "health/inspection.hpp"
#include "health/io/redis_watch.hpp"

namespace agent::io {

class ServerInspection {
 public:
  using Say = std::function<void(bool warning, const std::string& sentence)>;

  // `watch` outlives it. `managed`: a server that must not boot as a master by itself.
  ServerInspection(health::io::RedisWatch& watch, const std::string& server,
                   const std::string& user, bool managed, Say say);

  void facts_read(bool restarted);
  const std::set<std::string>& alarms() const { return alarms_; }
  std::string in_the_way() const { return inspection_.in_the_way(); }

 private:
  void update();

  health::io::RedisWatch& watch_;
  health::Inspection inspection_;
  bool managed_;
  Say say_;
  bool booted_as_master_ = false;
  std::set<std::string> alarms_;
};

}  // namespace agent::io
