// Gratuitous ARP and neighbour advertisements as the other end of the cable sees them.
#include "vrrp/io/announcer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/ethernet.h>

#include <boost/asio/io_context.hpp>

#include "tests/netns/cable.hpp"
#include "tests/support/eventually.hpp"

namespace vrrp::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kNever = std::chrono::nanoseconds(0);
const IpAddress kVip = IpAddress::v4({10, 88, 0, 100});
const IpAddress kOtherVip = IpAddress::v4({10, 88, 0, 101});
const IpAddress kIpv6Vip = *IpAddress::parse("fd00:88::64");

// clang-format off
const Sniffer::Frame kExpected{
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 0x01, 0x08, 0x06,  // Ethernet, ARP
    0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,                          // a request
    0x02, 0, 0, 0, 0, 0x01, 10, 88, 0, 100,                                  // sender
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 10, 88, 0, 100};                     // target
// clang-format on

class AnnouncerTest : public testing::Test {
 protected:
  void announce(AnnounceConfig config) {
    announcer_.emplace(loop_.get_executor(), config,
                       [this](const std::string& problem) { problems_.push_back(problem); });
  }
  Announcement of(const IpAddress& address) const { return {link(), address}; }
  LinkFact link() const { return {cable_.index_here(), "eth0", true, true, kMacHere}; }
  // Everything heard since the last call; frames cross a veth before send() returns.
  std::vector<Sniffer::Frame> heard() { return wire_.take(); }

  Cable cable_;
  Sniffer wire_{cable_.there(), ETHERTYPE_ARP};
  boost::asio::io_context loop_;
  std::vector<std::string> problems_;
  std::optional<Announcer> announcer_;
};

TEST_F(AnnouncerTest, SendsFramesAsKeepalivedDoes) {
  announce({.count = 5, .repeat_after = kNever, .refresh = kNever});

  announcer_->start({of(kVip), of(kOtherVip)});

  auto expected_other = kExpected;
  expected_other[31] = expected_other[41] = 101;
  const std::vector<Sniffer::Frame> round{kExpected, expected_other};
  EXPECT_EQ(heard(), round);
  for (int further = 0; further < 4; ++further) {
    loop_.run_one();
    EXPECT_EQ(heard(), round);
  }
  loop_.run();  // ends: nothing is scheduled
  EXPECT_THAT(heard(), IsEmpty());
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(AnnouncerTest, RepeatsTheBurstOnceAndThenRefreshes) {
  announce({.count = 3,
            .repeat_after = std::chrono::milliseconds(100),
            .refresh = std::chrono::milliseconds(100)});
  announcer_->start({of(kVip)});
  std::vector<std::size_t> frames;
  for (int times = 0; times < 8; ++times) {
    frames.push_back(heard().size());
    loop_.run_one();
  }

  // Three rounds, three rounds again, then one frame each time.
  EXPECT_THAT(frames, ElementsAre(1, 1, 1, 1, 1, 1, 1, 1));
}

TEST_F(AnnouncerTest, StartingAgainNeverLeavesASecondTimer) {
  announce({.count = 1, .repeat_after = kNever, .refresh = std::chrono::seconds(1)});
  for (int times = 0; times < 3; ++times) announcer_->start({of(kVip)});
  EXPECT_THAT(heard(), SizeIs(3));
  loop_.poll();  // the cancelled ones end

  loop_.restart();
  loop_.run_one();
  EXPECT_THAT(heard(), SizeIs(1));
  // Two others would be due within the same milliseconds, the next of this one in a second.
  loop_.run_for(std::chrono::milliseconds(50));
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(AnnouncerTest, BurstsOnlyWhileStarted) {
  announce({.count = 1, .repeat_after = kNever, .refresh = std::chrono::milliseconds(1)});
  announcer_->burst({of(kVip)});
  EXPECT_THAT(heard(), IsEmpty());

  announcer_->start({of(kVip)});
  announcer_->burst({of(kVip)});
  EXPECT_EQ(heard(), std::vector(2, kExpected));

  announcer_->stop();
  announcer_->burst({of(kVip)});
  loop_.run();  // ends: nothing is scheduled
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(AnnouncerTest, ReportsADeadInterfaceOnce) {
  announce({.count = 5, .repeat_after = kNever, .refresh = kNever});
  const Announcement gone = of(kVip);
  cable_.cut();

  announcer_->start({gone});
  announcer_->burst({gone});
  loop_.run();

  EXPECT_THAT(problems_, ElementsAre(HasSubstr("announcing 10.88.0.100 on interface eth0: No such "
                                               "device")));
}

TEST_F(AnnouncerTest, SpreadsManyVipsSoThatNoSwitchDropsThem) {
  announce({.count = 2, .repeat_after = kNever, .refresh = kNever});
  std::vector<Announcement> many;
  for (std::uint8_t last = 1; last <= 150; ++last) {
    many.push_back(of(IpAddress::v4({10, 88, 1, last})));
  }

  announcer_->start(many);
  std::vector<std::size_t> frames{heard().size()};
  while (loop_.run_one() > 0) frames.push_back(heard().size());

  EXPECT_THAT(frames, ElementsAre(64, 64, 22, 64, 64, 22));
}

// RFC 4861 section 4.4: type 136, flags R S O, target; hop limit 255.
TEST_F(AnnouncerTest, SaysInANeighbourAdvertisementWhetherThisIsARouter) {
  Sniffer wire(cable_.there(), ETHERTYPE_IPV6);
  announce({.count = 1, .repeat_after = kNever, .refresh = kNever});
  const auto flags_of_a_start = [&] {
    announcer_->start({of(kIpv6Vip)});
    const auto frame = wire.wait_for(
        [](const auto& one) { return one.size() == 86 && one[20] == 58 && one[54] == 136; });
    if (!frame) return std::string("nothing");
    EXPECT_EQ((*frame)[21], 255);
    EXPECT_TRUE(std::equal(kIpv6Vip.data(), kIpv6Vip.data() + 16, frame->begin() + 62));
    const int flags = (*frame)[58];
    return std::string(flags == 0x20 ? "O" : flags == 0xa0 ? "RO" : "other");
  };
  cable_.run_here("sysctl -q -w net.ipv6.conf.eth0.forwarding=0");
  EXPECT_EQ(flags_of_a_start(), "O");

  cable_.run_here("sysctl -q -w net.ipv6.conf.eth0.forwarding=1");
  EXPECT_EQ(flags_of_a_start(), "RO");
}

TEST_F(AnnouncerTest, TakesOverAnIpv6AddressInTheNeighboursCache) {
  cable_.run_there("sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=0");
  cable_.run_there("ip addr add fd00:88::2/64 dev eth0 nodad");
  cable_.run_there("ip neigh add fd00:88::64 lladdr 02:00:00:00:00:99 nud stale dev eth0");
  announce({.count = 1, .repeat_after = kNever, .refresh = kNever});

  announcer_->start({of(kIpv6Vip)});

  EXPECT_TRUE(support::eventually("the neighbour entry changes", support::kSoon, [&] {
    const auto entry = cable_.run_there("ip neigh show fd00:88::64");
    return support::Seen{entry.find("02:00:00:00:00:01") != std::string::npos, entry};
  }));
  EXPECT_THAT(problems_, IsEmpty());
}

}  // namespace
}  // namespace vrrp::io
