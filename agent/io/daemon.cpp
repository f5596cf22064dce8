// See daemon.hpp.
#include "agent/io/daemon.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <csignal>
#include <utility>

#include "agent/io/host_checks.hpp"
#include "agent/io/privileges.hpp"
#include "agent/io/resident.hpp"
#include "agent/io/systemd.hpp"
#include "agent/json_fields.hpp"
#include "agent/log_line.hpp"
#include "agent/status.hpp"

namespace agent::io {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {
constexpr auto kStatusInterval = std::chrono::seconds(2);
constexpr auto kGiveBackInterval = std::chrono::seconds(20);

json::object no_such_pair(const json::object& request, const std::vector<std::string>& names) {
  std::string sentence = "no pair of that name: " + text_of(request, "pair");
  sentence += "; this agent has ";
  for (const auto& name : names) sentence += (&name == names.data() ? "" : ", ") + name;
  return {{"error", sentence}};
}
}  // namespace

Daemon::Daemon(Config config, std::string version, std::shared_ptr<spdlog::logger> log,
               std::function<LoadResult()> load)
    : config_(std::move(config)),
      version_(std::move(version)),
      log_(std::move(log)),
      started_(std::chrono::steady_clock::now()),
      netlink_(loop_.get_executor()),
      records_(loop_.get_executor(), config_.state_dir),
      events_(config_.state_dir,
              [log = log_](const std::string& problem) { log->warn("{}", problem); }),
      links_(loop_.get_executor(), config_, version_, log_),
      control_(loop_.get_executor(),
               [this](const json::object& request, const ControlSocket::Reply& reply) {
                 answer(request, reply);
               }),
      site_(loop_.get_executor(), site_sources(), log_),
      signals_(loop_, SIGTERM, SIGINT, SIGHUP),
      systemd_timer_(loop_),
      memory_timer_(loop_),
      load_(std::move(load)) {}

std::optional<std::string> Daemon::run(const Succession& told) {
  if (auto problem = start(told)) return problem;
  loop_.run();
  // What comes now comes too late to be wanted, and must not end us before the log is written.
  sigset_t late{};
  ::sigemptyset(&late);
  ::sigaddset(&late, SIGTERM);
  ::sigaddset(&late, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &late, nullptr);
  log_->info(restarting_ ? "executing the program anew" : "stopped");
  return std::nullopt;
}

std::optional<std::string> Daemon::start(const Succession& told) {
  if (auto missing = missing_capabilities()) return missing;
  if (::access(config_.state_dir.c_str(), W_OK | X_OK) != 0) {
    return "state_dir " + config_.state_dir + " is not a writable directory; make it: mkdir -p " +
           config_.state_dir;
  }
  for (const PairConfig& pair : config_.pairs) make_pair(pair);
  if (auto problem = start_netlink()) return problem;
  for (const auto& [name, hub] : hubs_) {
    hub->update();
    if (hub->socket_problem()) return hub->socket_problem();
  }
  if (auto problem = control_.listen(config_.control_socket)) return problem;
  read_in_own_code();
  if (config_.realtime) {
    if (auto refused = become_realtime())
      log_->warn("{}; adverts may be late under load", *refused);
  }
  await_signal();
  warn_about_networks();
  log_->info("tandemd {} on node {}: {} pair(s) from {}", version_, config_.node,
             config_.pairs.size(), config_.file);
  for (const auto& pair : pairs_) {
    const auto found = told.find(pair->name());
    pair->start(found == told.end() ? std::nullopt : std::optional(found->second));
  }
  links_.serve([this](const PeerRequest& request, const PeerLinks::Answer& answer) {
    serve_peer(request, answer);
  });
  links_.start();
  site_.open(config_.metrics);
  tell_ready();
  keep_systemd_informed();
  keep_memory_small();
  return std::nullopt;
}

PairRunner& Daemon::make_pair(const PairConfig& pair) {
  pairs_.push_back(std::make_unique<PairRunner>(
      loop_.get_executor(), pair, netlink_, hub(pair.interface), records_,
      bulk_disk_.get_executor(), PairStory(pair.name, log_, events_),
      [this, name = pair.name] { pair_stopped(name); }, config_.state_dir));
  pairs_.back()->join(links_);
  return *pairs_.back();
}

std::set<vrrp::IpAddress> Daemon::own_vips() const {
  std::set<vrrp::IpAddress> vips;
  for (const PairConfig& pair : config_.pairs) {
    for (const auto& vip : all_vips(pair)) vips.insert(vip.prefix.address);
  }
  return vips;
}

InterfaceHub& Daemon::hub(const std::string& interface) {
  auto& hub = hubs_[interface];
  if (!hub) {
    hub = std::make_unique<InterfaceHub>(
        loop_.get_executor(), netlink_, frames_, interface, own_vips(),
        [this](const std::string& sentence) { log_->warn("{}", sentence); });
  }
  return *hub;
}

std::optional<std::string> Daemon::start_netlink() {
  const auto update = [this] {
    for (const auto& [name, hub] : hubs_) hub->update();
    for (const auto& pair : pairs_) pair->on_links_changed();
  };
  const auto addresses_changed = [this](const vrrp::io::AddressFact& address) {
    for (const auto& [name, hub] : hubs_) hub->address_changed(address);
  };
  return netlink_.start({.link_changed =
                             [this, update](const vrrp::io::LinkFact& link) {
                               update();
                               for (const auto& pair : pairs_) pair->vips().on_link_changed(link);
                             },
                         .link_removed = [update](const auto&) { update(); },
                         .address_added =
                             [this, addresses_changed](const vrrp::io::AddressFact& address) {
                               for (const auto& pair : pairs_) pair->on_address_added(address);
                               addresses_changed(address);
                             },
                         .address_removed =
                             [this, addresses_changed](const vrrp::io::AddressFact& address) {
                               for (const auto& pair : pairs_)
                                 pair->vips().on_address_removed(address);
                               addresses_changed(address);
                             },
                         .resynchronised =
                             [this, update] {
                               update();
                               for (const auto& pair : pairs_) pair->vips().on_resynchronised();
                             }});
}

void Daemon::warn_about_networks() {
  for (const PairConfig& pair : config_.pairs) {
    for (const auto& vip : all_vips(pair)) {
      if (const auto warning = network_warning(netlink_, vip)) {
        log_->warn(line_with_fields("VIP " + vip.prefix.to_string() + " " + *warning, pair.name,
                                    "note", {}));
      }
    }
    if (const auto& gateway = pair.tracking.gateway) {
      if (const auto warning = gateway_warning(netlink_, pair.interface, gateway->address)) {
        log_->warn(
            line_with_fields("track_gateway " + gateway->address.to_string() + " " + *warning,
                             pair.name, "note", {}));
      }
    }
  }
}

void Daemon::await_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    if (number == SIGHUP) {
      reload([](const json::object&) {});  // said in the log
      return await_signal();
    }
    log_->info("{}: stopping", number == SIGTERM ? "SIGTERM" : "SIGINT");
    stop();
    await_signal();  // a second one overrules a pre_demote that keeps the first one waiting
  });
}

