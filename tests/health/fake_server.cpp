// The sockets behind the script. Sessions live as long as their connection or the server.
#include "tests/health/fake_server.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <utility>

#include "health/io/reply_reader.hpp"

namespace health {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<Protocol>;

class Connection : public FakeServer::Session, public std::enable_shared_from_this<Connection> {
 public:
  using Received = std::function<void(Connection&, const Command&)>;

  Connection(Protocol::socket socket, Received received)
      : socket_(std::move(socket)), received_(std::move(received)) {}

  void receive() {
    socket_.async_read_some(asio::buffer(bytes_),
                            [self = shared_from_this()](const error_code& error, std::size_t size) {
                              if (error) return self->close();
                              self->understand({self->bytes_.data(), size});
                              if (self->socket_.is_open()) self->receive();
                            });
  }

  void send(std::string bytes) override {
    queue_.push_back(std::move(bytes));
    if (queue_.size() == 1) write();
  }
  void send_in_pieces(std::string bytes) override {
    for (const char byte : bytes) send(std::string(1, byte));
  }
  void send_without_end(std::string bytes) override {
    endless_ = bytes;
    send(std::move(bytes));
  }
  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }
  void reset() override {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
  }

 private:
  void understand(std::string_view bytes) {
    reader_.feed(bytes);
    while (const std::optional<Reply> words = reader_.next()) {
      Command command;
      for (const Reply& word : words->elements) command.push_back(word.text);
      received_(*this, command);
    }
  }

  void write() {
    asio::async_write(socket_, asio::buffer(queue_.front()),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        if (error) return self->close();
                        self->queue_.pop_front();
                        if (!self->endless_.empty()) self->queue_.push_back(self->endless_);
                        if (!self->queue_.empty()) self->write();
                      });
  }

  Protocol::socket socket_;
  Received received_;
  std::array<char, 4096> bytes_{};
  io::ReplyReader reader_{1024UL * 1024};
  std::deque<std::string> queue_;
  std::string endless_;
};

}  // namespace

struct FakeServer::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::io_context& loop, const Protocol::endpoint& endpoint, Script script_in)
      : acceptor(loop), script(std::move(script_in)) {
    acceptor.open(endpoint.protocol());
    acceptor.bind(endpoint);
    acceptor.listen();
  }

  void accept() {
    acceptor.async_accept(
        [weak = weak_from_this()](const error_code& error, Protocol::socket socket) {
          const std::shared_ptr<Impl> self = weak.lock();
          if (!self || error) return;
          self->welcome(std::move(socket));
          self->accept();
        });
  }

  void welcome(Protocol::socket socket) {
    ++accepted;
    auto received = [weak = weak_from_this()](Connection& connection, const Command& command) {
      const std::shared_ptr<Impl> self = weak.lock();
      if (!self) return connection.close();
      self->commands.push_back(command);
      self->script(connection, command);
    };
    auto connection = std::make_shared<Connection>(std::move(socket), received);
    connections.push_back(connection);
    if (greeting) greeting(*connection);
    connection->receive();
  }

  void close_all() {
    for (const auto& weak : connections) {
      if (const auto connection = weak.lock()) connection->close();
    }
  }

  Acceptor acceptor;
  Script script;
  io::ServerAddress address;
  std::vector<Command> commands;
  std::vector<std::weak_ptr<Connection>> connections;
  std::function<void(Session&)> greeting;
  int accepted = 0;
};

FakeServer::FakeServer(asio::io_context& loop, Script script)
    : impl_(std::make_shared<Impl>(loop,
                                   asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0),
                                   std::move(script))) {
  asio::ip::tcp::endpoint bound;
  const auto local = impl_->acceptor.local_endpoint();
  bound.resize(local.size());
  std::copy_n(reinterpret_cast<const char*>(local.data()), local.size(),
              reinterpret_cast<char*>(bound.data()));
  impl_->address = {.host = "127.0.0.1", .port = bound.port(), .unix_path = {}};
  impl_->accept();
}

FakeServer::FakeServer(asio::io_context& loop, const std::string& unix_path, Script script)
    : impl_(std::make_shared<Impl>(loop, asio::local::stream_protocol::endpoint(unix_path),
                                   std::move(script))) {
  impl_->address = {.host = {}, .port = 0, .unix_path = unix_path};
  impl_->accept();
}

FakeServer::~FakeServer() {
  impl_->close_all();
  error_code ignored;
  impl_->acceptor.close(ignored);
}

void FakeServer::behave(Session& session, const Command& command) {
  static const std::string kInfo = "run_id:fake\r\nrole:master\r\n";
  if (command.front() == "PING") return session.send("+PONG\r\n");
  if (command.front() != "INFO") return session.send("+OK\r\n");
  session.send("$" + std::to_string(kInfo.size()) + "\r\n" + kInfo + "\r\n");
}

const io::ServerAddress& FakeServer::address() const {
  return impl_->address;
}

const std::vector<Command>& FakeServer::commands() const {
  return impl_->commands;
}

int FakeServer::accepted() const {
  return impl_->accepted;
}

void FakeServer::on_accept(std::function<void(Session&)> greeting) {
  impl_->greeting = std::move(greeting);
}

void FakeServer::close_all() {
  impl_->close_all();
}

}  // namespace health
