// See peer_links.hpp.
#include "agent/io/peer_links.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "agent/io/memory_reserve.hpp"
#include "agent/io/peer_agent.hpp"
#include "agent/io/peer_listener.hpp"
#include "agent/peer_settings.hpp"

namespace agent::io {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t kMostHalfOpen = 8;
constexpr auto kStrangerLogSpacing = std::chrono::seconds(60);
constexpr int kMessagesBesidePairs = 300;  // a heartbeat each 10 ms, and some
constexpr int kMessagesOfAPair = 50;

std::string new_run() {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::random_device random;
  std::string out;
  for (int i = 0; i < 16; ++i) out += kDigits[random() % kDigits.size()];
  return out;
}

tcp::endpoint endpoint_of(const std::string& host, std::uint16_t port) {
  return {asio::ip::make_address(host), port};
}

}  // namespace

struct PeerLinks::Impl : std::enable_shared_from_this<Impl> {
  Impl(const asio::any_io_executor& with, const Config& config, const std::string& software,
       std::shared_ptr<spdlog::logger> logger)
      : executor(with), log(std::move(logger)), tls(config.peer_link.key) {
    here = endpoint_of(config.peer_link.host, config.peer_link.port);
    base = {.node = config.node,
            .run = new_run(),
            .software = software,
            .versions = {kPeerProtocol},
            .listen = own_agent(config.peer_link),
            .pairs = {}};
    agents = make_agents(config);
  }

  using Agents = std::map<std::string, std::shared_ptr<PeerAgent>>;

  Agents make_agents(const Config& config) {
    Agents made;
    for (const PairConfig& pair : config.pairs) add(pair, made);
    for (const auto& [name, agent] : made) {
      agent->introduce(base);
      agent->serve(server);
    }
    return made;
  }

  void add(const PairConfig& pair, Agents& made) {
    const std::string name = peer_agent(pair);
    if (name.empty()) return;
    auto& agent = made[name];
    if (!agent) {
      agent = std::make_shared<PeerAgent>(
          executor, tls,
          PeerAgent::Addresses{here.address(),
                               endpoint_of(pair.peer_agent_host, pair.peer_agent_port), name},
          log);
      PeerSessionRules rules;
      rules.messages_per_second = kMessagesBesidePairs;
      agent->set_rules(rules);
    }
    agent->add_pair(peer_pair(pair));
    PeerSessionRules rules = agent->rules();
    rules.heartbeat = std::min(rules.heartbeat, peer_heartbeat(pair));
    rules.messages_per_second += kMessagesOfAPair;
    agent->set_rules(rules);
  }

  // The links whose pairs are as they were go on.
  void update(const Config& config) {
    Agents wanted = make_agents(config);
    for (auto& [name, agent] : wanted) {
      const auto found = agents.find(name);
      if (found == agents.end() || !found->second->serves_the_same(*agent)) continue;
      agent = found->second;
    }
    for (const auto& [name, agent] : agents) {
      const auto kept = wanted.find(name);
      if (kept == wanted.end() || kept->second != agent) agent->stop();
    }
    agents = std::move(wanted);
  }

  void start_new() {
    listen();
    for (const auto& [name, agent] : agents) {
      for (const auto& [pair, events] : subscribed) {
        if (agent->has_pair(pair) && !agent->has_subscriber(pair)) agent->subscribe(pair, events);
      }
      if (!agent->started()) agent->start();
    }
  }

  // A listener that expects the same hosts stays.
  void listen() {
    std::set<std::string> hosts;
    for (const auto& [name, agent] : agents) hosts.insert(agent->host());
    if (listener && hosts == expected) return;
    expected = hosts;
    listener.reset();
    listener = std::make_unique<PeerListener>(
        executor, here, std::move(hosts),
        PeerListener::Events{.accepted = [this](tcp::socket socket) { admit(std::move(socket)); },
                             .refused = [this](const std::string& host) { refuse(host); },
                             .problem = [this](const std::string& why) { cannot_listen(why); }});
    listener->start();
  }

  void stop() {
    listener.reset();
    for (const auto& connection : half_open) connection->close();
    half_open.clear();
    for (const auto& [name, agent] : agents) agent->stop();
  }

  // A caller for whom there is no memory calls again.
  void admit(tcp::socket socket) {
    MemoryReserve::instance().serve([&] { accept(std::move(socket)); });
  }

  // Of a host whose agent is expected; which one, its hello says. The oldest that has not got that
  // far makes room.
  void accept(tcp::socket socket) {
    boost::system::error_code error;
    const std::string host = socket.remote_endpoint(error).address().to_string();
    if (error) return;
    std::vector<PeerSession::Own> own;
    std::vector<std::shared_ptr<PeerAgent>> candidates;
    for (const auto& [name, agent] : agents) {
      if (agent->host() != host) continue;
      own.push_back({name, agent->own()});
      candidates.push_back(agent);
    }
    if (candidates.empty()) return;
    if (half_open.size() >= kMostHalfOpen) {
      half_open.front()->close();
      half_open.pop_front();
    }
    const auto call = std::make_shared<Call>();
    call->first = candidates.front();
    const auto connection = std::make_shared<PeerConnection>(
        std::move(socket), tls, PeerSession::Side::listener, std::move(own),
        candidates.front()->rules(), events_of(call));
    call->connection = connection;
    connection->start();
    half_open.push_back(connection);
  }

