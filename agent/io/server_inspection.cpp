// See server_inspection.hpp.
#include "agent/io/server_inspection.hpp"

#include <chrono>
#include <utility>

namespace agent::io {
namespace {

constexpr const char* kBootedAsMaster =
    "the local server was restarted and booted as a master by itself: empty or old, it can wipe "
    "its replica within a second; install redis-server.service.d/tandem.conf of "
    "/usr/share/doc/tandem/examples, which makes it boot as a replica";

}  // namespace

ServerInspection::ServerInspection(health::io::RedisWatch& watch, const std::string& server,
                                   const std::string& user, bool managed, Say say)
    : watch_(watch), inspection_(server, user), managed_(managed), say_(std::move(say)) {}

void ServerInspection::facts_read(bool restarted) {
  const health::ServerFacts& facts = watch_.snapshot().facts;
  // Nobody can have promoted it yet: these are the first words of its run.
  if (managed_ && restarted) booted_as_master_ = facts.role == health::Role::master;
  const auto questions = inspection_.facts_read(std::chrono::steady_clock::now(), facts);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    watch_.command(questions[i],
                   [this, i, last = i + 1 == questions.size()](const health::Reply* reply) {
                     inspection_.answered(i, reply);
                     if (last) update();
                   });
  }
  update();
}

void ServerInspection::update() {
  std::set<std::string> current = inspection_.missing();
  if (booted_as_master_) current.insert(kBootedAsMaster);
  for (const std::string& alarm : current) {
    if (!alarms_.contains(alarm)) say_(true, "alarm: " + alarm);
  }
  for (const std::string& alarm : alarms_) {
    if (!current.contains(alarm)) say_(false, "alarm is over: " + alarm);
  }
  alarms_ = std::move(current);
}

}  // namespace agent::io
