// See model_connection.hpp.
#include "tests/sim/model_connection.hpp"

#include <utility>

namespace sim {

using namespace std::chrono_literals;

Connection::Connection(Clockwork& clock, Network& network, Server& server, bool remote,
                       std::string by, ConnectionEvents events)
    : clock_(clock),
      network_(network),
      server_(server),
      remote_(remote),
      by_(std::move(by)),
      events_(std::move(events)),
      latency_(remote ? 150us + clock.up_to(300us) : 30us + clock.up_to(50us)) {}

void Connection::deliver(std::function<void()> what) {
  events_.deliver([this, generation = generation_, what = std::move(what)] {
    if (generation == generation_) what();
  });
}

void Connection::connect(Duration timeout) {
  const auto generation = ++generation_;
  const bool answers = open() && (!remote_ || network_.host_up[server_.index]);
  if (!answers) {
    clock_.after(timeout, [this, generation] {
      if (generation == generation_) deliver([this] { events_.failed(false); });
    });
    return;
  }
  clock_.after(2 * latency_, [this, generation] {
    if (generation != generation_) return;
    if (!server_.alive) return deliver([this] { events_.failed(true); });
    up_ = true;
    server_life_ = server_.life;
    deliver([this] { events_.connected(); });
  });
}

void Connection::disconnect() {
  ++generation_;
  up_ = false;
  back_.held.clear();
  for (const auto& [id, handler] : std::exchange(handlers_, {})) handler(nullptr);
}

// What the kernel still holds for the server goes on being sent.
void Connection::agent_died() {
  ++generation_;
  up_ = false;
  back_.held.clear();
  handlers_.clear();
}

void Connection::close() {
  if (!up_) return;
  deliver([this] {
    up_ = false;
    ++generation_;
    for (const auto& [id, handler] : std::exchange(handlers_, {})) handler(nullptr);
    events_.closed();
  });
}

void Connection::server_died(bool host_gone) {
  if (!up_ || host_gone || !open()) return;
  clock_.after(latency_ + 500us, [this, generation = generation_] {
    if (generation == generation_) close();
  });
}

void Connection::pass(Way& way, std::function<void()> what) {
  if (!way.held.empty() || !open()) {
    way.held.push_back(std::move(what));
    return;
  }
  clock_.after(latency_, std::move(what));
}

void Connection::flush(Way& way) {
  if (!open()) return;
  for (auto& one : std::exchange(way.held, {})) clock_.after(0us, std::move(one));
}

void Connection::path_opened() {
  clock_.after(clock_.up_to(200ms), [this] {
    flush(there_);
    flush(back_);
    if (up_ && server_life_ != server_.life) close();
  });
}

void Connection::send(const Words& words, Handler handler) {
  if (!up_) return handler(nullptr);
  const auto id = ++asked_;
  handlers_[id] = std::move(handler);
  const auto generation = generation_;
  const auto life = server_life_;
  pass(there_, [this, words, id, generation, life] {
    if (!server_.alive || server_.life != life) {
      if (generation == generation_) close();
      return;
    }
    server_.command(words, by_, [this, id, generation](const health::Reply& reply) {
      if (generation != generation_) return;
      pass(back_, [this, id, generation, reply] {
        if (generation != generation_) return;
        deliver([this, id, reply] {
          const auto found = handlers_.find(id);
          if (found == handlers_.end()) return;
          const Handler answer = std::move(found->second);
          handlers_.erase(found);
          answer(&reply);
        });
      });
    });
  });
}

}  // namespace sim
