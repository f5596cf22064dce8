// Keeps wanted and present the same: at install, with each renewal of the lease, after each loss.
// Decides nothing about who leads, and never removes what it was not told to.
#include "vrrp/io/vip_table.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <set>
#include <utility>

namespace vrrp::io {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRenewalsPerLease = 4;
// A fight with another program that deletes what we add must not spin: beyond this the next
// renewal puts the VIP back.
constexpr int kRepairsPerWindow = 10;
constexpr auto kRepairWindow = std::chrono::seconds(1);

// A connection through a link-local address ends with its link: what arrives for it there is not
// taken for an address of `lo`, whatever its tables say. Such a VIP is not parked.
bool can_be_parked(const VirtualAddress& vip) {
  return !vip.prefix.address.is_link_local();
}

// On `lo` a shorter prefix would make the whole network local.
Prefix host_prefix(const Prefix& vip) {
  return {vip.address, static_cast<std::uint8_t>(vip.address.size() * 8)};
}

}  // namespace

struct VipTable::Impl : std::enable_shared_from_this<Impl> {
  enum class Place { off, interface, loopback };

  Impl(const boost::asio::any_io_executor& executor, Netlink& netlink,
       std::vector<VirtualAddress> vips, std::chrono::seconds lease, VipEvents events)
      : netlink_(netlink),
        vips_(std::move(vips)),
        lease_(lease),
        events_(std::make_shared<const VipEvents>(std::move(events))),
        timer_(executor) {}

  bool install();
  void park();
  void withdraw();
  void address_removed(const AddressFact& address);
  void link_changed(const LinkFact& link);
  void resynchronised();

  bool present(const VirtualAddress& vip) const;
  bool restrict_arp();
  bool still_ours() const { return !events_->still_ours || events_->still_ours(); }
  bool put_all(bool repair);
  bool put(unsigned link_index, const VirtualAddress& vip, bool repair);
  bool put_on_loopback();
  bool take_off_interface();
  bool take_off_loopback();
  bool check(std::optional<std::string> problem);
  std::optional<LinkFact> usable_link(const std::string& interface);
  bool repair_allowed();

  void keep_renewing();
  void arm();
  void renew();
  void tell();
  Clock::duration renewal() const { return Clock::duration(lease_) / kRenewalsPerLease; }

  Netlink& netlink_;
  const std::vector<VirtualAddress> vips_;
  std::chrono::seconds lease_;
  const std::shared_ptr<const VipEvents> events_;

  Place place_ = Place::off;
  bool link_awaited_ = false;         // a VIP whose interface is down or missing
  bool interface_left_over_ = false;  // an address that could not be removed yet
  bool loopback_left_over_ = false;
  std::vector<std::shared_ptr<void>> arp_restrictions_;  // while on `lo`

  boost::asio::steady_timer timer_;
  bool renewing_ = false;
  Clock::time_point next_renewal_{};

  std::uint64_t repairs_ = 0;
  Clock::time_point repair_window_{};
  int repairs_in_window_ = 0;

  std::set<std::string> reported_;  // problems that last: each is told once
  std::vector<std::string> untold_problems_;
  std::vector<Prefix> untold_repairs_;
};

bool VipTable::Impl::install() {
  place_ = Place::interface;
  interface_left_over_ = false;
  const bool complete = put_all(false);
  if (!arp_restrictions_.empty() || loopback_left_over_) {
    loopback_left_over_ = !take_off_loopback();
    arp_restrictions_.clear();
  }
  keep_renewing();
  tell();
  return complete;
}

// `lo` first: the address stays local throughout, so no connection meets a host without it.
void VipTable::Impl::park() {
  if (place_ == Place::loopback) return;
  const bool none_here = std::none_of(vips_.begin(), vips_.end(),
                                      [&](const VirtualAddress& vip) { return present(vip); });
  if (place_ == Place::off && none_here) return;
  if (!restrict_arp()) return withdraw();
  place_ = Place::loopback;
  put_on_loopback();
  interface_left_over_ = !take_off_interface();
  keep_renewing();
  tell();
}