void Daemon::stop() {
  stopping_ = true;
  tell_stopping();
  for (const auto& pair : pairs_) {
    if (!pair->stopped()) pair->stop();
  }
}

void Daemon::pair_stopped(const std::string& name) {
  if (stopping_) {
    const auto stopped = [](const auto& pair) { return pair->stopped(); };
    if (std::all_of(pairs_.begin(), pairs_.end(), stopped)) loop_.stop();
    return;
  }
  // Not from inside of what ends.
  boost::asio::post(loop_, [this, name] { retire(name); });
}

void Daemon::keep_systemd_informed() {
  tell_alive();
  if (!stopping_) tell_status(summary());
  const auto watchdog = watchdog_interval();
  systemd_timer_.expires_after(
      watchdog ? std::min<std::chrono::steady_clock::duration>(*watchdog, kStatusInterval)
               : std::chrono::steady_clock::duration(kStatusInterval));
  systemd_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) keep_systemd_informed();
  });
}

void Daemon::keep_memory_small() {
  memory_timer_.expires_after(kGiveBackInterval);
  memory_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    boost::asio::post(looks_, give_back_pages);
    keep_memory_small();
  });
}

std::string Daemon::summary() const {
  std::string line;
  for (const auto& pair : pairs_) {
    const PairStatus status = pair->status();
    line +=
        (line.empty() ? "" : "; ") + status.name + ": " + std::string(to_string(status.pair.state));
    if (!status.pair.alarms.empty()) line += " (ALARM: " + status.pair.alarms.front() + ")";
  }
  return line;
}

// ---- operators ---------------------------------------------------------------------------------

void Daemon::answer(const json::object& request, const ControlSocket::Reply& reply) {
  const auto* command = request.if_contains("command");
  if (command == nullptr || !command->is_string()) {
    return reply({{"error", "no command in the request"}});
  }
  const std::string_view name = command->get_string();
  if (name == "status") return reply(answer_status());
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
  pair->switchover(std::get<SwitchoverWish>(wish), [reply](const SwitchoverAnswer& answer) {
    reply({{answer.done ? "done" : "error", answer.words}});
  });
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
  pair->maintain(std::get<MaintenanceWish>(wish), [reply](const SwitchoverAnswer& answer) {
    reply({{answer.done ? "done" : "error", answer.words}});
  });
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
