// The VRRP of a pair on the wire: what arrives is admitted or refused and counted, adverts leave in
// each family. See pair_runner.hpp.
#include <algorithm>
#include <utility>

#include "agent/io/pair_runner.hpp"

namespace agent::io {

using std::chrono::steady_clock;

namespace {

// What was seen longer ago is over.
constexpr auto kRecent = std::chrono::seconds(10);

std::string detail_of(const vrrp::Refused& refused) {
  switch (refused.reason) {
    case vrrp::Refusal::malformed:
      return " (" + std::string(vrrp::to_string(refused.decode_error)) + ")";
    case vrrp::Refusal::auth_stale:
      return " (its clock is " + std::to_string(refused.authentication.behind.count()) +
             " s behind this host's)";
    case vrrp::Refusal::auth_unknown_key:
    case vrrp::Refusal::auth_forged:
      return " (key " + std::to_string(refused.authentication.key_id) + ")";
    default: return {};
  }
}

}  // namespace

// The link of the election is that of its first voice; what the other one lacks is the hub's to
// say.
void PairRunner::sources_changed(const InterfaceHub::Sources& sources) {
  const auto before = voices_.front().source;
  for (Voice& voice : voices_) {
    const auto found = sources.find(voice.family);
    voice.source = found == sources.end() ? std::nullopt : std::optional(found->second);
    voice.rules.own_source = voice.source.value_or(vrrp::IpAddress());
  }
  const auto& now = voices_.front().source;
  if (now == before) return;
  feed(vrrp::InstanceInput(vrrp::LinkChanged{now.has_value(), now.value_or(vrrp::IpAddress())}));
}

// After a stall the router's own timer may not have run yet: it is asked before anything that only
// a leader may do.
bool PairRunner::still_leads() {
  feed(vrrp::InstanceInput(vrrp::DeadlineReached{}));
  const auto router = instance_.snapshot();
  return router.state == vrrp::State::master && !router.listens;
}

void PairRunner::received(const vrrp::Datagram& datagram) {
  const auto voice = std::find_if(voices_.begin(), voices_.end(), [&](const Voice& one) {
    return one.family == datagram.source.family();
  });
  if (voice == voices_.end()) return;
  const auto judged =
      vrrp::admit(datagram, voice->rules, authenticator_ ? &*authenticator_ : nullptr,
                  std::chrono::system_clock::now());
  if (const auto* no = std::get_if<vrrp::Refused>(&judged)) return refused(datagram, *no);
  const auto& admitted = std::get<vrrp::Admitted>(judged);
  ++received_.accepted;
  if (admitted.checksum_form == vrrp::ChecksumForm::message_only) {
    ++received_.accepted_message_only_checksum;
  }
  const vrrp::Advertisement& advert = admitted.advertisement;
  if (story_.traces()) {
    story_.trace("advert of " + datagram.source.to_string() + ", priority " +
                 std::to_string(advert.priority.value));
  }
  heard_ = Heard{steady_clock::now(), advert.priority == vrrp::kPriorityResign};
  if (admitted.address_list_differs) address_list_differs(datagram.source);
  feed(vrrp::InstanceInput(
      vrrp::AdvertReceived{datagram.source, advert.priority, advert.interval, datagram.waited}));
}

void PairRunner::address_list_differs(const vrrp::IpAddress& source) {
  const auto now = steady_clock::now();
  list_difference_ =
      Trouble{now, source.to_string() +
                       " advertises another list of VIPs than this node has; make them "
                       "equal, or move the difference to vips_excluded"};
  if (list_difference_log_.event(now)) {
    story_.warn(EventKind::adverts, list_difference_->text);
  }
}

void PairRunner::refused(const vrrp::Datagram& datagram, const vrrp::Refused& refused) {
  const auto reason = static_cast<std::size_t>(refused.reason);
  ++received_.refused.at(reason);
  if (refused.reason == vrrp::Refusal::malformed) {
    ++received_.malformed.at(static_cast<std::size_t>(refused.decode_error));
  }
  const auto now = steady_clock::now();
  const std::string source = datagram.source.to_string();
  const std::string why = std::string(vrrp::to_string(refused.reason)) + detail_of(refused);
  // The other host's own adverts: then the election does without them.
  if (source == config_.peer_server.host) {
    refused_peer_ = Trouble{now, "adverts of the peer " + source + " are refused: " + why};
  }
  if (const auto count = refusal_logs_.at(reason).event(now)) {
    std::string sentence = "refused " + std::to_string(*count) + " packet(s) of VRID ";
    sentence += std::to_string(config_.vrid.value) + ", the last from " + source + ": " + why;
    story_.warn(EventKind::adverts, sentence);
  }
}

void PairRunner::send_advert(vrrp::Priority priority) {
  vrrp::Advertisement advert;
  advert.version = config_.version;
  advert.vrid = config_.vrid;
  advert.priority = priority;
  advert.interval = config_.advert_interval;
  advert.auth_type = config_.auth_type;
  advert.auth = config_.auth_pass;
  if (++advert_id_ == 0) ++advert_id_;  // 0 would let the kernel choose
  std::string problem;
  for (const Voice& voice : voices_) {
    if (!voice.source) continue;
    advert.addresses = voice.rules.addresses;
    for (const auto& destination : voice.destinations) {
      if (auto failed = send(advert, *voice.source, destination)) problem = std::move(*failed);
    }
  }
  if (problem.empty()) ++adverts_sent_;
  if (problem != send_problem_) {
    if (problem.empty()) {
      story_.info(EventKind::adverts, "adverts are sent again");
    } else {
      story_.warn(EventKind::adverts, "sending an advert failed: " + problem);
    }
  }
  send_problem_ = std::move(problem);
}

std::optional<std::string> PairRunner::send(const vrrp::Advertisement& advert,
                                            const vrrp::IpAddress& source,
                                            const vrrp::IpAddress& destination) {
  auto message = vrrp::encode(advert, source, destination, config_.checksum_form);
  if (authenticator_) {
    const auto trailer = authenticator_->sign(message, source, std::chrono::system_clock::now());
    if (trailer) vrrp::append_trailer(message, *trailer, source, destination);
  }
  if (story_.traces()) {
    story_.trace("advert to " + destination.to_string() + ", priority " +
                 std::to_string(advert.priority.value));
  }
  return hub_.send(source, destination, advert_id_, message);
}

// What only this side of the pair sees, beside the alarms of the rulebook.
std::vector<std::string> PairRunner::wire_alarms() const {
  std::vector<std::string> out;
  const auto now = steady_clock::now();
  for (const auto* trouble : {&refused_peer_, &list_difference_}) {
    if (*trouble && now - (*trouble)->seen < kRecent) out.push_back((*trouble)->text);
  }
  const bool leads = pair_.state() == PairState::leading;
  if (leads && !send_problem_.empty()) out.push_back("adverts are not sent: " + send_problem_);
  if (!leads) return out;
  for (const vrrp::VirtualAddress& vip : all_vips(config_)) {
    if (vips_.is_present(vip)) continue;
    out.push_back("VIP " + vip.prefix.to_string() + " is not here although this node leads: is " +
                  vip.interface + " there and up?");
  }
  return out;
}

}  // namespace agent::io