void VipTable::Impl::withdraw() {
  place_ = Place::off;
  interface_left_over_ = !take_off_interface();
  loopback_left_over_ = !take_off_loopback();
  arp_restrictions_.clear();
  if (interface_left_over_ || loopback_left_over_) {
    keep_renewing();
  } else {
    renewing_ = false;
    timer_.cancel();
    reported_.clear();
  }
  tell();
}

void VipTable::Impl::address_removed(const AddressFact& address) {
  if (place_ != Place::interface || !still_ours()) return;
  for (const auto& vip : vips_) {
    if (vip.prefix != address.prefix) continue;
    const auto link = netlink_.link(vip.interface);
    if (!link || !link->up || link->index != address.link_index) continue;
    // The message may be older than the picture: back already.
    if (present(vip) || !repair_allowed()) return;
    put(link->index, vip, true);
    tell();
    return;
  }
}

// The kernel drops IPv6 addresses with the link, and all addresses with the interface.
void VipTable::Impl::link_changed(const LinkFact& link) {
  if (place_ != Place::interface || !link.up) return;
  for (const auto& vip : vips_) {
    if (vip.interface != link.name || present(vip) || !repair_allowed()) continue;
    put(link.index, vip, true);
  }
  tell();
}

void VipTable::Impl::resynchronised() {
  if (place_ != Place::interface || !still_ours()) return;
  put_all(true);
  tell();
}

bool VipTable::Impl::present(const VirtualAddress& vip) const {
  const auto link = netlink_.link(vip.interface);
  return link && netlink_.has_address(link->index, vip.prefix);
}

// IPv4 only: the kernel answers neighbour solicitations for addresses of the asked link alone.
bool VipTable::Impl::restrict_arp() {
  std::set<unsigned> done;
  for (const auto& vip : vips_) {
    const auto link = netlink_.link(vip.interface);
    const bool ipv4 = vip.prefix.address.family() == Family::ipv4;
    if (!link || !ipv4 || !done.insert(link->index).second) continue;
    auto restriction = netlink_.restrict_arp(link->index);
    if (!restriction) {
      // Two hosts that answer for one address are worse than connections that end late.
      return check("interface " + vip.interface +
                   " cannot be kept from answering ARP for addresses on lo; the virtual addresses "
                   "are taken off at once");
    }
    arp_restrictions_.push_back(std::move(restriction));
  }
  return true;
}

// An interface that is down or missing does not stop the VIPs of the others; without any VIP there
// is nothing to lead with.
bool VipTable::Impl::put_all(bool repair) {
  bool failed = false;
  bool any = false;
  link_awaited_ = false;
  for (const auto& vip : vips_) {
    const auto link = usable_link(vip.interface);
    if (!link) {
      link_awaited_ = true;
    } else if (put(link->index, vip, repair)) {
      any = true;
    } else {
      failed = true;
    }
  }
  return any && !failed;
}

// Adding what is there renews its lease.
bool VipTable::Impl::put(unsigned link_index, const VirtualAddress& vip, bool repair) {
  const bool was_there = netlink_.has_address(link_index, vip.prefix);
  if (!check(netlink_.add_address(link_index, vip.prefix, lease_, {vip.label, vip.scope}))) {
    return false;
  }
  if (repair && !was_there) {
    ++repairs_;
    untold_repairs_.push_back(vip.prefix);
  }
  return true;
}

bool VipTable::Impl::put_on_loopback() {
  const auto lo = netlink_.link("lo");
  if (!lo) return check("there is no link lo to hold the virtual addresses");
  bool complete = true;
  for (const auto& vip : vips_) {
    if (!can_be_parked(vip)) continue;
    complete = check(netlink_.add_address(lo->index, host_prefix(vip.prefix), lease_)) && complete;
  }
  return complete;
}

bool VipTable::Impl::take_off_interface() {
  bool complete = true;
  for (const auto& vip : vips_) {
    const auto link = netlink_.link(vip.interface);
    if (!link) continue;
    complete = check(netlink_.remove_address(link->index, vip.prefix)) && complete;
  }
  return complete;
}

bool VipTable::Impl::take_off_loopback() {
  const auto lo = netlink_.link("lo");
  if (!lo) return true;
  bool complete = true;
  for (const auto& vip : vips_) {
    if (!can_be_parked(vip)) continue;
    complete = check(netlink_.remove_address(lo->index, host_prefix(vip.prefix))) && complete;
  }
  return complete;
}

