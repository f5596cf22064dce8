// See keepalived_toml.hpp. What was not carried over stands as a comment where its key would be.
#include "agent/keepalived_toml.hpp"

#include <algorithm>
#include <cmath>

#include "agent/keepalived_page.hpp"
#include "agent/keepalived_words.hpp"

namespace agent::keepalived {
namespace {

constexpr std::size_t kMaxShown = 80;
constexpr int kVersion2 = 2;
constexpr double kStep = 0.01;  // version 3 counts centiseconds
constexpr double kMaxAdvert = 40.95;
constexpr double kLease = 2;
constexpr double kMaxLease = 60;
constexpr int kMaxCount = 100;
constexpr std::size_t kAuthPassBytes = 8;

class Writer {
 public:
  TomlText run(const Plan& plan, const std::string& source, const std::vector<std::string>& steps) {
    page_.comment("Made by `tandem import` from " + clean(source) +
                  ". Every key is explained in the tandem.toml that comes with Tandem.");
    if (!steps.empty()) page_.comment("What is left to do:");
    for (const std::string& step : steps) page_.step(step);
    page_.notes(plan.notes, Section::file);
    peer_link(plan);
    for (const PairPlan& pair : plan.pairs) write(pair);
    return page_.take();
  }

 private:
  void peer_link(const Plan& plan) {
    const auto knows_itself = [](const PairPlan& pair) { return !pair.servers.own_host.empty(); };
    const auto pair = std::find_if(plan.pairs.begin(), plan.pairs.end(), knows_itself);
    page_.line("");
    page_.comment(
        "The link between the two agents. Until the other host runs Tandem, too, an alarm says "
        "that it is down; nothing else depends on it then.");
    page_.line("[agent.peer_link]");
    if (pair == plan.pairs.end()) {
      page_.gap("agent.peer_link.", "listen",
                "this host's own address and a port, as in \"192.168.1.112:7112\"");
    } else {
      page_.text("listen", pair->servers.own_host + std::string(kPeerPort));
    }
    page_.text("secret_file", "/etc/tandem/peer.secret");
  }

  void write(const PairPlan& pair) {
    page_.line("");
    page_.line("# " + clean(pair.instance.place.to_string()) + ": vrrp_instance " +
               clean(pair.instance.name.substr(0, kMaxShown)));
    page_.line("[[pair]]");
    page_.text("name", pair.name);
    router(pair);
    timing(pair);
    addresses(pair);
    announce(pair);
    if (!pair.interfaces.empty()) page_.line("track_interfaces = " + list(pair.interfaces));
    page_.notes(pair.notes, Section::pair);
    write_tables(pair, page_);
  }

  void router(const PairPlan& pair) {
    const Instance& instance = pair.instance;
    const std::string label = "pair[" + pair.name + "].";
    if (instance.interface.empty() || clean(instance.interface) != instance.interface) {
      page_.gap(label, "interface", "the interface that gets the VIP, as in \"eth0\"");
    } else {
      page_.text("interface", instance.interface);
    }
    if (instance.vrid) {
      page_.line("vrid = " + std::to_string(*instance.vrid));
    } else {
      page_.gap(label, "vrid", "a number from 1 to 255, without quotes, the same on both hosts");
    }
    if (pair.version == kVersion2) {
      page_.comment(
          "Version 2, as keepalived speaks it on the other host. Once both hosts run Tandem, "
          "write version = 3 and take out advert_interval, auth_pass and vip_lease on both: "
          "the loss of a host is then noticed in 0.3 s instead of seconds.");
      page_.line("version = 2");
    } else {
      page_.line("version = 3");
    }
    if (!instance.auth_pass.empty()) {
      if (instance.auth_pass.size() > kAuthPassBytes) {
        page_.comment("keepalived used the first 8 bytes, too.");
      }
      page_.text("auth_pass", instance.auth_pass.substr(0, kAuthPassBytes));
    }
    if (pair.added_priority > 0) {
      page_.comment(
          std::to_string(instance.priority) + " and the " + std::to_string(pair.added_priority) +
          " that its track scripts add in keepalived while all is well, so that a host that "
          "still runs keepalived sees the order it knows.");
    }
    page_.line("priority = " + std::to_string(pair.priority));
    if (!instance.state.empty()) {
      page_.comment("`state " + clean(instance.state.substr(0, kAuthPassBytes)) +
                    "` has no counterpart: whose server is the master leads.");
    }
  }

