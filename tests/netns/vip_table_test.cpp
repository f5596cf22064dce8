// Virtual addresses with a lease: they stay while the agent lives, go when it dies, come back when
// somebody deletes them, and leave without breaking what is connected to them.
#include "vrrp/io/vip_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/ethernet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/ip/udp.hpp>
#include <csignal>

#include "tests/netns/vip_table_fixture.hpp"
#include "tests/support/eventually.hpp"

namespace vrrp::io {
namespace {

using boost::asio::ip::udp;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A child process that holds a VIP as the agent does.
class Holder {
 public:
  Holder(const Prefix& vip, seconds lease);
  ~Holder() { kill(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  bool has_installed() const { return installed_; }
  bool alive() const { return pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == 0; }
  void kill();

 private:
  pid_t pid_ = -1;
  bool installed_ = false;
};

Sniffer::Frame arp_request(const IpAddress& target);
std::function<bool(const Sniffer::Frame&)> arp(std::uint8_t operation, const IpAddress& sender);

TEST_F(VipTableTest, RenewsALeaseThatEndsWithItsHolder) {
  Holder holder(kVip, seconds(1));
  ASSERT_TRUE(holder.has_installed());
  const auto held = [&] { return kernel_has(kVip); };

  EXPECT_TRUE(
      support::stays("the VIP", std::chrono::milliseconds(2500), support::equals(held, true)));
  EXPECT_TRUE(holder.alive());
  holder.kill();

  EXPECT_TRUE(
      support::eventually("the VIP goes by itself", support::kSoon, support::equals(held, false)));
}

TEST_F(VipTableTest, InstallsAllAndWithdrawsAll) {
  table_ = make_table({kVip, kOtherVip}, seconds(30));
  EXPECT_EQ(table_->present(), 0U);

  EXPECT_TRUE(table_->install());
  EXPECT_TRUE(table_->installed());
  EXPECT_EQ(table_->present(), 2U);
  EXPECT_TRUE(kernel_has(kVip) && kernel_has(kOtherVip));

  table_->withdraw();
  EXPECT_FALSE(table_->installed());
  EXPECT_EQ(table_->present(), 0U);
  EXPECT_FALSE(kernel_has(kVip) || kernel_has(kOtherVip));

  // Its own removals are no reason to put anything back, nor to count a repair.
  EXPECT_TRUE(table_->install());
  EXPECT_TRUE(run_until([&] { return removals_ == 2; }));
  EXPECT_EQ(table_->present(), 2U);
  EXPECT_EQ(table_->repairs(), 0U);
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(VipTableTest, PutsADeletedVipBackAtOnce) {
  table_ = make_table({kVip, kOtherVip}, seconds(60));
  EXPECT_TRUE(table_->install());

  cable_.run_here("ip addr del 10.88.0.100/24 dev eth0");
  EXPECT_TRUE(run_until([&] { return table_->repairs() == 1; }));

  EXPECT_TRUE(kernel_has(kVip));
  EXPECT_THAT(repaired_, ElementsAre("10.88.0.100/24"));
  EXPECT_TRUE(table_->installed());
}

TEST_F(VipTableTest, DoesNotSpinInAFightWithAnotherProgram) {
  table_ = make_table({kVip}, seconds(8));
  EXPECT_TRUE(table_->install());
  Netlink other(loop_.get_executor());
  EXPECT_EQ(other.start({}), std::nullopt);

  for (int times = 1; times <= 11; ++times) {
    EXPECT_EQ(other.remove_address(cable_.index_here(), kVip), std::nullopt);
    EXPECT_TRUE(run_until([&] { return removals_ == times; }));
  }
  EXPECT_EQ(table_->repairs(), 10U);
  EXPECT_EQ(table_->present(), 0U);

  EXPECT_TRUE(run_until([&] { return table_->repairs() == 11; }));
  EXPECT_TRUE(kernel_has(kVip));
}

TEST_F(VipTableTest, WaitsForAMissingInterfaceAndSaysSoOnce) {
  table_ = make_table({kVip}, seconds(1), "eth9");
  EXPECT_FALSE(table_->install());
  loop_.run_for(std::chrono::milliseconds(600));  // two renewals that find nothing
  EXPECT_THAT(problems_, ElementsAre("interface eth9 does not exist: its virtual addresses wait "
                                     "for it"));

  cable_.run_here("ip link add eth9 type bridge");
  EXPECT_TRUE(run_until([&] { return problems_.size() == 2; }));
  EXPECT_THAT(problems_.back(), HasSubstr("interface eth9 is down"));
  EXPECT_FALSE(kernel_has(kVip, "eth9"));

  cable_.run_here("ip link set eth9 up");
  EXPECT_TRUE(run_until([&] { return table_->present() == 1; }));
  EXPECT_TRUE(kernel_has(kVip, "eth9"));
  EXPECT_THAT(problems_, testing::SizeIs(2));
  EXPECT_THAT(repaired_, ElementsAre("10.88.0.100/24"));
}

TEST_F(VipTableTest, ReturnsToAnInterfaceThatWasMadeAnew) {
  table_ = make_table({kVip}, seconds(1));
  EXPECT_TRUE(table_->install());

  cable_.cut();
  EXPECT_TRUE(run_until([&] { return !problems_.empty(); }));
  EXPECT_EQ(table_->present(), 0U);
  cable_.plug();
  EXPECT_TRUE(run_until([&] { return table_->present() == 1; }));

  EXPECT_TRUE(kernel_has(kVip));
  EXPECT_THAT(problems_, testing::SizeIs(1));
}

TEST_F(VipTableTest, ComparesAfterAnOverrun) {
  table_ = make_table({kVip}, seconds(60));
  EXPECT_TRUE(table_->install());
  EXPECT_EQ(netlink_.remove_address(cable_.index_here(), kVip), std::nullopt);

  table_->on_resynchronised();

  EXPECT_TRUE(kernel_has(kVip));
  EXPECT_EQ(table_->repairs(), 1U);
}

TEST_F(VipTableTest, ParkingKeepsConnectionsButAnswersNoArp) {
  table_ = make_table({kVip}, seconds(2));
  EXPECT_TRUE(table_->install());
  Sniffer wire(cable_.there(), ETHERTYPE_ARP);
  wire.send(arp_request(kVip.address));
  ASSERT_TRUE(wire.wait_for(arp(2, kVip.address)));
  Connection connection(loop_, cable_);
  ASSERT_TRUE(connection.alive());

  table_->park_on_loopback();

  EXPECT_FALSE(table_->installed());
  EXPECT_EQ(table_->present(), 0U);
  EXPECT_FALSE(kernel_has(kVip));
  EXPECT_TRUE(kernel_has({kVip.address, 32}, "lo"));
  EXPECT_TRUE(connection.alive());
  // The answer for the interface's own address comes, and none for the VIP came before it.
  wire.take();
  wire.send(arp_request(kVip.address));
  wire.send(arp_request(kIpHere));
  EXPECT_TRUE(wire.wait_for([](const auto& frame) {
    EXPECT_FALSE(arp(2, kVip.address)(frame));
    return arp(2, kIpHere)(frame);
  }));

  table_->withdraw();
  EXPECT_FALSE(kernel_has({kVip.address, 32}, "lo"));
  EXPECT_EQ(arp_ignore(), "0\n");
}

TEST_F(VipTableTest, ParkedPacketsDoNotClaimTheVipInTheNeighboursCaches) {
  table_ = make_table({kVip}, seconds(2));
  EXPECT_TRUE(table_->install());
  table_->park_on_loopback();
  Sniffer wire(cable_.there(), ETHERTYPE_ARP);

  udp::socket socket(loop_, udp::endpoint(kVipEndpoint, 0));
  socket.send_to(boost::asio::buffer("x", 1),
                 udp::endpoint(boost::asio::ip::make_address("10.88.0.77"), 9));

  const auto request = wire.wait_for([](const auto& frame) { return frame[21] == 1; });
  ASSERT_TRUE(request);
  EXPECT_TRUE(arp(1, kIpHere)(*request)) << testing::PrintToString(*request);
}

TEST_F(VipTableTest, ParkedVipsAreLeasedToo) {
  table_ = make_table({kVip}, seconds(1));
  EXPECT_TRUE(table_->install());
  table_->park_on_loopback();
  loop_.run_for(std::chrono::milliseconds(1500));
  EXPECT_TRUE(kernel_has({kVip.address, 32}, "lo"));

  table_.reset();

  EXPECT_EQ(arp_ignore(), "0\n");
  EXPECT_TRUE(support::eventually("the VIP goes by itself", support::kSoon,
                                  support::equals(
                                      [&] {
                                        return kernel_has({kVip.address, 32}, "lo");
                                      },
                                      false)));
}

TEST_F(VipTableTest, ComesBackFromLoopback) {
  table_ = make_table({kVip}, seconds(30));
  EXPECT_TRUE(table_->install());
  Connection connection(loop_, cable_);
  table_->park_on_loopback();
  EXPECT_EQ(arp_ignore(), "1\n");

  EXPECT_TRUE(table_->install());

  EXPECT_TRUE(kernel_has(kVip));
  EXPECT_FALSE(kernel_has({kVip.address, 32}, "lo"));
  EXPECT_EQ(arp_ignore(), "0\n");
  EXPECT_TRUE(connection.alive());
}

TEST_F(VipTableTest, TwoPairsShareTheInterfacesArpSetting) {
  table_ = make_table({kVip}, seconds(30));
  const auto other = make_table({kOtherVip}, seconds(30));
  EXPECT_TRUE(table_->install() && other->install());

  table_->park_on_loopback();
  other->park_on_loopback();
  table_->withdraw();
  EXPECT_EQ(arp_ignore(), "1\n");
  other->withdraw();

  EXPECT_EQ(arp_ignore(), "0\n");
}

TEST_F(VipTableTest, ParksNothingThatIsNotHere) {
  table_ = make_table({kVip}, seconds(30));

  table_->park_on_loopback();

  EXPECT_FALSE(kernel_has({kVip.address, 32}, "lo"));
  EXPECT_EQ(arp_ignore(), "0\n");
}

// ---- helpers -----------------------------------------------------------------------------------

Holder::Holder(const Prefix& vip, seconds lease) {
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) return;
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    boost::asio::io_context loop;
    Netlink netlink(loop.get_executor());
    VipTable table(loop.get_executor(), netlink, {{vip, "eth0", {}, {}}}, lease, {});
    if (!netlink.start({}) && table.install() && ::write(pipe[1], "1", 1) == 1) loop.run();
    ::_exit(1);
  }
  ::close(pipe[1]);
  char byte = 0;
  installed_ = ::read(pipe[0], &byte, 1) == 1;
  ::close(pipe[0]);
}

void Holder::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

Sniffer::Frame arp_request(const IpAddress& target) {
  // clang-format off
  Sniffer::Frame frame{
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 0x02, 0x08, 0x06,
      0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,
      0x02, 0, 0, 0, 0, 0x02, 10, 88, 0, 2,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  // clang-format on
  std::copy_n(target.data(), 4, frame.begin() + 38);
  return frame;
}

std::function<bool(const Sniffer::Frame&)> arp(std::uint8_t operation, const IpAddress& sender) {
  return [operation, sender](const Sniffer::Frame& frame) {
    return frame.size() >= 42 && frame[21] == operation &&
           std::equal(sender.data(), sender.data() + 4, frame.begin() + 28);
  };
}

}  // namespace
}  // namespace vrrp::io
