// What the tests of virtual addresses share: one agent's worth of netlink and table on a cable, and
// a connection that has to survive.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tests/netns/cable.hpp"
#include "vrrp/io/vip_table.hpp"

namespace vrrp::io {

inline const Prefix kVip{IpAddress::v4({10, 88, 0, 100}), 24};
inline const Prefix kOtherVip{IpAddress::v4({10, 88, 0, 101}), 24};
inline const boost::asio::ip::address kVipEndpoint = boost::asio::ip::make_address("10.88.0.100");

// One agent's worth: netlink and tables fed from it.
class VipTableTest : public testing::Test {
 protected:
  VipTableTest() {
    EXPECT_EQ(netlink_.start({
                  .link_changed =
                      [this](const auto& link) {
                        if (table_) table_->on_link_changed(link);
                      },
                  .link_removed = {},
                  .address_added = {},
                  .address_removed =
                      [this](const auto& address) {
                        ++removals_;
                        if (table_) table_->on_address_removed(address);
                      },
                  .resynchronised = {},
              }),
              std::nullopt);
  }

  std::unique_ptr<VipTable> make_table(const std::vector<Prefix>& vips, std::chrono::seconds lease,
                                       const std::string& interface = "eth0") {
    std::vector<VirtualAddress> all;
    for (const auto& vip : vips) all.push_back({vip, interface, {}, {}});
    return make_table_of(std::move(all), lease);
  }
  std::unique_ptr<VipTable> make_table_of(std::vector<VirtualAddress> vips,
                                          std::chrono::seconds lease) {
    return std::make_unique<VipTable>(
        loop_.get_executor(), netlink_, std::move(vips), lease,
        VipEvents{.repaired = [this](const auto& vip) { repaired_.push_back(vip.to_string()); },
                  .problem = [this](const auto& text) { problems_.push_back(text); }});
  }
  bool run_until(const std::function<bool()>& condition) { return io::run_until(loop_, condition); }
  bool kernel_has(const Prefix& vip, const std::string& interface = "eth0") const {
    return cable_.run_here("ip -o addr show dev " + interface).find(" " + vip.to_string() + " ") !=
           std::string::npos;
  }
  std::string arp_ignore() const {
    return cable_.run_here("sysctl -n net.ipv4.conf.eth0.arp_ignore");
  }

  Cable cable_;
  boost::asio::io_context loop_;
  Netlink netlink_{loop_.get_executor()};
  std::unique_ptr<VipTable> table_;
  int removals_ = 0;
  std::vector<std::string> repaired_;
  std::vector<std::string> problems_;
};

// A TCP connection from there to the VIP here.
class Connection {
 public:
  Connection(boost::asio::io_context& loop, const Cable& cable,
             const boost::asio::ip::address& vip = kVipEndpoint);
  // One byte there and back.
  bool alive();

 private:
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::ip::tcp::socket client_;
  boost::asio::ip::tcp::socket server_;
};

}  // namespace vrrp::io
