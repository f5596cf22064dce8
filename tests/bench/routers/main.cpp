// Virtual routers and nothing else, for ./dev bench scale: state machine, socket, virtual address
// and announcer of vrrp/ and vrrp/io, one of each per router, as the agent wires them. No server,
// no record, no peer link, no realtime priority. VRID 1 to 250 on each interface, one address each.
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vrrp/admission.hpp"
#include "vrrp/instance.hpp"
#include "vrrp/io/advert_socket.hpp"
#include "vrrp/io/announcer.hpp"
#include "vrrp/io/asio/deadline_timer.hpp"
#include "vrrp/io/netlink.hpp"
#include "vrrp/io/vip_table.hpp"

namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

constexpr std::size_t kRoutersPerInterface = 250;
constexpr std::uint8_t kPrefixLength = 24;
const auto kGroup = vrrp::IpAddress::v4({224, 0, 0, 18});

struct Settings {
  std::size_t count = 0;
  std::chrono::milliseconds interval{};
  vrrp::Priority priority;
  std::chrono::seconds lease{};
  std::array<std::uint8_t, 4> base{};  // 10.81.0.0: VRID 7 on the second interface has 10.81.1.7
  std::vector<std::string> interfaces;
};

class Router;

struct Wire {
  std::string name;
  std::optional<vrrp::IpAddress> source;
  std::unique_ptr<vrrp::io::AdvertSocket> socket;
  std::array<Router*, kRoutersPerInterface + 1> by_vrid{};
};

class Router {
 public:
  Router(asio::io_context& loop, vrrp::io::Netlink& netlink,
         const std::shared_ptr<vrrp::io::FrameSocket>& frames, Wire& wire, const Settings& settings,
         vrrp::Vrid vrid, const vrrp::IpAddress& address)
      : netlink_(netlink),
        wire_(wire),
        vip_{{address, kPrefixLength}, wire.name, {}},
        instance_(
            {.vrid = vrid, .priority = settings.priority, .advert_interval = settings.interval}),
        timer_(loop.get_executor(),
               [this](steady_clock::time_point /*due*/) { step(vrrp::DeadlineReached{}); }),
        vips_(loop.get_executor(), netlink, {vip_}, settings.lease,
              {.still_ours = [this] { return leads(); }, .repaired = {}, .problem = complain}),
        announcer_(loop.get_executor(), {}, complain, frames) {
    advert_.vrid = vrid;
    advert_.interval = settings.interval;
    advert_.addresses = {address};
    rules_.vrid = vrid;
    rules_.interval = settings.interval;
    rules_.addresses = {address};
  }

  static void complain(const std::string& sentence) { std::cerr << sentence << "\n"; }

  void start() {
    rules_.own_source = *wire_.source;
    step(vrrp::EligibilityChanged{.may_lead = true});
    step(vrrp::LinkChanged{true, *wire_.source});
  }

  void received(const vrrp::Datagram& datagram) {
    const auto judged = vrrp::admit(datagram, rules_);
    const auto* admitted = std::get_if<vrrp::Admitted>(&judged);
    if (admitted == nullptr) return;
    const auto& advert = admitted->advertisement;
    step(vrrp::AdvertReceived{datagram.source, advert.priority, advert.interval, datagram.waited});
  }

  void address_removed(const vrrp::io::AddressFact& address) { vips_.on_address_removed(address); }

 private:
  bool leads() const { return instance_.snapshot().state == vrrp::State::master; }

  void step(const vrrp::InstanceInput& input) {
    for (const auto& effect : instance_.step(steady_clock::now(), input)) {
      std::visit([this](const auto& one) { perform(one); }, effect);
    }
    timer_.wait_until(instance_.next_deadline());
  }

  void perform(const vrrp::SendAdvert& effect) {
    advert_.priority = effect.priority;
    const auto message = vrrp::encode(advert_, *wire_.source, kGroup);
    if (++id_ == 0) ++id_;
    if (const auto problem = wire_.socket->send(*wire_.source, kGroup, id_, message)) {
      complain(*problem);
    }
  }
  void perform(const vrrp::BecameMaster& /*effect*/) {
    vips_.install();
    if (const auto link = netlink_.link(wire_.name)) {
      announcer_.start({{*link, vip_.prefix.address}});
    }
  }
  void perform(const vrrp::LeftMaster& /*effect*/) {
    announcer_.stop();
    vips_.withdraw();
  }
  template <typename Other>
  void perform(const Other& /*effect*/) {}

  vrrp::io::Netlink& netlink_;
  Wire& wire_;
  const vrrp::VirtualAddress vip_;
  vrrp::Advertisement advert_;
  vrrp::AdmissionRules rules_;
  vrrp::Instance instance_;
  vrrp::io::DeadlineTimer timer_;
  vrrp::io::VipTable vips_;
  vrrp::io::Announcer announcer_;
  std::uint16_t id_ = 0;
};

