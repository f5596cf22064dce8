// The raw VRRP socket against the kernel: what leaves here must arrive there as it was built.
#include "vrrp/io/advert_socket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <memory>

#include "tests/netns/cable.hpp"
#include "vrrp/advertisement.hpp"

namespace vrrp::io {
namespace {

using Bytes = std::vector<std::uint8_t>;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Heard {
  IpAddress source;
  IpAddress destination;
  int ttl = 0;
  Bytes payload;

  bool operator==(const Heard&) const = default;
};

[[maybe_unused]] void PrintTo(const Heard& heard, std::ostream* out) {
  *out << heard.source.to_string() << " > " << heard.destination.to_string() << " ttl " << heard.ttl
       << " " << testing::PrintToString(heard.payload);
}

// A socket that writes down what it hears.
struct Ear {
  Ear(boost::asio::io_context& loop, std::string its_netns, bool join_multicast = true,
      std::string its_interface = "eth0", Family family = Family::ipv4)
      : netns(std::move(its_netns)), interface(std::move(its_interface)), join(join_multicast) {
    const auto write_down = [this](const Datagram& datagram) {
      waited.push_back(datagram.waited);
      heard.push_back({datagram.source,
                       datagram.destination,
                       datagram.ttl,
                       {datagram.payload.begin(), datagram.payload.end()}});
    };
    socket.emplace(loop.get_executor(), write_down, family);
    EXPECT_EQ(open(), std::nullopt);
  }

  std::optional<std::string> open() {
    const support::InNamespace inside(netns);
    return socket->open(if_nametoindex(interface.c_str()), interface, join);
  }

