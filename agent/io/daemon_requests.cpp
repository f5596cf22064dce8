// What operators ask for over the control socket, what the other node's agent asks for over the
// peer link, and what the status site looks at. See daemon.hpp.
#include <unistd.h>

#include <boost/json.hpp>

#include "agent/io/daemon.hpp"
#include "agent/io/memory_reserve.hpp"
#include "agent/json_fields.hpp"
#include "agent/status.hpp"

namespace agent::io {

namespace json = boost::json;

namespace {

json::object no_such_pair(const json::object& request, const std::vector<std::string>& names) {
  std::string sentence = "no pair of that name: " + text_of(request, "pair");
  sentence += "; this agent has ";
  for (const auto& name : names) sentence += (&name == names.data() ? "" : ", ") + name;
  return {{"error", sentence}};
}

// Who only looks may be turned away in the middle: of hundreds of pairs it takes some memory.
template <typename Status>
void reply_unless_short(const ControlSocket::Reply& reply, Status status) {
  if (MemoryReserve::instance().serve([&] { reply(status()); })) return;
  reply({{"error", "the agent is short of memory; try again later"}});
}

auto told(const ControlSocket::Reply& reply) {
  return [reply](const SwitchoverAnswer& answer) {
    reply({{answer.done ? "done" : "error", answer.words}});
  };
}

}  // namespace

void Daemon::answer(const json::object& request, const ControlSocket::Reply& reply) {
  const auto* command = request.if_contains("command");
  if (command == nullptr || !command->is_string()) {
    return reply({{"error", "no command in the request"}});
  }
  const std::string_view name = command->get_string();
  if (name == "status") {
    return reply_unless_short(reply, [this] { return answer_status(); });
  }
  if (name == "promote") return reply(answer_promote(request));
  if (name == "switchover") return answer_switchover(request, reply);
  if (name == "rejoin") return reply(answer_rejoin(request));
  if (name == "acknowledge") return reply(answer_acknowledge(request));
  if (name == "recover") return reply(answer_recover(request));
  if (name == "maintenance") return answer_maintenance(request, reply);
  if (name == "reload") return reload(reply);
  if (name == "restart") return restart(reply);
  reply({{"error",
          "unknown command; known are status, promote, switchover, rejoin, acknowledge, recover, "
          "maintenance, reload and restart"}});
}

json::object Daemon::answer_status() const {
  AgentStatus status = about();
  for (const auto& pair : pairs_) status.pairs.push_back(pair->status());
  json::object out = status_json(status);
  out["config"] = config_.file;
  return out;
}

AgentStatus Daemon::about() const {
  AgentStatus status;
  status.node = config_.node;
  status.version = version_;
  status.pid = ::getpid();
  status.uptime_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  return status;
}

SiteSources Daemon::site_sources() const {
  return {.names =
              [this] {
                std::vector<std::string> out;
                for (const auto& pair : pairs_) out.push_back(pair->name());
                return out;
              },
          .status =
              [this](std::string_view name) {
                const PairRunner* pair = find_pair(name);
                return pair == nullptr ? std::nullopt : std::optional(pair->status());
              },
          .glance =
              [this](std::string_view name) {
                const PairRunner* pair = find_pair(name);
                return pair == nullptr ? std::nullopt : std::optional(pair->glance());
              },
          .about = [this] { return about(); },
          .events = &events_};
}

json::object Daemon::answer_promote(const json::object& request) {
  const auto* accepted = request.if_contains("accept_data_loss");
  if (accepted == nullptr || accepted->if_bool() == nullptr || !accepted->get_bool()) {
    return {{"error", "promote needs --accept-data-loss: it overrules what protects the data"}};
  }
  PairRunner* pair = find_pair(request);
  if (pair == nullptr) return no_such_pair(request, site_sources().names());
  if (const auto refused = pair->promote()) return {{"error", *refused}};
  return {{"accepted", "promotion begun; see tandem status"}};
}

void Daemon::answer_switchover(const json::object& request, const ControlSocket::Reply& reply) {
  PairRunner* pair = find_pair(request);
  if (pair == nullptr) return reply(no_such_pair(request, site_sources().names()));
  const auto wish = wish_of(request);
  if (const auto* refused = std::get_if<std::string>(&wish)) return reply({{"error", *refused}});
  pair->switchover(std::get<SwitchoverWish>(wish), told(reply));
}

// What the other node's agent asks for.
void Daemon::serve_peer(const PeerRequest& request, const PeerLinks::Answer& answer) {
  PairRunner* pair = find_pair(request.pair);
  if (pair == nullptr) return answer({.text = "there is no pair of that name"});
  if (request.command == "maintenance") return maintain_for_peer(*pair, request, answer);
  if (request.command != "switchover") {
    return answer({.text = "this version of the agent takes no such request"});
  }
  auto wish = wish_of(request.arguments);
  if (const auto* refused = std::get_if<std::string>(&wish)) return answer({.text = *refused});
  auto& asked = std::get<SwitchoverWish>(wish);
  asked.from_peer = true;
  pair->switchover(asked, [answer](const SwitchoverAnswer& got) { answer(peer_answer(got)); });
}

void Daemon::answer_maintenance(const json::object& request, const ControlSocket::Reply& reply) {
  PairRunner* pair = find_pair(request);
  if (pair == nullptr) return reply(no_such_pair(request, site_sources().names()));
  const auto wish = maintenance_of(request);
  if (const auto* refused = std::get_if<std::string>(&wish)) return reply({{"error", *refused}});
  pair->maintain(std::get<MaintenanceWish>(wish), told(reply));
}

void Daemon::maintain_for_peer(PairRunner& pair, const PeerRequest& request,
                               const PeerLinks::Answer& answer) {
  auto wish = maintenance_of(request.arguments);
  if (const auto* refused = std::get_if<std::string>(&wish)) return answer({.text = *refused});
  auto& asked = std::get<MaintenanceWish>(wish);
  asked.from_peer = true;
  pair.maintain(asked, [answer](const SwitchoverAnswer& got) { answer(peer_answer(got)); });
}

json::object Daemon::answer_rejoin(const json::object& request) {
  PairRunner* pair = find_pair(request);
  if (pair == nullptr) return no_such_pair(request, site_sources().names());
  const auto* accepted = request.if_contains("accept_data_loss");
  const bool accept = accepted != nullptr && accepted->is_bool() && accepted->get_bool();
  if (const auto refused = pair->rejoin(accept)) return {{"error", *refused}};
  return {{"accepted", "the local server will follow the leader; see tandem status"}};
}

json::object Daemon::answer_acknowledge(const json::object& request) {
  PairRunner* pair = find_pair(request);
  if (pair == nullptr) return no_such_pair(request, site_sources().names());
  pair->acknowledge();
  return {{"accepted", "acknowledged"}};
}

json::object Daemon::answer_recover(const json::object& request) {
  PairRunner* pair = find_pair(request);
  if (pair == nullptr) return no_such_pair(request, site_sources().names());
  if (const auto refused = pair->recover()) return {{"error", *refused}};
  return {{"accepted", "recovery begun; see tandem status"}};
}

PairRunner* Daemon::find_pair(const json::object& request) const {
  const auto* name = request.if_contains("pair");
  if (name == nullptr || !name->is_string()) return nullptr;
  return find_pair(std::string_view(name->get_string()));
}

PairRunner* Daemon::find_pair(std::string_view name) const {
  for (const auto& pair : pairs_) {
    if (pair->name() == name) return pair.get();
  }
  return nullptr;
}

}  // namespace agent::io