  void timing(const PairPlan& pair) {
    const Instance& instance = pair.instance;
    double interval = instance.advert_interval;
    if (pair.version == kVersion2) {
      interval = std::ceil(interval);
    } else {
      interval = within(std::round(interval / kStep) * kStep, kStep, kMaxAdvert);
    }
    // In version 2 a note says so.
    const bool changed =
        pair.version != kVersion2 && std::abs(interval - instance.advert_interval) > kStep / 10;
    if (changed) {
      page_.comment("advert_int " + duration_text(instance.advert_interval) +
                    " is not possible in this version; the same must be on both hosts.");
    }
    page_.text("advert_interval", duration_text(interval));
    const double lease = within(std::ceil(3 * interval + 1), kLease, kMaxLease);
    if (lease > kLease) page_.text("vip_lease", duration_text(lease));
    if (instance.down_adverts) {
      page_.line("down_adverts = " + std::to_string(*instance.down_adverts));
    }
    if (pair.failback) {
      page_.comment(
          "keepalived gives the role back to the higher priority at once. Here it goes back "
          "when that host is a standby in sync, without a lost write. \"manual\", as with "
          "nopreempt: only by `tandem switchover`. The same on both hosts.");
      page_.text("failback", "auto");
      if (instance.preempt_delay > 0) {
        page_.text("failback_delay", duration_text(instance.preempt_delay));
      }
    } else {
      page_.text("failback", "manual");
    }
  }

  void addresses(const PairPlan& pair) {
    const Instance& instance = pair.instance;
    const auto& peers = instance.unicast_peers;
    if (!peers.empty()) page_.line("unicast_peers = " + list(peers));
    if (instance.ttl_min) page_.line("unicast_ttl_min = " + std::to_string(*instance.ttl_min));
    if (!instance.source.empty() && pair.source_fits) page_.text("source", instance.source);
    if (instance.vips.empty()) {
      page_.gap("pair[" + pair.name + "].", "vips",
                "the virtual addresses, as in [\"192.168.1.120/24\"]");
    } else {
      if (std::any_of(instance.vips.begin(), instance.vips.end(), is_single)) {
        page_.comment(
            "/32 and /128 are keepalived's when a VIP has no prefix length; that of the "
            "interface's network is as good.");
      }
      vips("vips", instance.vips);
    }
    if (!instance.excluded.empty()) vips("vips_excluded", instance.excluded);
  }

  static bool is_single(const Vip& vip) { return vip.length == (vip.ipv6 ? 128 : 32); }

  void vips(const std::string& key, const std::vector<Vip>& all) {
    if (all.size() == 1) return page_.line(key + " = [" + vip_text(all.front()) + "]");
    page_.line(key + " = [");
    for (const Vip& vip : all) page_.line("  " + vip_text(vip) + ",");
    page_.line("]");
  }

  static std::string vip_text(const Vip& vip) {
    std::string prefix = toml_string(vip.address + "/" + std::to_string(vip.length));
    if (vip.interface.empty() && vip.label.empty() && vip.scope.empty()) return prefix;
    std::string out = "{ address = " + prefix;
    if (!vip.interface.empty()) out += ", interface = " + toml_string(vip.interface);
    if (!vip.label.empty()) out += ", label = " + toml_string(vip.label);
    if (!vip.scope.empty()) out += ", scope = " + toml_string(vip.scope);
    return out + " }";
  }

  static std::string list(const std::vector<std::string>& all) {
    std::string out = "[";
    for (const std::string& one : all) out += (out.size() > 1 ? ", " : "") + toml_string(one);
    return out + "]";
  }

  // garp_master_*; keepalived's defaults are 5 packets, 5 s and never, ours those and 60 s.
  void announce(const PairPlan& pair) {
    const Announce& given = pair.instance.announce;
    if (!given.delay && !given.repeat && !given.refresh) return;
    std::string out = "announce = {";
    if (given.repeat) out += " count = " + std::to_string(std::min(*given.repeat, kMaxCount)) + ",";
    if (given.delay) out += " repeat = " + toml_string(duration_text(*given.delay)) + ",";
    if (given.refresh) out += " refresh = " + toml_string(duration_text(*given.refresh)) + ",";
    out.back() = ' ';
    page_.line(out + "}");
  }

  Page page_;
};

}  // namespace

TomlText write_toml(const Plan& plan, const std::string& source,
                    const std::vector<std::string>& steps) {
  return Writer().run(plan, source, steps);
}

}  // namespace agent::keepalived