// The first address of the interface that is no virtual one: those end in a VRID.
std::optional<vrrp::IpAddress> own_address(const vrrp::io::Netlink& netlink, unsigned link) {
  for (const auto& fact : netlink.addresses(link)) {
    const auto& address = fact.prefix.address;
    if (address.family() != vrrp::Family::ipv4 || fact.valid_lifetime) continue;
    if (address.data()[3] > kRoutersPerInterface) return address;
  }
  return std::nullopt;
}

std::optional<std::string> open(Wire& wire, asio::io_context& loop,
                                const vrrp::io::Netlink& netlink) {
  const auto link = netlink.link(wire.name);
  if (!link) return "there is no interface " + wire.name;
  wire.source = own_address(netlink, link->index);
  if (!wire.source) return wire.name + " has no address to send from";
  wire.socket = std::make_unique<vrrp::io::AdvertSocket>(
      loop.get_executor(), [&wire](const vrrp::Datagram& datagram) {
        const auto vrid = vrrp::peek_vrid(datagram.payload).value;
        if (vrid > kRoutersPerInterface) return;
        if (Router* const router = wire.by_vrid.at(vrid)) router->received(datagram);
      });
  return wire.socket->open(link->index, wire.name, true);
}

std::optional<std::string> run(const Settings& settings) {
  asio::io_context loop{1};
  vrrp::io::Netlink netlink(loop.get_executor());
  const auto frames = std::make_shared<vrrp::io::FrameSocket>();
  std::vector<std::unique_ptr<Router>> routers;
  std::map<vrrp::IpAddress, Router*> by_address;
  const auto removed = [&](const vrrp::io::AddressFact& fact) {
    const auto found = by_address.find(fact.prefix.address);
    if (found != by_address.end()) found->second->address_removed(fact);
  };
  vrrp::io::NetlinkEvents events;
  events.address_removed = removed;
  if (auto problem = netlink.start(std::move(events))) return problem;
  std::vector<std::unique_ptr<Wire>> wires;
  for (const auto& name : settings.interfaces) {
    wires.push_back(std::make_unique<Wire>());
    wires.back()->name = name;
    if (auto problem = open(*wires.back(), loop, netlink)) return problem;
  }
  for (std::size_t index = 0; index < settings.count; ++index) {
    const auto place = index / kRoutersPerInterface;
    Wire& wire = *wires.at(place);
    auto bytes = settings.base;
    bytes[2] = static_cast<std::uint8_t>(place);
    bytes[3] = static_cast<std::uint8_t>(index % kRoutersPerInterface + 1);
    const auto address = vrrp::IpAddress::v4(bytes);
    routers.push_back(std::make_unique<Router>(loop, netlink, frames, wire, settings,
                                               vrrp::Vrid{bytes[3]}, address));
    wire.by_vrid.at(bytes[3]) = routers.back().get();
    by_address[address] = routers.back().get();
  }
  for (const auto& router : routers) router->start();
  asio::signal_set signals(loop, SIGTERM, SIGINT);
  signals.async_wait(
      [&](const boost::system::error_code& /*error*/, int /*number*/) { loop.stop(); });
  loop.run();
  return std::nullopt;
}

std::optional<unsigned> number(std::string_view text, unsigned largest) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0 || value > largest) {
    return std::nullopt;
  }
  return value;
}

std::optional<Settings> read(const std::vector<std::string>& words) {
  constexpr std::size_t kFixed = 5;
  if (words.size() <= kFixed) return std::nullopt;
  Settings settings;
  settings.interfaces.assign(words.begin() + kFixed, words.end());
  const auto most = static_cast<unsigned>(settings.interfaces.size() * kRoutersPerInterface);
  const auto count = number(words[0], most);
  const auto interval = number(words[1], 40'000);
  const auto priority = number(words[2], 254);
  const auto lease = number(words[3], 1'000'000);
  const auto base = vrrp::IpAddress::parse(words[4]);
  if (!count || !interval || !priority || !lease || !base) return std::nullopt;
  settings.count = *count;
  settings.interval = std::chrono::milliseconds(*interval);
  settings.priority.value = static_cast<std::uint8_t>(*priority);
  settings.lease = std::chrono::seconds(*lease);
  settings.base = {base->data()[0], base->data()[1], 0, 0};
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  const auto settings = read({argv + 1, argv + argc});
  if (!settings) {
    std::cerr << "usage: bench_routers COUNT INTERVAL_MS PRIORITY LEASE_S VIP_BASE INTERFACE...\n"
                 "at most 250 routers for each interface\n";
    return 2;
  }
  if (const auto problem = run(*settings)) {
    std::cerr << *problem << "\n";
    return 1;
  }
  return 0;
}
