// See frr.hpp.
#include "tests/support/frr.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <csignal>
#include <sstream>
#include <stdexcept>

#include "tests/support/eventually.hpp"

namespace support {
namespace {

bool is_ipv6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

std::string config_text(const FrrOptions& options) {
  const std::string group = " vrrp " + std::to_string(options.vrid) + " ";
  std::ostringstream text;
  text << "interface eth0\n"
       << group << "version " << options.version << "\n"
       << group << "priority " << options.priority << "\n"
       << group << "advertisement-interval " << options.interval_ms << "\n";
  if (!options.preempt) text << " no" << group << "preempt\n";
  for (const std::string& vip : options.vips) {
    text << group << (is_ipv6(vip) ? "ipv6 " : "ip ") << vip.substr(0, vip.find('/')) << "\n";
  }
  return text.str();
}

// One link per family, with the MAC of RFC 9568 section 7.3, by which FRR finds it.
void add_link(const Host& host, const FrrOptions& options, bool ipv6) {
  std::ostringstream mac;
  mac << "00:00:5e:00:0" << (ipv6 ? 2 : 1) << ":" << std::hex << options.vrid;
  const std::string name = ipv6 ? "vrrp6" : "vrrp4";
  bool exists = false;
  for (const std::string& vip : options.vips) {
    if (is_ipv6(vip) != ipv6) continue;
    if (!std::exchange(exists, true)) {
      must_run({"ip", "link", "add", name, "link", "eth0", "type", "macvlan", "mode", "bridge"},
               host.netns);
      must_run({"ip", "link", "set", name, "address", mac.str()}, host.netns);
    }
    must_run({"ip", "address", "add", vip, "dev", name, "nodad"}, host.netns);
  }
  if (exists) must_run({"ip", "link", "set", name, "up"}, host.netns);
}

}  // namespace

Frr::Frr(const Host& host, const FrrOptions& options) : host_(host), dir_(host.dir / "frr") {
  std::filesystem::create_directories(dir_);
  write_file(dir_ / "zebra.conf", "hostname zebra\n");
  write_file(dir_ / "vrrpd.conf", config_text(options));
  // The daemons give up root by themselves.
  must_run({"chown", "-R", "frr:frr", dir_});
  std::filesystem::permissions(host.dir, std::filesystem::perms(0755));
  add_link(host_, options, false);
  add_link(host_, options, true);
}

Frr::~Frr() {
  if (vrrpd_) vrrpd_->kill();
  if (zebra_) zebra_->kill();
}

void Frr::start() {
  zebra_ = std::make_unique<Process>(command("zebra"), host_.netns, dir_ / "zebra.log");
  const auto zebra_runs = eventually("zebra listens", kSoon, [this] {
    return Seen{std::filesystem::exists(dir_ / "zserv"), read_file(dir_ / "zebra.log")};
  });
  if (!zebra_runs) throw std::runtime_error(zebra_runs.message());
  vrrpd_ = std::make_unique<Process>(command("vrrpd"), host_.netns, dir_ / "vrrpd.log");
  const auto answers = eventually("vrrpd answers", kSoon, [this] {
    return Seen{status("v4") != "-", read_file(dir_ / "vrrpd.log")};
  });
  if (!answers) throw std::runtime_error(answers.message());
}

void Frr::stop() {
  vrrpd_->signal(SIGTERM);
  if (!vrrpd_->wait(kSoon)) throw std::runtime_error("vrrpd does not end on SIGTERM");
}

void Frr::kill() {
  vrrpd_->kill();
  zebra_->kill();
}

std::string Frr::status(const std::string& family) const {
  const Outcome outcome =
      run({"vtysh", "--vty_socket", dir_, "-d", "vrrpd", "-c", "show vrrp json"}, host_.netns);
  boost::system::error_code error;
  const auto begin = outcome.output.find('[');
  if (begin == std::string::npos) return "-";
  const auto shown = boost::json::parse(outcome.output.substr(begin), error);
  if (error || !shown.is_array() || shown.as_array().empty()) return "-";
  const auto* word = shown.find_pointer("/0/" + family + "/status", error);
  return word == nullptr ? "-" : std::string(word->as_string());
}

Argv Frr::command(const std::string& daemon) const {
  return {"/usr/lib/frr/" + daemon,
          "-f",
          dir_ / (daemon + ".conf"),
          "-i",
          dir_ / (daemon + ".pid"),
          "-z",
          dir_ / "zserv",
          "--vty_socket",
          dir_,
          "-P",
          "0",
          "--log",
          "stdout"};
}

}  // namespace support
