// See operations.hpp.
#include "bench/micro/operations.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <utility>

#include "agent/pair.hpp"
#include "health/facts.hpp"
#include "health/io/reply_reader.hpp"
#include "scenarios/words.hpp"
#include "vrrp/admission.hpp"
#include "vrrp/advertisement.hpp"
#include "vrrp/authentication.hpp"
#include "vrrp/instance.hpp"
#include "vrrp/io/hmac.hpp"

namespace micro {
namespace {

using namespace std::chrono_literals;

// A measurement of what failed would be fast.
void demand(bool held) {
  if (!held) std::abort();
}

const vrrp::IpAddress kSender = vrrp::IpAddress::v4({10, 0, 0, 1});
const vrrp::IpAddress kGroup = vrrp::IpAddress::v4({224, 0, 0, 18});
constexpr vrrp::WallTime kNow{std::chrono::seconds(1'800'000'000)};
constexpr std::uint8_t kTtl = 255;

vrrp::Advertisement advert() {
  vrrp::Advertisement out;
  out.version = vrrp::Version::v3;
  out.vrid = vrrp::Vrid{51};
  out.priority = vrrp::Priority{250};
  out.interval = 100ms;
  out.addresses = {vrrp::IpAddress::v4({10, 0, 0, 100})};
  return out;
}

vrrp::Authenticator authenticator() {
  vrrp::AuthRules rules;
  rules.keys = {vrrp::AuthKey{1, std::vector<std::uint8_t>(32, 0x5a)}};
  return {rules, vrrp::io::hmac_sha256};
}

Operation encode_advert() {
  return [what = advert()] { demand(!vrrp::encode(what, kSender, kGroup).empty()); };
}

Operation admit_advert() {
  vrrp::AdmissionRules rules;
  rules.vrid = vrrp::Vrid{51};
  rules.addresses = advert().addresses;
  return [rules, bytes = vrrp::encode(advert(), kSender, kGroup)] {
    const vrrp::Datagram datagram{kSender, kGroup, kTtl, bytes};
    demand(std::holds_alternative<vrrp::Admitted>(vrrp::admit(datagram, rules)));
  };
}

// A new sequence each time, as on the wire: signing is the other half of it.
Operation sign_and_verify() {
  const auto message = vrrp::encode(advert(), kSender, kGroup);
  auto ends = std::make_shared<std::pair<vrrp::Authenticator, vrrp::Authenticator>>(
      authenticator(), authenticator());
  return [message, ends] {
    auto packet = message;
    const auto trailer = ends->first.sign(packet, kSender, kNow);
    vrrp::append_trailer(packet, *trailer, kSender, kGroup);
    demand(std::holds_alternative<std::size_t>(ends->second.verify(packet, kSender, kNow)));
  };
}

Operation backup_hears_an_advert() {
  vrrp::InstanceConfig config;
  config.vrid = vrrp::Vrid{51};
  config.advert_interval = 100ms;
  auto router = std::make_shared<vrrp::Instance>(config);
  vrrp::TimePoint now{};
  router->step(now, vrrp::LinkChanged{true, vrrp::IpAddress::v4({10, 0, 0, 2})});
  return [router, now]() mutable {
    now += 100ms;
    router->step(now, vrrp::AdvertReceived{kSender, vrrp::Priority{250}, 100ms});
    demand(router->snapshot().state == vrrp::State::backup);
  };
}

Operation master_sends_an_advert() {
  vrrp::InstanceConfig config;
  config.vrid = vrrp::Vrid{51};
  config.advert_interval = 100ms;
  auto router = std::make_shared<vrrp::Instance>(config);
  vrrp::TimePoint now{};
  router->step(now, vrrp::EligibilityChanged{true});
  router->step(now, vrrp::LinkChanged{true, kSender});
  while (router->snapshot().state != vrrp::State::master) {
    now = *router->next_deadline();
    router->step(now, vrrp::DeadlineReached{});
  }
  return [router] {
    demand(!router->step(*router->next_deadline(), vrrp::DeadlineReached{}).empty());
  };
}

// One that leads beside a replica in sync, up to its first INFO replies as the leader.
std::shared_ptr<agent::Pair> leading_pair(agent::TimePoint& now) {
  agent::PairRules rules;
  rules.name = "redis";
  rules.candidacy.peer = {"10.0.0.1", 6379};
  rules.candidacy.vip_lease = 2s;
  rules.replication = {"10.0.0.2", 6379};
  auto pair = std::make_shared<agent::Pair>(rules);
  std::uint64_t work = 0;
  for (const char* line : {
           "begin",
           "router backup started",
           "health local up",
           "facts local master offset=100 replid=aaa",
           "health peer up",
           "facts peer replica of=10.0.0.2:6379 link=up offset=100 replid=aaa",
           "facts local master offset=100 replid=aaa",
           "router master leader_silent",
           "persisted",
           "done",
           "installed complete",
           "facts local master offset=100 replid=aaa",
       }) {
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    now += 1ms;
    for (const auto& effect : pair->step(now, scenarios::parse_input(words, work))) {
      if (const auto* start = std::get_if<agent::StartWork>(&effect)) work = start->id;
    }
  }
  demand(pair->state() == agent::PairState::leading);
  return pair;
}

Operation leader_reads_its_standby() {
  agent::TimePoint now{};
  const auto pair = leading_pair(now);
  const agent::PairInput facts = scenarios::parse_input(
      {"facts", "peer", "replica", "of=10.0.0.2:6379", "link=up", "offset=100", "replid=aaa"}, 0);
  return [pair, now, facts]() mutable {
    now += 100ms;
    pair->step(now, facts);
    demand(pair->state() == agent::PairState::leading);
  };
}

Operation leader_hears_its_standby_live() {
  agent::TimePoint now{};
  const auto pair = leading_pair(now);
  return [pair, now]() mutable {
    now += 10ms;
    pair->step(now, agent::PeerAnswered{});
  };
}

Operation read_pong() {
  auto reader = std::make_shared<health::io::ReplyReader>(1024);
  return [reader] {
    reader->feed("+PONG\r\n");
    const auto reply = reader->next();
    demand(reply && health::classify(*reply) == health::ReplyKind::pong);
  };
}

// Of the length that Redis 7 has.
std::string info_reply() {
  std::string info =
      "# Server\r\nredis_version:7.0.15\r\nrun_id:cccccccccccccccccccccccccccccccccccccccc\r\n";
  constexpr int kOtherLines = 110;
  for (int i = 0; i < kOtherLines; ++i) {
    info += "some_other_field_" + std::to_string(i) + ":1234567\r\n";
  }
  info +=
      "# Replication\r\nrole:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\n"
      "master_link_status:up\r\nslave_repl_offset:14\r\n"
      "master_replid:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
      "# Keyspace\r\ndb0:keys=5,expires=0,avg_ttl=0\r\n";
  return "$" + std::to_string(info.size()) + "\r\n" + info + "\r\n";
}

Operation read_info() {
  auto reader = std::make_shared<health::io::ReplyReader>(64UL * 1024);
  return [reader, bytes = info_reply()] {
    reader->feed(bytes);
    const auto reply = reader->next();
    demand(reply && health::parse_info(reply->text).role == health::Role::replica);
  };
}

// A timer that is due, the loop that wakes for it, and the send into a socket: the path of every
// advert.
struct Loop {
  Loop() : timer(context) { demand(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends.data()) == 0); }
  boost::asio::io_context context{1};
  boost::asio::steady_timer timer;
  std::array<int, 2> ends{};
  std::array<char, 32> packet{};
};

Operation wake_and_send() {
  return [loop = std::make_shared<Loop>()] {
    loop->timer.expires_at(std::chrono::steady_clock::now());
    loop->timer.async_wait([&](const boost::system::error_code&) {
      demand(::send(loop->ends[0], loop->packet.data(), loop->packet.size(), 0) > 0);
    });
    loop->context.restart();
    loop->context.run_one();
    demand(::recv(loop->ends[1], loop->packet.data(), loop->packet.size(), 0) > 0);
  };
}

}  // namespace

const std::vector<Measured>& operations() {
  static const std::vector<Measured> all = {
      {"encode an advert", encode_advert},
      {"judge and decode an advert", admit_advert},
      {"sign and verify an advert (HMAC)", sign_and_verify},
      {"Instance::step, backup hears an advert", backup_hears_an_advert},
      {"Instance::step, master sends an advert", master_sends_an_advert},
      {"Pair::step, leader and an INFO of its standby", leader_reads_its_standby},
      {"Pair::step, leader and a PONG of its standby", leader_hears_its_standby_live},
      {"RESP reply, PONG", read_pong},
      {"RESP reply, INFO with its facts", read_info},
      {"loop, from a timer to a datagram sent", wake_and_send, false},
  };
  return all;
}

}  // namespace micro
