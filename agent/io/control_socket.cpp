// See control_socket.hpp. Bounded everywhere: request size, clients at once, time per client.
// Clients that only hold the door open never keep others out: the one that has said nothing for
// longest makes room.
#include "agent/io/control_socket.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <list>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/io/memory_reserve.hpp"

namespace agent::io {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Protocol = asio::local::stream_protocol;

constexpr std::size_t kLargestRequest = 4096;
constexpr std::size_t kMostClients = 64;
constexpr auto kPatience = std::chrono::seconds(5);  // for a request, and for taking the answer
constexpr const char* kGroup = "tandem";
constexpr mode_t kForGroup = 0117;  // umask(2): what is left is 0660
constexpr mode_t kForRoot = 0177;

// What is said to a client without a place: all others wait for answers, or there is no memory to
// put it together from.
constexpr std::string_view kTooMany =
    R"({"error":"too many requests wait for an answer; try again later"})"
    "\n";
constexpr std::string_view kNoMemory =
    R"({"error":"the agent is short of memory; try again later"})"
    "\n";

json::object refusal(std::string_view why) {
  return {{"error", why}};
}

std::optional<gid_t> operators() {
  std::array<char, 4096> buffer{};
  struct group entry {};
  struct group* found = nullptr;
  ::getgrnam_r(kGroup, &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return std::nullopt;
  return found->gr_gid;
}

struct Client {
  explicit Client(Protocol::socket connection)
      : socket(std::move(connection)), timer(socket.get_executor()) {}
  Protocol::socket socket;
  asio::steady_timer timer;
  std::string request;
  std::string answer;
  bool asked = false;  // its whole request is here
  bool answered = false;

  void hang_up() {
    timer.cancel();
    boost::system::error_code ignored;
    socket.close(ignored);
  }
};

}  // namespace

struct ControlSocket::Impl : std::enable_shared_from_this<Impl> {
  Impl(const asio::any_io_executor& executor, Handler answer, std::chrono::milliseconds longest)
      : acceptor(executor), handler(std::move(answer)), patience(longest) {}
  ~Impl() {
    for (const auto& client : clients) client->hang_up();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void accept() {
    acceptor.async_accept(
        [weak = weak_from_this()](const boost::system::error_code& error, Protocol::socket socket) {
          const auto self = weak.lock();
          if (!self || error == asio::error::operation_aborted) return;
          if (error) return self->accept_later();
          self->admit(std::move(socket));
          self->accept();
        });
  }

  void admit(Protocol::socket socket) {
    std::shared_ptr<Client> client;
    const bool served = MemoryReserve::instance().serve([&] {
      client = std::make_shared<Client>(std::move(socket));
      welcome(client);
    });
    if (served) return;
    turn_away(client ? client->socket : socket, kNoMemory);
    if (client) end(client);
  }

  void welcome(const std::shared_ptr<Client>& client) {
    if (clients.size() >= kMostClients) {
      const auto silent = std::find_if(clients.begin(), clients.end(),
                                       [](const auto& other) { return !other->asked; });
      if (silent == clients.end()) return turn_away(client->socket, kTooMany);
      end(std::shared_ptr(*silent));
    }
    serve(client);
  }

  // What a fresh socket takes without waiting is enough.
  static void turn_away(Protocol::socket& socket, std::string_view words) {
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.send(asio::buffer(words), 0, ignored);
  }

  // Out of descriptors, most likely: not at once again.
  void accept_later() {
    auto timer = std::make_shared<asio::steady_timer>(acceptor.get_executor());
    timer->expires_after(std::chrono::seconds(1));
    timer->async_wait([weak = weak_from_this(), timer](const boost::system::error_code&) {
      if (const auto self = weak.lock()) self->accept();
    });
  }

  void serve(const std::shared_ptr<Client>& client) {
    clients.push_back(client);
    give_up_later(client);
    asio::async_read_until(
        client->socket, asio::dynamic_buffer(client->request, kLargestRequest), '\n',
        [weak = weak_from_this(), client](const boost::system::error_code& error, std::size_t) {
          const auto self = weak.lock();
          if (!self) return;
          const bool oversized = error == asio::error::not_found;
          if (error && !oversized) return self->end(client);
          if (!oversized) return self->answer_or_turn_away(client);
          self->reply(client, refusal("the request is longer than 4096 bytes"));
        });
  }

  // Asked before and not caught meanwhile: some requests take steps of a pair, and one that is
  // broken off leaves no pair behind.
  void answer_or_turn_away(const std::shared_ptr<Client>& client) {
    if (!MemoryReserve::instance().is_short()) return answer(client);
    turn_away(client->socket, kNoMemory);
    end(client);
  }

  void answer(const std::shared_ptr<Client>& client) {
    client->asked = true;
    boost::system::error_code error;
    const auto value = json::parse(client->request, error);
    if (error || !value.is_object()) {
      return reply(client, refusal("the request is not a JSON object"));
    }
    wait_for_answer(client);
    handler(value.get_object(), [weak = weak_from_this(), client](const json::object& answer) {
      if (const auto self = weak.lock()) self->reply(client, answer);
    });
  }

  // A client that has only ended its own sending still wants its answer.
  void wait_for_answer(const std::shared_ptr<Client>& client) {
    const auto weak = weak_from_this();
    client->timer.expires_after(patience);
    client->timer.async_wait([weak, client](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!error && self) self->reply(client, refusal("no answer came in time; see tandem status"));
    });
    client->socket.async_wait(Protocol::socket::wait_error,
                              [weak, client](const boost::system::error_code& error) {
                                const auto self = weak.lock();
                                if (!error && self && !client->answered) self->end(client);
                              });
  }

