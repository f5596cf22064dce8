// See http_door.hpp. Beast reads the request's header and writes the answer; a body that a client
// sends is never read, only thrown away.
#include "agent/io/http_door.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <list>
#include <utility>

#include "agent/io/memory_reserve.hpp"

namespace agent::io {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr unsigned kHttp11 = 11;
// What a client may go on sending until the answer has reached it, and for how long.
constexpr std::size_t kMostRest = 256UL * 1024;
constexpr auto kRestPatience = std::chrono::seconds(1);
constexpr auto kAcceptPause = std::chrono::milliseconds(200);

struct Client {
  // In the order in which clients are sent away for a new one.
  enum class Stage : std::uint8_t { has_its_answer, takes_its_answer, speaks, waits };

  Client(tcp::socket connection, asio::ip::address caller, const HttpLimits& limits)
      : socket(std::move(connection)),
        address(std::move(caller)),
        timer(socket.get_executor()),
        buffer(limits.header) {
    parser.header_limit(static_cast<std::uint32_t>(limits.header));
  }

  tcp::socket socket;
  asio::ip::address address;
  asio::steady_timer timer;
  boost::beast::flat_buffer buffer;
  http::request_parser<http::empty_body> parser;
  http::response<http::string_body> response;
  std::array<char, 4096> rest{};
  std::size_t thrown_away = 0;
  Stage stage = Stage::speaks;

  void hang_up() {
    timer.cancel();
    error_code ignored;
    socket.close(ignored);
  }
};
using ClientPtr = std::shared_ptr<Client>;

// nullopt: nobody is there to be told.
std::optional<HttpAnswer> refusal(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return HttpAnswer{431, "the header of the request is too long\n"};
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message) {
    return std::nullopt;
  }
  if (error.category() == http::make_error_code(http::error::bad_method).category()) {
    return HttpAnswer{400, "this is no HTTP request: " + error.message() + "\n"};
  }
  return std::nullopt;
}

}  // namespace

struct HttpDoor::Impl : std::enable_shared_from_this<Impl> {
  Impl(const asio::any_io_executor& executor, Handler answer, HttpLimits bounds)
      : acceptor(executor), pause(executor), handler(std::move(answer)), limits(bounds) {}
  ~Impl() {
    for (const auto& client : clients) client->hang_up();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void accept() {
    acceptor.async_accept([weak = weak_from_this()](const error_code& error, tcp::socket socket) {
      const auto self = weak.lock();
      if (!self || error == asio::error::operation_aborted) return;
      if (error) return self->accept_later();
      self->welcome(std::move(socket));
      self->accept();
    });
  }

  // Out of descriptors, most likely: not at once again.
  void accept_later() {
    pause.expires_after(kAcceptPause);
    pause.async_wait([weak = weak_from_this()](const error_code& error) {
      const auto self = weak.lock();
      if (self && !error) self->accept();
    });
  }

  void welcome(tcp::socket socket) {
    error_code error;
    const auto address = socket.remote_endpoint(error).address();
    if (error) return;
    ClientPtr client;
    const bool served = MemoryReserve::instance().serve([&] {
      if (!makes_room(address)) return;
      client = std::make_shared<Client>(std::move(socket), address, limits);
      clients.push_back(client);
      listen_to(client);
    });
    if (!served && client) end(client);
  }

  bool makes_room(const asio::ip::address& address) {
    const auto is_its = [&](const ClientPtr& client) { return client->address == address; };
    const auto its = std::count_if(clients.begin(), clients.end(), is_its);
    if (static_cast<std::size_t>(its) >= limits.of_one_address) return send_away(is_its);
    if (clients.size() < limits.clients) return true;
    return send_away([](const ClientPtr&) { return true; });
  }

  template <typename Choice>
  bool send_away(Choice choice) {
    ClientPtr chosen;
    for (const auto& client : clients) {
      if (choice(client) && (!chosen || client->stage < chosen->stage)) chosen = client;
    }
    if (!chosen || chosen->stage == Client::Stage::waits) return false;
    end(chosen);
    return true;
  }

  void listen_to(const ClientPtr& client) {
    give_up_after(client, limits.patience);
    http::async_read_header(
        client->socket, client->buffer, client->parser,
        [weak = weak_from_this(), client](const error_code& error, std::size_t) {
          const auto self = weak.lock();
          if (!self || !client->socket.is_open()) return;
          if (!error) return self->ask_or_end(client);
          auto refused = refusal(error);
          if (!refused) return self->end(client);
          self->reply(client, std::move(*refused));
        });
  }

  void ask_or_end(const ClientPtr& client) {
    if (!MemoryReserve::instance().serve([&] { ask(client); })) end(client);
  }

  void ask(const ClientPtr& client) {
    const auto& request = client->parser.get();
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      return reply(client, {405, "only GET and HEAD are answered here\n"});
    }
    const std::string target(request.target());
    if (target.empty() || target.front() != '/') {
      return reply(client, {400, "the request names no path\n"});
    }
    client->stage = Client::Stage::waits;
    give_up_after(client, limits.taking);
    handler(target.substr(0, target.find('?')), [weak = weak_from_this(), client](HttpAnswer got) {
      if (const auto self = weak.lock()) self->reply(client, std::move(got));
    });
  }

