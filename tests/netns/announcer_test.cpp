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

  announcer_->start(link(), {kVip, kOtherVip});

  auto expected_other = kExpected;
  expected_other[31] = expected_other[41] = 101;
  std::vector<Sniffer::Frame> expected(5, kExpected);
  expected.insert(expected.end(), 5, expected_other);
  EXPECT_EQ(heard(), expected);
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(AnnouncerTest, RepeatsTheBurstOnceAndThenRefreshes) {
  announce({.count = 3,
            .repeat_after = std::chrono::milliseconds(20),
            .refresh = std::chrono::milliseconds(20)});
  announcer_->start(link(), {kVip});
  const auto at_once = heard();

  loop_.run_one();
  const auto repeated = heard();
  loop_.run_one();
  const auto refreshed = heard();
  loop_.run_one();
  const auto refreshed_again = heard();

  EXPECT_EQ(at_once, std::vector(3, kExpected));
  EXPECT_EQ(repeated, std::vector(3, kExpected));
  EXPECT_EQ(refreshed, std::vector(1, kExpected));
  EXPECT_EQ(refreshed_again, std::vector(1, kExpected));
}

TEST_F(AnnouncerTest, StartingAgainNeverLeavesASecondTimer) {
  announce({.count = 2, .repeat_after = kNever, .refresh = std::chrono::seconds(1)});
  for (int times = 0; times < 3; ++times) announcer_->start(link(), {kVip});
  EXPECT_THAT(heard(), SizeIs(6));
  loop_.poll();  // the cancelled ones end

  loop_.restart();
  loop_.run_one();
  EXPECT_THAT(heard(), SizeIs(1));
  // Two others would be due within the same milliseconds, the next of this one in a second.
  loop_.run_for(std::chrono::milliseconds(50));
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(AnnouncerTest, BurstsOnlyWhileStarted) {
  announce({.count = 5, .repeat_after = kNever, .refresh = std::chrono::milliseconds(1)});
  announcer_->burst();
  EXPECT_THAT(heard(), IsEmpty());

  announcer_->start(link(), {kVip});
  announcer_->burst();
  EXPECT_EQ(heard(), std::vector(10, kExpected));

  announcer_->stop();
  announcer_->burst();
  loop_.run();  // ends: nothing is scheduled
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(AnnouncerTest, ReportsADeadInterfaceOnce) {
  announce({.count = 5, .repeat_after = kNever, .refresh = kNever});
  const LinkFact gone = link();
  cable_.cut();

  announcer_->start(gone, {kVip});
  announcer_->burst();

  EXPECT_THAT(problems_, ElementsAre(HasSubstr("announcing 10.88.0.100 on interface eth0: No such "
                                               "device")));
}

TEST_F(AnnouncerTest, TakesOverAnIpv6AddressInTheNeighboursCache) {
  cable_.run_there("sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=0");
  cable_.run_there("ip addr add fd00:88::2/64 dev eth0 nodad");
  cable_.run_there("ip neigh add fd00:88::64 lladdr 02:00:00:00:00:99 nud stale dev eth0");
  announce({.count = 1, .repeat_after = kNever, .refresh = kNever});

  announcer_->start(link(), {*IpAddress::parse("fd00:88::64")});

  EXPECT_TRUE(support::eventually("the neighbour entry changes", support::kSoon, [&] {
    const auto entry = cable_.run_there("ip neigh show fd00:88::64");
    return support::Seen{entry.find("02:00:00:00:00:01") != std::string::npos, entry};
  }));
  EXPECT_THAT(problems_, IsEmpty());
}

}  // namespace
}  // namespace vrrp::io