  std::string netns;
  std::string interface;
  bool join;
  std::vector<Heard> heard;
  std::vector<std::chrono::steady_clock::duration> waited;
  std::optional<AdvertSocket> socket;
};

class AdvertSocketTest : public testing::Test {
 protected:
  Cable cable_;
  boost::asio::io_context loop_;
};

Bytes advert(const IpAddress& source, const IpAddress& destination,
             const IpAddress& vip = IpAddress::v4({10, 88, 0, 100}));

TEST_F(AdvertSocketTest, CarriesMulticastAndUnicastUnchanged) {
  Ear here(loop_, cable_.here());
  Ear there(loop_, cable_.there());
  Sniffer wire(cable_.there(), ETHERTYPE_IP);
  const IpAddress group = ipv4_multicast_group();
  const Bytes to_all = advert(kIpHere, group);
  const Bytes to_one = advert(kIpHere, kIpThere);

  EXPECT_EQ(here.socket->send(kIpHere, group, 7, to_all), std::nullopt);
  EXPECT_EQ(here.socket->send(kIpHere, kIpThere, 8, to_one), std::nullopt);
  EXPECT_TRUE(run_until(loop_, [&] { return there.heard.size() >= 2; }));

  EXPECT_THAT(there.heard, ElementsAre(Heard{kIpHere, group, 255, to_all},
                                       Heard{kIpHere, kIpThere, 255, to_one}));
  for (const auto& heard : there.heard) {
    const auto decoded = decode(heard.payload, heard.source, heard.destination);
    ASSERT_TRUE(std::holds_alternative<Decoded>(decoded));
    EXPECT_EQ(std::get<Decoded>(decoded).checksum_form, ChecksumForm::pseudo_header);
  }
  auto frames = wire.take();
  std::erase_if(frames, [](const auto& frame) { return frame[23] != 112; });  // IGMP reports
  ASSERT_EQ(frames.size(), 2U);
  // Version and length, TOS 0xC0, total length 32, ID 7, no flags, TTL 255, protocol 112.
  EXPECT_THAT(Bytes(frames[0].begin() + 14, frames[0].begin() + 24),
              ElementsAre(0x45, 0xc0, 0, 32, 0, 7, 0, 0, 255, 112));
  EXPECT_EQ(Bytes(frames[0].begin() + 14, frames[0].end()),
            build_ipv4(kIpHere, group, 7, 255, to_all));
  EXPECT_EQ(Bytes(frames[1].begin() + 14, frames[1].end()),
            build_ipv4(kIpHere, kIpThere, 8, 255, to_one));
  // 224.0.0.18 on Ethernet (RFC 1112 section 6.4).
  EXPECT_EQ(Bytes(frames[0].begin(), frames[0].begin() + 6),
            (Bytes{0x01, 0x00, 0x5e, 0x00, 0x00, 0x12}));
}

TEST_F(AdvertSocketTest, HearsNeitherItselfNorOtherLinks) {
  Ear sender(loop_, cable_.here());
  Ear neighbour(loop_, cable_.here());
  Ear other_link(loop_, cable_.here(), false, "lo");
  Ear not_joined(loop_, cable_.there(), false);
  Ear there(loop_, cable_.there());

  EXPECT_EQ(sender.socket->send(kIpHere, ipv4_multicast_group(), 1, Bytes{1}), std::nullopt);
  EXPECT_EQ(there.socket->send(kIpThere, kIpHere, 1, Bytes{2}), std::nullopt);
  EXPECT_TRUE(run_until(loop_, [&] {
    return !there.heard.empty() && !sender.heard.empty() && !neighbour.heard.empty();
  }));

  const Heard to_all{kIpHere, ipv4_multicast_group(), 255, {1}};
  const Heard to_one{kIpThere, kIpHere, 255, {2}};
  EXPECT_THAT(sender.heard, ElementsAre(to_one));
  EXPECT_THAT(neighbour.heard, ElementsAre(to_one));
  EXPECT_THAT(other_link.heard, IsEmpty());
  EXPECT_THAT(there.heard, ElementsAre(to_all));
  EXPECT_THAT(not_joined.heard, IsEmpty());
}

TEST_F(AdvertSocketTest, TakesAFloodInSeveralBitesWithoutLoss) {
  Ear here(loop_, cable_.here());
  Ear there(loop_, cable_.there());
  for (std::uint8_t number = 0; number < 200; ++number) {
    ASSERT_EQ(here.socket->send(kIpHere, kIpThere, 1, Bytes{number}), std::nullopt);
  }

  loop_.run_one();
  const auto first_bite = there.heard.size();
  EXPECT_TRUE(run_until(loop_, [&] { return there.heard.size() >= 200; }));

  EXPECT_LE(first_bite, 64U);
  ASSERT_EQ(there.heard.size(), 200U);
  for (std::uint8_t number = 0; number < 200; ++number) {
    EXPECT_EQ(there.heard[number].payload, Bytes{number});
  }
}

// As in a process that was stopped: the kernel knows when a packet came.
void expect_long_wait(const Ear& there) {
  constexpr auto kPause = std::chrono::milliseconds(300);
  ASSERT_EQ(there.waited.size(), 1U);
  EXPECT_GE(there.waited.front(), kPause - std::chrono::milliseconds(20));
  EXPECT_LT(there.waited.front(), std::chrono::minutes(1));
}

TEST_F(AdvertSocketTest, SaysHowLongAPacketWaitedToBeRead) {
  Ear here(loop_, cable_.here());
  Ear there(loop_, cable_.there());
  ASSERT_EQ(here.socket->send(kIpHere, ipv4_multicast_group(), 7, Bytes(8)), std::nullopt);
  ::poll(nullptr, 0, 300);
  ASSERT_TRUE(run_until(loop_, [&] { return !there.heard.empty(); }));
  expect_long_wait(there);
}

TEST_F(AdvertSocketTest, SurvivesItsInterfaceAndOpensOnTheNextOne) {
  Ear here(loop_, cable_.here());
  Ear there(loop_, cable_.there());
  const unsigned old_index = cable_.index_here();

  cable_.cut();
  EXPECT_THAT(here.socket->send(kIpHere, ipv4_multicast_group(), 1, Bytes{1}).value_or("sent"),
              HasSubstr("sending to 224.0.0.18: No such device"));
  EXPECT_THAT(here.open().value_or("opened"), HasSubstr("on interface eth0: No such device"));
  EXPECT_FALSE(here.socket->is_open());
  EXPECT_EQ(here.socket->send(kIpHere, kIpThere, 1, Bytes{1}), "the VRRP socket is not open");
  loop_.poll();

  cable_.plug();
  EXPECT_NE(cable_.index_here(), old_index);
  EXPECT_EQ(here.open(), std::nullopt);
  EXPECT_EQ(there.open(), std::nullopt);
  EXPECT_EQ(here.socket->send(kIpHere, ipv4_multicast_group(), 2, Bytes{2}), std::nullopt);
  EXPECT_EQ(there.socket->send(kIpThere, ipv4_multicast_group(), 2, Bytes{3}), std::nullopt);
  EXPECT_TRUE(run_until(loop_, [&] { return !there.heard.empty() && !here.heard.empty(); }));

  EXPECT_THAT(there.heard, ElementsAre(Heard{kIpHere, ipv4_multicast_group(), 255, {2}}));
  EXPECT_THAT(here.heard, ElementsAre(Heard{kIpThere, ipv4_multicast_group(), 255, {3}}));
}

TEST_F(AdvertSocketTest, RefusesToSendFromADownInterfaceWithTheSystemsWords) {
  Ear here(loop_, cable_.here());
  cable_.run_here("ip link set eth0 down");

  const auto problem = here.socket->send(kIpHere, ipv4_multicast_group(), 1, Bytes{1});

  EXPECT_EQ(problem, "sending to 224.0.0.18: Network is unreachable");
}

class Ipv6AdvertSocketTest : public AdvertSocketTest {
 protected:
  Ipv6AdvertSocketTest() { give_addresses(); }
  void give_addresses() const {
    for (const std::string address : {"fe80::1/64", "fd00:88::1/64"}) {
      cable_.run_here("sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=0");
      cable_.run_here("ip addr add " + address + " dev eth0 nodad");
    }
    for (const std::string address : {"fe80::2/64", "fd00:88::2/64"}) {
      cable_.run_there("sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=0");
      cable_.run_there("ip addr add " + address + " dev eth0 nodad");
    }
  }

