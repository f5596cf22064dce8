// The whole agent: builds the pairs from a configuration, dispatches what netlink says, answers
// operators and systemd, and leaves in order when told to.
#pragma once

#include <spdlog/logger.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config.hpp"
#include "agent/io/config_load.hpp"
#include "agent/io/control_socket.hpp"
#include "agent/io/interface_hub.hpp"
#include "agent/io/pair_runner.hpp"
#include "agent/io/peer_links.hpp"
#include "agent/io/record_store.hpp"
#include "agent/io/status_site.hpp"
#include "agent/log_limit.hpp"
#include "agent/reload.hpp"
#include "agent/succession.hpp"
#include "vrrp/io/netlink.hpp"

namespace agent::io {

class Daemon {
 public:
  // `load` reads the configuration anew, as the program was told to.
  Daemon(Config config, std::string version, std::shared_ptr<spdlog::logger> log,
         std::function<LoadResult()> load);

  // Runs until SIGTERM or SIGINT. nullopt: stopped in order. Otherwise why it could not start.
  // std::bad_alloc: it ends in the middle, and has said so in the log.
  // `told`: of the process that this one succeeds.
  std::optional<std::string> run(const Succession& told = {});
  // After run(): what the successor is to know, when an operator asked for one.
  std::optional<Succession> succession() const;
  // With it: the notify FIFOs, open in a program that is executed now.
  std::vector<hooks::io::UniqueFd> hold_fifos() const;

 private:
  std::optional<std::string> start(const Succession& told);
  std::optional<std::string> start_netlink();
  PairRunner& make_pair(const PairConfig& pair);
  void await_signal();
  void stop();
  void pair_stopped(const std::string& name);
  // daemon_reload.cpp
  // nullopt: not to be taken up, `why` has the sentences.
  using Loaded =
      std::function<void(std::optional<LoadedConfig> good, const std::vector<std::string>& why)>;
  void reload(const ControlSocket::Reply& reply);
  void refuse_reload(const ControlSocket::Reply& reply, const std::vector<std::string>& why);
  void take_up(LoadedConfig good, const ControlSocket::Reply& reply);
  void apply(Config wanted, const ReloadPlan& plan);
  void retire(const std::string& name);
  void load_anew(Loaded then);
  void restart(const ControlSocket::Reply& reply);
  std::vector<std::string> restart_problems() const;
  void refuse_restart(const ControlSocket::Reply& reply, const std::vector<std::string>& why);
  void update_hubs();
  void keep_systemd_informed();
  void refill_reserve();
  void keep_memory_small();
  void warn_about_networks();
  std::set<vrrp::IpAddress> own_vips() const;
  InterfaceHub& hub(const std::string& interface);

  // daemon_requests.cpp
  void answer(const boost::json::object& request, const ControlSocket::Reply& reply);
  boost::json::object answer_status() const;
  AgentStatus about() const;
  SiteSources site_sources() const;
  boost::json::object answer_promote(const boost::json::object& request);
  void answer_switchover(const boost::json::object& request, const ControlSocket::Reply& reply);
  void answer_maintenance(const boost::json::object& request, const ControlSocket::Reply& reply);
  static void maintain_for_peer(PairRunner& pair, const PeerRequest& request,
                                const PeerLinks::Answer& answer);
  boost::json::object answer_rejoin(const boost::json::object& request);
  boost::json::object answer_acknowledge(const boost::json::object& request);
  boost::json::object answer_recover(const boost::json::object& request);
  void serve_peer(const PeerRequest& request, const PeerLinks::Answer& answer);
  // The pair that a request names; nullptr: none of that name.
  PairRunner* find_pair(const boost::json::object& request) const;
  PairRunner* find_pair(std::string_view name) const;
  std::string summary() const;

  Config config_;
  std::string version_;
  std::shared_ptr<spdlog::logger> log_;
  std::chrono::steady_clock::time_point started_;
  boost::asio::io_context loop_{1};
  vrrp::io::Netlink netlink_;
  RecordStore records_;
  EventJournal events_;
  boost::asio::thread_pool bulk_disk_{1};  // whole datasets: never waited for by a record
  // What a reload has to find out before, and pages that are given back.
  boost::asio::thread_pool looks_{1};
  std::shared_ptr<vrrp::io::FrameSocket> frames_ = std::make_shared<vrrp::io::FrameSocket>();
  std::map<std::string, std::unique_ptr<InterfaceHub>> hubs_;
  PeerLinks links_;
  std::vector<std::unique_ptr<PairRunner>> pairs_;
  ControlSocket control_;
  StatusSite site_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer systemd_timer_;
  boost::asio::steady_timer memory_timer_;
  LogLimit memory_log_;
  std::uint64_t clients_turned_away_ = 0;  // for lack of memory, since that was said
  bool stopping_ = false;
  bool restarting_ = false;
  std::function<LoadResult()> load_;
  struct Reloading {
    std::set<std::string> awaited;  // pairs that have not let go yet
    std::string words;
    ControlSocket::Reply reply;
  };
  std::optional<Reloading> reloading_;
  bool looking_ = false;  // whether to reload or restart is not known yet
};

}  // namespace agent::io