bool VipTable::Impl::check(std::optional<std::string> problem) {
  if (!problem) return true;
  if (reported_.insert(*problem).second) untold_problems_.push_back(std::move(*problem));
  return false;
}

std::optional<LinkFact> VipTable::Impl::usable_link(const std::string& interface) {
  auto link = netlink_.link(interface);
  if (link && link->up) return link;
  check("interface " + interface + (link ? " is down" : " does not exist") +
        ": its virtual addresses wait for it");
  return std::nullopt;
}

bool VipTable::Impl::repair_allowed() {
  const auto now = Clock::now();
  if (now - repair_window_ >= kRepairWindow) {
    repair_window_ = now;
    repairs_in_window_ = 0;
  }
  return repairs_in_window_++ < kRepairsPerWindow;
}

void VipTable::Impl::keep_renewing() {
  renewing_ = true;
  next_renewal_ = Clock::now() + renewal();
  arm();
}

void VipTable::Impl::arm() {
  timer_.expires_at(next_renewal_);
  timer_.async_wait([weak = weak_from_this()](auto error) {
    const auto self = weak.lock();
    if (self && !error && self->renewing_) self->renew();
  });
}

void VipTable::Impl::renew() {
  bool complete = true;
  if (place_ == Place::interface && still_ours()) complete = put_all(true);
  if (place_ == Place::loopback) complete = put_on_loopback();
  if (interface_left_over_) interface_left_over_ = !take_off_interface();
  if (loopback_left_over_) loopback_left_over_ = !take_off_loopback();
  const bool left_over = interface_left_over_ || loopback_left_over_;
  if (complete && !left_over && !link_awaited_) reported_.clear();
  renewing_ = place_ != Place::off || left_over;
  if (renewing_) {
    next_renewal_ = std::max(next_renewal_ + renewal(), Clock::now());
    arm();
  }
  tell();
}

// Last in every entry: who is told may call back, or destroy the table.
void VipTable::Impl::tell() {
  const auto self = shared_from_this();
  const auto problems = std::exchange(untold_problems_, {});
  const auto repairs = std::exchange(untold_repairs_, {});
  for (const auto& sentence : problems) {
    if (events_->problem) events_->problem(sentence);
  }
  for (const auto& vip : repairs) {
    if (events_->repaired) events_->repaired(vip);
  }
}

VipTable::VipTable(const boost::asio::any_io_executor& executor, Netlink& netlink,
                   std::vector<VirtualAddress> vips, std::chrono::seconds lease, VipEvents events)
    : impl_(std::make_shared<Impl>(executor, netlink, std::move(vips), lease, std::move(events))) {}

VipTable::~VipTable() {
  impl_->renewing_ = false;
  impl_->timer_.cancel();
  impl_->arp_restrictions_.clear();
}

bool VipTable::install() {
  return impl_->install();
}
void VipTable::park_on_loopback() {
  impl_->park();
}
void VipTable::withdraw() {
  impl_->withdraw();
}

void VipTable::leave_for(std::chrono::seconds lease) {
  if (!installed()) return;
  impl_->lease_ = lease;
  impl_->put_all(false);
  impl_->renewing_ = false;
  impl_->timer_.cancel();
}

bool VipTable::installed() const {
  return impl_->place_ == Impl::Place::interface;
}

std::size_t VipTable::present() const {
  return static_cast<std::size_t>(
      std::count_if(impl_->vips_.begin(), impl_->vips_.end(),
                    [this](const VirtualAddress& vip) { return is_present(vip); }));
}

bool VipTable::is_present(const VirtualAddress& vip) const {
  return impl_->present(vip);
}

std::uint64_t VipTable::repairs() const {
  return impl_->repairs_;
}

void VipTable::on_address_removed(const AddressFact& address) {
  impl_->address_removed(address);
}
void VipTable::on_link_changed(const LinkFact& link) {
  impl_->link_changed(link);
}
void VipTable::on_resynchronised() {
  impl_->resynchronised();
}

}  // namespace vrrp::io
