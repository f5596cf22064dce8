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

bool holds(const std::vector<AddressFact>& addresses, const Prefix& prefix) {
  return std::any_of(addresses.begin(), addresses.end(),
                     [&](const AddressFact& address) { return address.prefix == prefix; });
}

// On `lo` a shorter prefix would make the whole network local.
Prefix host_prefix(const Prefix& vip) {
  return {vip.address, static_cast<std::uint8_t>(vip.address.size() * 8)};
}

}  // namespace

struct VipTable::Impl : std::enable_shared_from_this<Impl> {
  enum class Place { off, interface, loopback };

  Impl(const boost::asio::any_io_executor& executor, Netlink& netlink, std::string interface,
       std::vector<Prefix> vips, std::chrono::seconds lease, VipEvents events)
      : netlink_(netlink),
        interface_(std::move(interface)),
        vips_(std::move(vips)),
        lease_(lease),
        events_(std::make_shared<const VipEvents>(std::move(events))),
        timer_(executor) {}

  bool install();
  void park();
  void withdraw();
  void address_removed(const AddressFact& address);
  void resynchronised();

  bool put_all(bool repair);
  bool put(unsigned link_index, const Prefix& vip, bool repair);
  bool put_on_loopback();
  bool take_off_interface();
  bool take_off_loopback();
  bool check(std::optional<std::string> problem);
  std::optional<LinkFact> usable_link();
  bool repair_allowed();

  void keep_renewing();
  void arm();
  void renew();
  void tell();
  Clock::duration renewal() const { return Clock::duration(lease_) / kRenewalsPerLease; }

  Netlink& netlink_;
  const std::string interface_;
  const std::vector<Prefix> vips_;
  const std::chrono::seconds lease_;
  const std::shared_ptr<const VipEvents> events_;

  Place place_ = Place::off;
  bool interface_left_over_ = false;  // an address that could not be removed yet
  bool loopback_left_over_ = false;
  std::shared_ptr<void> arp_restriction_;  // while on `lo`

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
  if (arp_restriction_ || loopback_left_over_) {
    loopback_left_over_ = !take_off_loopback();
    arp_restriction_.reset();
  }
  keep_renewing();
  tell();
  return complete;
}

// `lo` first: the address stays local throughout, so no connection meets a host without it.
void VipTable::Impl::park() {
  if (place_ == Place::loopback) return;
  const auto link = netlink_.link(interface_);
  const auto there = link ? netlink_.addresses(link->index) : std::vector<AddressFact>{};
  if (place_ == Place::off && std::none_of(vips_.begin(), vips_.end(),
                                           [&](const Prefix& vip) { return holds(there, vip); })) {
    return;
  }
  if (link) {
    arp_restriction_ = netlink_.restrict_arp(link->index);
    if (!arp_restriction_) {
      // Two hosts that answer for one address are worse than connections that end late.
      check("interface " + interface_ +
            " cannot be kept from answering ARP for addresses on lo; the virtual addresses are "
            "taken off at once");
      withdraw();
      return;
    }
  }
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
  arp_restriction_.reset();
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
  if (place_ != Place::interface) return;
  if (std::find(vips_.begin(), vips_.end(), address.prefix) == vips_.end()) return;
  const auto link = netlink_.link(interface_);
  if (!link || !link->up || link->index != address.link_index) return;
  // The message may be older than the picture: back already.
  if (holds(netlink_.addresses(link->index), address.prefix) || !repair_allowed()) return;
  put(link->index, address.prefix, true);
  tell();
}

void VipTable::Impl::resynchronised() {
  if (place_ != Place::interface) return;
  put_all(true);
  tell();
}

bool VipTable::Impl::put_all(bool repair) {
  const auto link = usable_link();
  if (!link) return false;
  bool complete = true;
  for (const auto& vip : vips_) complete = put(link->index, vip, repair) && complete;
  return complete;
}

// Adding what is there renews its lease.
bool VipTable::Impl::put(unsigned link_index, const Prefix& vip, bool repair) {
  const bool was_there = holds(netlink_.addresses(link_index), vip);
  if (!check(netlink_.add_address(link_index, vip, lease_))) return false;
  if (repair && !was_there) {
    ++repairs_;
    untold_repairs_.push_back(vip);
  }
  return true;
}

bool VipTable::Impl::put_on_loopback() {
  const auto lo = netlink_.link("lo");
  if (!lo) return check("there is no link lo to hold the virtual addresses");
  bool complete = true;
  for (const auto& vip : vips_) {
    complete = check(netlink_.add_address(lo->index, host_prefix(vip), lease_)) && complete;
  }
  return complete;
}

bool VipTable::Impl::take_off_interface() {
  const auto link = netlink_.link(interface_);
  if (!link) return true;
  bool complete = true;
  for (const auto& vip : vips_) {
    complete = check(netlink_.remove_address(link->index, vip)) && complete;
  }
  return complete;
}

bool VipTable::Impl::take_off_loopback() {
  const auto lo = netlink_.link("lo");
  if (!lo) return true;
  bool complete = true;
  for (const auto& vip : vips_) {
    complete = check(netlink_.remove_address(lo->index, host_prefix(vip))) && complete;
  }
  return complete;
}

bool VipTable::Impl::check(std::optional<std::string> problem) {
  if (!problem) return true;
  if (reported_.insert(*problem).second) untold_problems_.push_back(std::move(*problem));
  return false;
}

std::optional<LinkFact> VipTable::Impl::usable_link() {
  auto link = netlink_.link(interface_);
  if (link && link->up) return link;
  check("interface " + interface_ + (link ? " is down" : " does not exist") +
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
  if (place_ == Place::interface) complete = put_all(true);
  if (place_ == Place::loopback) complete = put_on_loopback();
  if (interface_left_over_) interface_left_over_ = !take_off_interface();
  if (loopback_left_over_) loopback_left_over_ = !take_off_loopback();
  const bool left_over = interface_left_over_ || loopback_left_over_;
  if (complete && !left_over) reported_.clear();
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
                   std::string interface, std::vector<Prefix> vips, std::chrono::seconds lease,
                   VipEvents events)
    : impl_(std::make_shared<Impl>(executor, netlink, std::move(interface), std::move(vips), lease,
                                   std::move(events))) {}

VipTable::~VipTable() {
  impl_->renewing_ = false;
  impl_->timer_.cancel();
  impl_->arp_restriction_.reset();
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

bool VipTable::installed() const {
  return impl_->place_ == Impl::Place::interface;
}

std::size_t VipTable::present() const {
  return static_cast<std::size_t>(
      std::count_if(impl_->vips_.begin(), impl_->vips_.end(),
                    [this](const Prefix& vip) { return is_present(vip); }));
}

bool VipTable::is_present(const Prefix& vip) const {
  const auto link = impl_->netlink_.link(impl_->interface_);
  return link && holds(impl_->netlink_.addresses(link->index), vip);
}

std::uint64_t VipTable::repairs() const {
  return impl_->repairs_;
}

void VipTable::on_address_removed(const AddressFact& address) {
  impl_->address_removed(address);
}
void VipTable::on_resynchronised() {
  impl_->resynchronised();
}

}  // namespace vrrp::io