  void reply(const ClientPtr& client, HttpAnswer answer) {
    if (!client->socket.is_open() || client->stage < Client::Stage::speaks) return;
    client->stage = Client::Stage::takes_its_answer;
    give_up_after(client, limits.taking);
    auto& response = client->response;
    response.version(kHttp11);
    response.result(answer.status);
    response.keep_alive(false);
    response.set(http::field::content_type, answer.type);
    response.set(http::field::cache_control, "no-store");
    response.set("Content-Security-Policy", answer.policy);
    response.set("X-Content-Type-Options", "nosniff");
    response.set("Referrer-Policy", "no-referrer");
    if (answer.status == static_cast<unsigned>(http::status::method_not_allowed)) {
      response.set(http::field::allow, "GET, HEAD");
    }
    response.content_length(answer.body.size());
    const bool head = client->parser.get().method() == http::verb::head;
    if (!head) response.body() = std::move(answer.body);
    http::async_write(client->socket, response,
                      [weak = weak_from_this(), client](const error_code& error, std::size_t) {
                        const auto self = weak.lock();
                        if (!self) return;
                        if (error) return self->end(client);
                        self->say_goodbye(client);
                      });
  }

  // What a client still sends would make the kernel reset the connection before it has read the
  // answer; so that is taken in, for a moment.
  void say_goodbye(const ClientPtr& client) {
    client->stage = Client::Stage::has_its_answer;
    error_code ignored;
    client->socket.shutdown(tcp::socket::shutdown_send, ignored);
    give_up_after(client, kRestPatience);
    throw_away(client);
  }

  void throw_away(const ClientPtr& client) {
    client->socket.async_read_some(
        asio::buffer(client->rest),
        [weak = weak_from_this(), client](const error_code& error, std::size_t count) {
          const auto self = weak.lock();
          if (!self) return;
          client->thrown_away += count;
          if (error || client->thrown_away > kMostRest) return self->end(client);
          self->throw_away(client);
        });
  }

  void give_up_after(const ClientPtr& client, std::chrono::milliseconds time) {
    client->timer.expires_after(time);
    client->timer.async_wait([weak = weak_from_this(), client](const error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->end(client);
    });
  }

  void end(const ClientPtr& client) {
    client->hang_up();
    clients.remove(client);  // last: the caller's may be the one in the list
  }

  tcp::acceptor acceptor;
  asio::steady_timer pause;
  Handler handler;
  HttpLimits limits;
  std::list<ClientPtr> clients;  // the oldest first
};

HttpDoor::HttpDoor(const asio::any_io_executor& executor, Handler handler, HttpLimits limits)
    : impl_(std::make_shared<Impl>(executor, std::move(handler), limits)) {}

HttpDoor::~HttpDoor() = default;

std::optional<std::string> HttpDoor::listen(const std::string& host, std::uint16_t port) {
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error) return error.message();
  auto& acceptor = impl_->acceptor;
  const tcp::endpoint endpoint(address, port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    error_code ignored;
    acceptor.close(ignored);
    return error.message();
  }
  impl_->accept();
  return std::nullopt;
}

std::uint16_t HttpDoor::port() const {
  error_code ignored;
  return impl_->acceptor.local_endpoint(ignored).port();
}

}  // namespace agent::io
