// Clients of the simulated pair: they write through the VIP to whoever announced it last, and
// remember what was acknowledged. See pair_world.hpp.
#include "tests/sim/pair_world.hpp"

namespace sim {

using namespace std::chrono_literals;

namespace {
constexpr int kForgetTheRoute = 10;  // failures until the neighbour is looked up again
}  // namespace

bool PairWorld::holds_vip(std::size_t host) const {
  const Host& one = hosts_.at(host);
  return network_.host_up.at(host) && one.vip && clock_.now() < one.vip_until;
}

bool PairWorld::reaches(const Client& client, std::size_t host) const {
  return network_.host_up.at(host) && (!network_.partitioned || client.side == host);
}

void PairWorld::announced(std::size_t host) {
  for (Client& client : clients_) {
    if (reaches(client, host)) client.route = host;
  }
}

void PairWorld::client_writes(Client& client) {
  if (!writing_) return;
  clock_.after(clock_.between(5ms, 60ms), [this, &client] { client_writes(client); });
  if (!client.route || client.failures >= kForgetTheRoute) {
    client.failures = 0;
    for (const std::size_t host : {0U, 1U}) {
      if (reaches(client, host) && holds_vip(host)) client.route = host;
    }
  }
  if (!client.route) return;
  const std::size_t host = *client.route;
  if (!reaches(client, host) || !holds_vip(host)) {
    ++client.failures;
    return;
  }
  const WriteId id = truth_.new_write();
  servers_.at(host)->write(id, [this, &client, id, host](bool taken) {
    // An answer through an address that is gone reaches nobody.
    const bool heard = taken && reaches(client, host) && holds_vip(host);
    client.failures = heard ? 0 : client.failures + 1;
    if (heard) truth_.acknowledged(id);
  });
}

}  // namespace sim