  const IpAddress here_ = *IpAddress::parse("fe80::1");
  const IpAddress there_ = *IpAddress::parse("fe80::2");
  const IpAddress group_ = ipv6_multicast_group();
};

TEST_F(Ipv6AdvertSocketTest, SaysHowLongAPacketWaitedToBeRead) {
  Ear here(loop_, cable_.here(), true, "eth0", Family::ipv6);
  Ear there(loop_, cable_.there(), true, "eth0", Family::ipv6);
  ASSERT_EQ(here.socket->send(here_, group_, 7, Bytes(8)), std::nullopt);
  ::poll(nullptr, 0, 300);
  ASSERT_TRUE(run_until(loop_, [&] { return !there.heard.empty(); }));
  expect_long_wait(there);
}

TEST_F(Ipv6AdvertSocketTest, CarriesMulticastAndUnicastUnchanged) {
  Ear here(loop_, cable_.here(), true, "eth0", Family::ipv6);
  Ear there(loop_, cable_.there(), true, "eth0", Family::ipv6);
  Sniffer wire(cable_.there(), ETHERTYPE_IPV6);
  const IpAddress vip = *IpAddress::parse("fe80::51");
  const IpAddress global_here = *IpAddress::parse("fd00:88::1");
  const IpAddress global_there = *IpAddress::parse("fd00:88::2");
  const Bytes to_all = advert(here_, group_, vip);
  const Bytes to_link_local = advert(here_, there_, vip);
  const Bytes to_global = advert(global_here, global_there, vip);

  EXPECT_EQ(here.socket->send(here_, group_, 7, to_all), std::nullopt);
  EXPECT_EQ(here.socket->send(here_, there_, 8, to_link_local), std::nullopt);
  EXPECT_EQ(here.socket->send(global_here, global_there, 9, to_global), std::nullopt);
  EXPECT_TRUE(run_until(loop_, [&] { return there.heard.size() >= 3; }));

  EXPECT_THAT(there.heard,
              testing::UnorderedElementsAre(Heard{here_, group_, 255, to_all},
                                            Heard{here_, there_, 255, to_link_local},
                                            Heard{global_here, global_there, 255, to_global}));
  for (const auto& heard : there.heard) {
    EXPECT_TRUE(
        std::holds_alternative<Decoded>(decode(heard.payload, heard.source, heard.destination)));
  }
  auto frames = wire.take();
  std::erase_if(frames, [](const auto& frame) { return frame[20] != 112; });  // MLD, NDP
  ASSERT_EQ(frames.size(), 3U);
  for (const auto& frame : frames) {
    EXPECT_EQ(frame[14], 0x6c) << "version 6, traffic class 0xC0";
    EXPECT_EQ(frame[15] & 0xf0, 0);
    EXPECT_EQ(frame[21], 255) << "hop limit";
  }
  // ff02::12 on Ethernet (RFC 2464 section 7).
  EXPECT_EQ(Bytes(frames[0].begin(), frames[0].begin() + 6),
            (Bytes{0x33, 0x33, 0x00, 0x00, 0x00, 0x12}));
}

TEST_F(Ipv6AdvertSocketTest, NeverHearsItself) {
  Ear sender(loop_, cable_.here(), true, "eth0", Family::ipv6);
  Ear neighbour(loop_, cable_.here(), true, "eth0", Family::ipv6);
  Ear there(loop_, cable_.there(), true, "eth0", Family::ipv6);

  EXPECT_EQ(sender.socket->send(here_, group_, 1, Bytes{1}), std::nullopt);
  EXPECT_EQ(there.socket->send(there_, here_, 1, Bytes{2}), std::nullopt);
  EXPECT_TRUE(run_until(loop_, [&] {
    return !there.heard.empty() && !sender.heard.empty() && !neighbour.heard.empty();
  }));

  EXPECT_THAT(sender.heard, ElementsAre(Heard{there_, here_, 255, {2}}));
  EXPECT_THAT(there.heard, ElementsAre(Heard{here_, group_, 255, {1}}));
  EXPECT_EQ(sender.socket->send(kIpHere, kIpThere, 1, Bytes{1}),
            "this socket sends over IPv6 only, not from 10.88.0.1 to 10.88.0.2");
}

TEST_F(Ipv6AdvertSocketTest, OpensOnAnInterfaceThatWasMadeAnew) {
  Ear here(loop_, cable_.here(), true, "eth0", Family::ipv6);
  cable_.cut();
  cable_.plug();
  give_addresses();
  Ear there(loop_, cable_.there(), true, "eth0", Family::ipv6);

  EXPECT_EQ(here.open(), std::nullopt);
  EXPECT_EQ(here.socket->send(here_, group_, 2, Bytes{2}), std::nullopt);
  EXPECT_EQ(there.socket->send(there_, group_, 2, Bytes{3}), std::nullopt);
  EXPECT_TRUE(run_until(loop_, [&] { return !there.heard.empty() && !here.heard.empty(); }));

  EXPECT_THAT(there.heard, ElementsAre(Heard{here_, group_, 255, {2}}));
  EXPECT_THAT(here.heard, ElementsAre(Heard{there_, group_, 255, {3}}));
}

TEST_F(AdvertSocketTest, MayBeDestroyedByItsOwnHandler) {
  Ear there(loop_, cable_.there());
  int heard = 0;
  std::unique_ptr<AdvertSocket> doomed;
  doomed = std::make_unique<AdvertSocket>(loop_.get_executor(), [&](const Datagram&) {
    ++heard;
    doomed.reset();
  });
  ASSERT_EQ(doomed->open(cable_.index_here(), "eth0", true), std::nullopt);
  ASSERT_EQ(there.socket->send(kIpThere, kIpHere, 1, Bytes{1}), std::nullopt);
  ASSERT_EQ(there.socket->send(kIpThere, kIpHere, 1, Bytes{2}), std::nullopt);

  EXPECT_TRUE(run_until(loop_, [&] { return !doomed; }));
  loop_.poll();

  EXPECT_EQ(heard, 1);
}

Bytes advert(const IpAddress& source, const IpAddress& destination, const IpAddress& vip) {
  Advertisement advertisement;
  advertisement.vrid = {51};
  advertisement.priority = {250};
  advertisement.interval = std::chrono::milliseconds(100);
  advertisement.addresses = {vip};
  return encode(advertisement, source, destination);
}

}  // namespace
}  // namespace vrrp::io
