// Writes Ethernet frames, in rounds. Hears nothing, and does not ask who leads.
#include "vrrp/io/announcer.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <fstream>
#include <set>
#include <utility>

#include "vrrp/io/announce_frames.hpp"

namespace vrrp::io {

namespace {

// A switch drops what comes in one heap, and adverts wait behind it.
constexpr std::size_t kFramesInOneGo = 64;
constexpr auto kBetweenGoes = std::chrono::milliseconds(1);
constexpr auto kBetweenRounds = std::chrono::milliseconds(10);

// Read at each burst: whoever turns forwarding on need not restart the agent.
bool forwards_ipv6(const std::string& interface) {
  std::ifstream file("/proc/sys/net/ipv6/conf/" + interface + "/forwarding");
  int value = 0;
  return static_cast<bool>(file >> value) && value != 0;
}

std::vector<std::uint8_t> frame_for(const Announcement& announcement) {
  const auto& [link, address] = announcement;
  if (address.family() == Family::ipv6) {
    return neighbour_advertisement_frame(link.mac, address, forwards_ipv6(link.name));
  }
  const auto frame = gratuitous_arp_frame(link.mac, address);
  return {frame.begin(), frame.end()};
}

}  // namespace

struct Announcer::Impl : std::enable_shared_from_this<Impl> {
  struct Ready {
    Announcement announcement;
    std::vector<std::uint8_t> frame;
  };

  Impl(const boost::asio::any_io_executor& executor, AnnounceConfig config,
       std::function<void(const std::string&)> problem, std::shared_ptr<FrameSocket> frames)
      : config_(config),
        problem_(std::move(problem)),
        frames_(std::move(frames)),
        schedule_(executor),
        pace_(executor) {}

  void prepare(std::vector<Announcement> announcements);
  // A burst that comes while another runs takes its place.
  void begin_rounds(int count);
  void send_some();
  void send(const Ready& ready);

  void arm(std::chrono::nanoseconds after);
  void arm_pace(std::chrono::nanoseconds after);
  void on_schedule();

  const AnnounceConfig config_;
  const std::function<void(const std::string&)> problem_;
  const std::shared_ptr<FrameSocket> frames_;
  boost::asio::steady_timer schedule_;
  boost::asio::steady_timer pace_;
  bool running_ = false;
  bool repeat_due_ = false;
  std::vector<Ready> ready_;
  int rounds_left_ = 0;
  std::size_t next_ = 0;            // in this round
  std::set<std::string> reported_;  // interfaces on which nothing has left since it was said
};

void Announcer::Impl::prepare(std::vector<Announcement> announcements) {
  ready_.clear();
  for (auto& one : announcements) {
    auto frame = frame_for(one);
    ready_.push_back({std::move(one), std::move(frame)});
  }
}

void Announcer::Impl::begin_rounds(int count) {
  rounds_left_ = count;
  next_ = 0;
  send_some();
}

void Announcer::Impl::send_some() {
  const std::size_t end = std::min(ready_.size(), next_ + kFramesInOneGo);
  for (; next_ < end; ++next_) send(ready_[next_]);
  if (next_ < ready_.size()) {
    arm_pace(kBetweenGoes);
  } else if (--rounds_left_ > 0) {
    next_ = 0;
    arm_pace(kBetweenRounds);
  } else {
    pace_.cancel();
  }
}

void Announcer::Impl::send(const Ready& ready) {
  const std::string& interface = ready.announcement.link.name;
  const auto problem = frames_->send(ready.announcement.link, ready.frame);
  if (!problem) {
    reported_.erase(interface);
  } else if (reported_.insert(interface).second && problem_) {
    problem_("announcing " + ready.announcement.address.to_string() + " on interface " + interface +
             ": " + *problem);
  }
}

void Announcer::Impl::arm(std::chrono::nanoseconds after) {
  if (after <= std::chrono::nanoseconds::zero()) return;
  schedule_.expires_after(after);
  schedule_.async_wait([weak = weak_from_this()](auto error) {
    const auto self = weak.lock();
    if (self && !error && self->running_) self->on_schedule();
  });
}

void Announcer::Impl::arm_pace(std::chrono::nanoseconds after) {
  pace_.expires_after(after);
  pace_.async_wait([weak = weak_from_this()](auto error) {
    const auto self = weak.lock();
    if (self && !error && self->running_) self->send_some();
  });
}

void Announcer::Impl::on_schedule() {
  const int count = std::exchange(repeat_due_, false) ? config_.count : 1;
  arm(config_.refresh);
  begin_rounds(count);
}

Announcer::Announcer(const boost::asio::any_io_executor& executor, AnnounceConfig config,
                     std::function<void(const std::string& problem)> problem,
                     std::shared_ptr<FrameSocket> frames)
    : impl_(std::make_shared<Impl>(executor, config, std::move(problem), std::move(frames))) {}

Announcer::~Announcer() {
  stop();
}

void Announcer::start(std::vector<Announcement> announcements) {
  stop();
  impl_->prepare(std::move(announcements));
  impl_->running_ = true;
  impl_->repeat_due_ = impl_->config_.repeat_after > std::chrono::nanoseconds::zero();
  impl_->arm(impl_->repeat_due_ ? impl_->config_.repeat_after : impl_->config_.refresh);
  impl_->begin_rounds(impl_->config_.count);
}

void Announcer::burst(std::vector<Announcement> announcements) {
  if (!impl_->running_) return;
  impl_->prepare(std::move(announcements));
  impl_->begin_rounds(impl_->config_.count);
}

void Announcer::stop() {
  impl_->running_ = false;
  impl_->schedule_.cancel();
  impl_->pace_.cancel();
}

}  // namespace vrrp::io