  void reply(const std::shared_ptr<Client>& client, const json::object& answer) {
    if (!is_here(client) || client->answered) return;
    client->answer = json::serialize(answer) + "\n";
    client->answered = true;
    give_up_later(client);
    asio::async_write(
        client->socket, asio::buffer(client->answer),
        [weak = weak_from_this(), client](const boost::system::error_code&, std::size_t) {
          if (const auto self = weak.lock()) self->end(client);
        });
  }

  static void give_up_later(const std::shared_ptr<Client>& client) {
    client->timer.expires_after(kPatience);
    client->timer.async_wait([client](const boost::system::error_code& error) {
      boost::system::error_code ignored;
      if (!error) client->socket.close(ignored);
    });
  }

  // With its mode from the beginning: a chmod() by name could meet what somebody put in its place.
  boost::system::error_code bind(const std::string& where, mode_t closed) {
    boost::system::error_code error;
    acceptor.open(Protocol(), error);
    const mode_t before = ::umask(closed);
    if (!error) acceptor.bind(Protocol::endpoint(where), error);
    ::umask(before);
    return error;
  }

  // For root and the group; where there is no such group, or no right to give it the socket, for
  // root alone. Nobody gets through before it listens.
  boost::system::error_code open(const std::string& where) {
    const auto group = operators();
    if (!group) return bind(where, kForRoot);
    const auto error = bind(where, kForGroup);
    if (error || ::fchownat(AT_FDCWD, where.c_str(), 0, *group, AT_SYMLINK_NOFOLLOW) == 0) {
      return error;
    }
    boost::system::error_code ignored;
    acceptor.close(ignored);
    ::unlink(where.c_str());
    return bind(where, kForRoot);
  }

  bool is_here(const std::shared_ptr<Client>& client) const {
    return std::find(clients.begin(), clients.end(), client) != clients.end();
  }

  void end(const std::shared_ptr<Client>& client) {
    if (std::erase(clients, client) != 0) client->hang_up();
  }

  Protocol::acceptor acceptor;
  Handler handler;
  std::chrono::milliseconds patience;
  std::list<std::shared_ptr<Client>> clients;  // in the order in which they came
  std::string path;
};

ControlSocket::ControlSocket(const asio::any_io_executor& executor, Handler handler,
                             std::chrono::milliseconds patience)
    : impl_(std::make_shared<Impl>(executor, std::move(handler), patience)) {}

ControlSocket::~ControlSocket() {
  if (!impl_->path.empty()) ::unlink(impl_->path.c_str());
}

std::optional<std::string> ControlSocket::listen(const std::string& path) {
  const auto failed = [&](const std::string& why) {
    return "the control socket " + path + " cannot be opened: " + why;
  };
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return failed("the path is too long");
  boost::system::error_code error;
  Protocol::socket knock(impl_->acceptor.get_executor());
  knock.connect(Protocol::endpoint(path), error);
  if (!error) return failed("another agent answers on it");
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) return failed("a file that is not a socket is in its place");
    ::unlink(path.c_str());
  }
  error = impl_->open(path);
  if (!error) impl_->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed(error.message());
  impl_->path = path;
  impl_->accept();
  return std::nullopt;
}

}  // namespace agent::io
