// See peer_listener.hpp.
#include "agent/io/peer_listener.hpp"

#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace agent::io {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {
// Calls that wait in the kernel, and those that are taken in one period.
constexpr int kBacklog = 16;
constexpr int kMostInPeriod = 20;
constexpr auto kPeriod = std::chrono::milliseconds(100);
constexpr auto kRetry = std::chrono::seconds(1);
}  // namespace

struct PeerListener::Impl : std::enable_shared_from_this<Impl> {
  Impl(const asio::any_io_executor& executor, tcp::endpoint where, std::set<std::string> known,
       Events handlers)
      : here(std::move(where)),
        hosts(std::move(known)),
        events(std::move(handlers)),
        acceptor(executor),
        timer(executor) {}

  // The address may be on its way, as after a boot.
  void listen() {
    error_code error;
    acceptor.close(error);
    acceptor.open(here.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(here, error);
    if (!error) acceptor.listen(kBacklog, error);
    if (!error) return accept();
    events.problem(error.message());
    later(kRetry, &Impl::listen);
  }

  void accept() {
    acceptor.async_accept([weak = weak_from_this()](const error_code& error, tcp::socket socket) {
      const auto self = weak.lock();
      if (!self || error == asio::error::operation_aborted) return;
      if (!error) self->take(std::move(socket));
      // Also when descriptors have run out.
      if (error || ++self->taken >= kMostInPeriod) return self->later(kPeriod, &Impl::go_on);
      self->accept();
    });
  }

  void take(tcp::socket socket) {
    error_code error;
    const auto caller = socket.remote_endpoint(error);
    if (error) return;
    const std::string host = caller.address().to_string();
    if (hosts.contains(host)) return events.accepted(std::move(socket));
    events.refused(host);
  }

  void go_on() {
    taken = 0;
    accept();
  }

  void later(std::chrono::steady_clock::duration time, void (Impl::*what)()) {
    timer.expires_after(time);
    timer.async_wait([weak = weak_from_this(), what](const error_code& error) {
      const auto self = weak.lock();
      if (self && !error) (self.get()->*what)();
    });
  }

  const tcp::endpoint here;
  const std::set<std::string> hosts;
  const Events events;
  tcp::acceptor acceptor;
  asio::steady_timer timer;
  int taken = 0;  // since the last pause
};

PeerListener::PeerListener(const asio::any_io_executor& executor, tcp::endpoint here,
                           std::set<std::string> hosts, Events events)
    : impl_(
          std::make_shared<Impl>(executor, std::move(here), std::move(hosts), std::move(events))) {}

PeerListener::~PeerListener() {
  error_code ignored;
  impl_->timer.cancel();
  impl_->acceptor.close(ignored);
}

void PeerListener::start() {
  impl_->listen();
}

}  // namespace agent::io
