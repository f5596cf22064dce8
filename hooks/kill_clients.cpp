// Closes the connections of clients that came in through an address that is about to leave, so
// that they reconnect now and not at their own timeout. Never touches the address.
#include <arpa/inet.h>

#include <array>
#include <utility>

#include "hooks/dialogue.hpp"
#include "hooks/role_change.hpp"

namespace hooks {
namespace {

// As CLIENT LIST shows it in laddr: "192.168.1.120:6379", "[2001:db8::1]:6379". Redis compares
// text, so an IPv6 address gets its canonical form (RFC 5952) first.
std::string laddr(const std::string& vip, std::uint16_t port) {
  std::string host = vip.substr(0, vip.find('/'));
  in6_addr address{};
  if (inet_pton(AF_INET6, host.c_str(), &address) == 1) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(AF_INET6, &address, text.data(), text.size());
    host = '[' + std::string(text.data()) + ']';
  }
  return host + ':' + std::to_string(port);
}

class KillClients final : public Dialogue {
 public:
  KillClients(std::vector<std::string> vips, std::uint16_t port) : addresses_(std::move(vips)) {
    for (std::string& address : addresses_) address = laddr(address, port);
  }

  std::string_view name() const override { return "kill_clients"; }
  Step begin(TimePoint) override { return kill_by_address(0); }

 private:
  Step kill_by_address(std::size_t index);
  Step kill_by_type(const std::string& type);

  std::vector<std::string> addresses_;
};

Step KillClients::kill_by_address(std::size_t index) {
  if (index == addresses_.size()) return Done{};
  const Question kill{Target::local, {"CLIENT", "KILL", "LADDR", addresses_[index]}, {}};
  return ask(kill, [this, kill, index](TimePoint, const health::Reply& reply) -> Step {
    if (reply.type == health::Reply::Type::integer) return kill_by_address(index + 1);
    // LADDR is a syntax error before Redis 6.2.
    if (reply.error_code() == "ERR") return kill_by_type("normal");
    return unexpected(kill, reply);
  });
}

Step KillClients::kill_by_type(const std::string& type) {
  const Question kill{Target::local, {"CLIENT", "KILL", "TYPE", type, "SKIPME", "yes"}, {}};
  return ask(kill, [this, kill, type](TimePoint, const health::Reply& reply) -> Step {
    if (reply.type != health::Reply::Type::integer) return unexpected(kill, reply);
    if (type == "normal") return kill_by_type("pubsub");
    return Done{};
  });
}

}  // namespace

std::unique_ptr<Procedure> make_kill_clients(std::vector<std::string> vips, std::uint16_t port) {
  return std::make_unique<KillClients>(std::move(vips), port);
}

}  // namespace hooks
