// The tables of a pair: its servers, its scripts, and what it tracks.
#include <algorithm>

#include "agent/keepalived_page.hpp"
#include "agent/keepalived_words.hpp"

namespace agent::keepalived {
namespace {

constexpr double kShortest = 0.1;
constexpr double kLongest = 3600;
constexpr int kMaxCount = 100;

class Writer {
 public:
  explicit Writer(Page& page) : page_(page) {}

  void run(const PairPlan& pair) {
    server(pair);
    peer(pair);
    notify(pair);
    tracks(pair);
  }

 private:
  void server(const PairPlan& pair) {
    const ServersPlan& servers = pair.servers;
    const std::string label = "pair[" + pair.name + "].server.";
    page_.line("");
    page_.line("[pair.server]");
    page_.notes(pair.notes, Section::server);
    if (servers.address.empty()) {
      page_.gap(label, "address",
                "where the server on this host listens, as in \"127.0.0.1:6379\"");
    } else {
      if (servers.assumed) page_.comment("Assumed: no script names the server on this host.");
      page_.text("address", servers.address);
    }
    if (servers.replication.empty()) {
      page_.gap(label, "replication_address",
                "this host's own address and the server's port, as in \"192.168.1.112:6379\"");
    } else {
      page_.text("replication_address", servers.replication);
    }
    if (!servers.password_in.empty() || !servers.user.empty()) {
      page_.comment(
          "The password that the scripts have in them belongs into this file, mode 0600.");
      page_.text("password_file", "/etc/tandem/redis.password");
    }
    if (!servers.user.empty()) page_.text("user", servers.user);
    tls(servers, label);
    recovery(servers);
  }

  void tls(const ServersPlan& servers, const std::string& label) {
    if (!servers.tls) return;
    if (servers.tls_ca.starts_with('/')) {
      page_.line("tls = { ca = " + toml_string(servers.tls_ca) + " }");
    } else {
      page_.gap(label, "tls",
                "{ ca = \"/path/ca.crt\" }, without the quotes around it: the scripts use "
                "--tls");
    }
  }

  void recovery(const ServersPlan& servers) {
    if (!servers.copy) return;
    page_.comment(
        clean(servers.copy_script) +
        " copies an RDB before it starts the server. Tandem does that by itself, over the "
        "replication protocol and without ssh, when the server has been down for 5 s.");
    if (!servers.unit_known) {
      page_.comment(
          "Started and stopped by systemd, in quarantine: custom-redis.service.example of the "
          "installed examples is a unit for a server that has none.");
    }
    page_.line("start = [\"systemctl\", \"start\", " + toml_string(servers.unit) + "]");
    page_.line("stop = [\"systemctl\", \"stop\", " + toml_string(servers.unit) + "]");
    page_.text("recovery", "rdb");
    if (!servers.rdb_file.empty()) page_.text("rdb_file", servers.rdb_file);
  }

  void peer(const PairPlan& pair) {
    const ServersPlan& servers = pair.servers;
    page_.line("");
    page_.line("[pair.peer]");
    const std::string label = "pair[" + pair.name + "].peer.";
    if (servers.peer.empty()) {
      page_.gap(label, "server",
                "the other host's address and its server's port, as in \"192.168.1.113:6379\"");
      page_.gap(label, "agent", "the other host's address, as in \"192.168.1.113:7112\"");
      return;
    }
    page_.text("server", servers.peer);
    page_.text("agent", servers.peer_host + std::string(kPeerPort));
  }

  void notify(const PairPlan& pair) {
    if (pair.notifies.empty() && pair.fifo.empty()) return;
    page_.line("");
    page_.line("[pair.notify]");
    page_.notes(pair.notes, Section::notify);
    bool any = false;
    bool kept = false;
    for (const ScriptPlan& plan : pair.notifies) {
      if (plan.fate == Fate::replaced) continue;
      any = true;
      kept = kept || plan.fate == Fate::kept;
      script(plan.key, plan, plan.fate == Fate::kept);
    }
    if (!pair.fifo.empty()) page_.text("fifo", pair.fifo);
    if (!any) return;
    const std::string off = kept ? "" : "#";
    page_.line(off + "user = " + toml_string(pair.notify_user));
    if (pair.notify_group.empty()) return;
    page_.line(off + "group = " + toml_string(pair.notify_group));
  }

  void script(const std::string& key, const ScriptPlan& plan, bool on) {
    const bool secret = has_password(plan.command.line);
    const std::string command = secret ? shown_command(plan.command.line) : plan.command.line;
    page_.line((on ? "" : "#") + key + " = " + toml_string(command));
  }

  void tracks(const PairPlan& pair) {
    const auto has_notes = std::any_of(pair.notes.begin(), pair.notes.end(), [](const Note& note) {
      return note.section == Section::track;
    });
    if (has_notes) page_.line("");
    page_.notes(pair.notes, Section::track);
    for (const ScriptPlan& plan : pair.scripts) {
      if (plan.fate != Fate::replaced) track(pair, plan);
    }
    for (const FilePlan& file : pair.files) {
      page_.line("");
      page_.line("[[pair.track_file]]");
      page_.text("name", file.name);
      page_.text("path", file.path);
    }
  }

  void track(const PairPlan& pair, const ScriptPlan& plan) {
    const ScriptDefinition& script = plan.definition;
    const std::string off = plan.fate == Fate::off ? "#" : "";
    page_.line("");
    page_.line(off + "[[pair.track_script]]");
    page_.line(off + "name = " + toml_string(safe_name(plan.key)));
    this->script("command", plan, plan.fate == Fate::kept);
    page_.line(off + "interval = " +
               toml_string(duration_text(within(script.interval, kShortest, kLongest))));
    if (script.timeout) {
      page_.line(off + "timeout = " +
                 toml_string(duration_text(within(*script.timeout, kShortest, kLongest))));
    }
    page_.line(off + "rise = " + std::to_string(std::min(script.rise, kMaxCount)));
    page_.line(off + "fall = " + std::to_string(std::min(script.fall, kMaxCount)));
    const bool own = !plan.command.user.empty();
    page_.line(off + "user = " + toml_string(own ? plan.command.user : pair.script_user));
    const std::string& group = own ? plan.command.group : pair.script_group;
    if (!group.empty()) page_.line(off + "group = " + toml_string(group));
  }

  static std::string safe_name(std::string name) {
    constexpr std::size_t kMaxName = 64;
    for (char& c : name) {
      const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
      if (!good) c = '_';
    }
    return name.substr(0, kMaxName);
  }

  Page& page_;
};

}  // namespace

void write_tables(const PairPlan& pair, Page& page) {
  Writer(page).run(pair);
}

}  // namespace agent::keepalived
