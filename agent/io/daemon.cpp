// See daemon.hpp.
#include "agent/io/daemon.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <csignal>
#include <new>
#include <utility>

#include "agent/io/host_checks.hpp"
#include "agent/io/memory_reserve.hpp"
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
  try {
    loop_.run();
  } catch (const std::bad_alloc&) {
    // Somewhere a step was broken off half way, and what went on from there would hold the VIP by
    // chance. An agent that has ended does not: its lease runs out.
    log_->error("no memory is left, not even the reserve: the agent ends");
    throw;
  }
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
  refill_reserve();
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

void Daemon::refill_reserve() {
  auto& reserve = MemoryReserve::instance();
  reserve.refill();
  const auto [given, turned_away] = reserve.take_trouble();
  clients_turned_away_ += turned_away;
  if (given == 0 && turned_away == 0) return;
  if (!memory_log_.event(std::chrono::steady_clock::now())) return;
  log_->warn("memory is short: the agent goes on with its reserve; {} client(s) turned away",
             std::exchange(clients_turned_away_, 0));
}

void Daemon::keep_memory_small() {
  memory_timer_.expires_after(kGiveBackInterval);
  memory_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    // It needs some itself, on a thread that nothing but the reserve keeps from ending us.
    if (!MemoryReserve::instance().is_short()) boost::asio::post(looks_, give_back_pages);
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

}  // namespace agent::io
