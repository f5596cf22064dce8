// The virtual addresses of one pair on this host: wanted against present. Each carries a short
// kernel lifetime (the lease, rule 14) that this table renews, so that a dead or hung agent's VIP
// disappears by itself; a VIP that somebody deleted is put back without a transition (rule 17).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vrrp/io/netlink.hpp"

namespace vrrp::io {

struct VipEvents {
  // Asked before anything is put back: whether this host still has the right to. After a stall that
  // was longer than the peer's patience it has not, although nobody has said so yet.
  std::function<bool()> still_ours{};
  std::function<void(const Prefix&)> repaired;      // was gone, is back
  std::function<void(const std::string&)> problem;  // could not add or remove: sentence
};

class VipTable {
 public:
  VipTable(const boost::asio::any_io_executor& executor, Netlink& netlink,
           std::vector<VirtualAddress> vips, std::chrono::seconds lease, VipEvents events);
  ~VipTable();

  // Puts each VIP on its interface and keeps it there. false: one was refused, or none has an
  // interface (reported). One whose interface is down or missing comes when that is back.
  bool install();
  // Moves the VIPs to `lo` (scope host, with arp_ignore 1 on their interfaces meanwhile), so that
  // connections can still be closed from here while the peer already answers for the address.
  // Link-local ones are taken off: no connection through them outlives their link.
  void park_on_loopback();
  // Off their interfaces and off `lo`. Retried with the lease as a net: reported when it fails.
  void withdraw();

  // Nobody will renew them for a while, because a successor of this table comes: a longer lease for
  // those that are installed, and no more renewal.
  void leave_for(std::chrono::seconds lease);

  // Wanted on their interfaces now?
  bool installed() const;
  // How many of the VIPs are on their interfaces, whoever put them there.
  std::size_t present() const;
  bool is_present(const VirtualAddress& vip) const;
  std::uint64_t repairs() const;

  // Feed from NetlinkEvents (the owner of Netlink dispatches to all tables).
  void on_address_removed(const AddressFact& address);
  void on_link_changed(const LinkFact& link);
  void on_resynchronised();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace vrrp::io