  // Events of an accepted connection: first it is nobody's, then the agent's that it introduces.
  struct Call {
    std::weak_ptr<PeerConnection> connection;
    std::shared_ptr<PeerAgent> agent;  // once introduced
    std::shared_ptr<PeerAgent> first;  // one of its host
  };
  PeerConnection::Events events_of(const std::shared_ptr<Call>& call) {
    const auto weak = weak_from_this();
    PeerConnection::Events events;
    events.opened = [weak, call](const PeerHello& hello) {
      const auto self = weak.lock();
      auto connection = call->connection.lock();
      if (!self || !connection) return;
      self->half_open.remove(connection);
      const auto found = self->agents.find(hello.listen);
      if (found == self->agents.end()) return connection->close();  // gone since it called
      call->agent = found->second;
      call->agent->adopt(std::move(connection), hello);
    };
    events.wants_states = [call] {
      const auto connection = call->connection.lock();
      if (connection && call->agent) call->agent->send_states(*connection);
    };
    events.heard = [call](const SessionHeard& heard) {
      const auto connection = call->connection.lock();
      if (connection && call->agent) call->agent->heard(connection, heard);
    };
    events.ended = [weak, call](const std::string& why) {
      const auto self = weak.lock();
      const auto connection = call->connection.lock();
      if (!self || !connection) return;
      if (call->agent) return call->agent->ended(connection.get(), why);
      self->half_open.remove(connection);
      call->first->failed(why);
    };
    return events;
  }

  void refuse(const std::string& host) {
    ++strangers;
    const auto now = steady_clock::now();
    if (stranger_logged && now < *stranger_logged + kStrangerLogSpacing) return;
    stranger_logged = now;
    log->warn(
        "peer link: refused {} connection(s), the last from {}, which is no [pair.peer] agent",
        std::exchange(strangers, 0), host);
  }

  void cannot_listen(const std::string& why) {
    if (why == listen_problem) return;
    listen_problem = why;
    log->error("peer link: cannot listen on {}:{}: {}; trying again each second",
               here.address().to_string(), here.port(), why);
  }

  std::shared_ptr<PeerAgent> agent_of(const std::string& pair) const {
    for (const auto& [name, agent] : agents) {
      if (agent->has_pair(pair)) return agent;
    }
    return nullptr;
  }

  asio::any_io_executor executor;
  std::shared_ptr<spdlog::logger> log;
  PeerTls tls;
  tcp::endpoint here;
  PeerHello base;
  Agents agents;  // by address
  std::map<std::string, PeerPairEvents> subscribed;
  PeerLinks::Server server;
  std::set<std::string> expected;  // hosts, by the listener
  std::list<std::shared_ptr<PeerConnection>> half_open;
  std::unique_ptr<PeerListener> listener;
  std::uint64_t strangers = 0;
  std::optional<steady_clock::time_point> stranger_logged;
  std::string listen_problem;
};

PeerLinks::PeerLinks(const asio::any_io_executor& executor, const Config& config,
                     const std::string& software, std::shared_ptr<spdlog::logger> log) {
  if (!config.peer_link.host.empty())
    impl_ = std::make_shared<Impl>(executor, config, software, std::move(log));
}

PeerLinks::~PeerLinks() {
  stop();
}

void PeerLinks::subscribe(const std::string& pair, PeerPairEvents events) {
  if (impl_) impl_->subscribed[pair] = std::move(events);
}

void PeerLinks::unsubscribe(const std::string& pair) {
  if (!impl_) return;
  impl_->subscribed.erase(pair);
  if (const auto agent = impl_->agent_of(pair)) agent->unsubscribe(pair);
}

void PeerLinks::update(const Config& config) {
  if (impl_) impl_->update(config);
}

void PeerLinks::start_new() {
  if (impl_) impl_->start_new();
}

void PeerLinks::serve(const Server& server) {
  if (!impl_) return;
  impl_->server = server;
  for (const auto& [name, agent] : impl_->agents) agent->serve(server);
}

void PeerLinks::start() {
  if (impl_) impl_->start_new();
}

void PeerLinks::stop() {
  if (impl_) impl_->stop();
}

void PeerLinks::say(const std::string& pair) {
  const auto agent = impl_ ? impl_->agent_of(pair) : nullptr;
  if (agent) agent->say(pair);
}

void PeerLinks::call(const std::string& pair) {
  const auto agent = impl_ ? impl_->agent_of(pair) : nullptr;
  if (agent) agent->call();
}

void PeerLinks::ask(const std::string& pair, const std::string& command,
                    boost::json::object arguments, Duration budget, Answer answer) {
  const auto agent = impl_ ? impl_->agent_of(pair) : nullptr;
  if (!agent) return answer({.text = "there is no peer link for pair " + pair});
  agent->ask({.pair = pair, .command = command, .arguments = std::move(arguments)}, budget,
             std::move(answer));
}

PeerLinkStatus PeerLinks::status(const std::string& pair) const {
  const auto agent = impl_ ? impl_->agent_of(pair) : nullptr;
  if (agent) return agent->status(pair);
  PeerLinkStatus off;
  off.why = "no [pair.peer] agent is configured";
  return off;
}

}  // namespace agent::io
