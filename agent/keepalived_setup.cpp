// See keepalived_setup.hpp. Definitions are read before what uses them, wherever they stand.
#include "agent/keepalived_setup.hpp"

#include "agent/keepalived_advice.hpp"
#include "agent/keepalived_blocks.hpp"
#include "agent/keepalived_words.hpp"

namespace agent::keepalived {
namespace {

constexpr double kMaxSeconds = 86400;
constexpr int kMaxCount = 1000;
constexpr int kMaxWeight = 253;
constexpr int kMaxFileWeight = 2147483647;
constexpr int kMaxVersion = 3;
constexpr int kMaxDownAdverts = 100;

class Reader {
 public:
  Setup run(const std::vector<Node>& tree) {
    for (const Node& node : tree) {
      if (node.keyword() == "global_defs") read_globals(node);
    }
    for (const Node& node : tree) read(node);
    return std::move(setup_);
  }

 private:
  void read(const Node& node) {
    const std::string& word = node.keyword();
    if (word == "global_defs") return;
    if (word == "vrrp_script") return read_script(node);
    if (word == "vrrp_track_file" || word == "track_file") return read_file(node);
    if (word == "vrrp_sync_group") return read_group(node);
    if (word == "vrrp_instance") {
      setup_.instances.push_back(read_instance(node, setup_.globals));
      return;
    }
    add_advice(node, advice_for_block(word), Section::file, setup_.notes);
  }

  void read_globals(const Node& block) {
    Globals& globals = setup_.globals;
    for (const Node& node : block.children) {
      const std::string& word = node.keyword();
      if (read_announce(node, "vrrp_", globals.announce, setup_.notes)) continue;
      if (word == "script_user") {
        globals.script_user = node.argument(1);
        globals.script_group = node.argument(2);
      } else if (word == "router_id") {
        globals.router_id = node.argument();
      } else if (word == "default_interface") {
        globals.default_interface = node.argument();
      } else if (word == "notify_fifo" || word == "vrrp_notify_fifo") {
        globals.fifo = node.argument();
      } else if (word == "vrrp_version") {
        globals.version = to_integer(node.argument(), 2, kMaxVersion);
        if (!globals.version) setup_.notes.push_back(bad_value(node, "2 or 3"));
      } else if (word == "vrrp_down_timer_adverts") {
        globals.down_adverts = to_integer(node.argument(), 1, kMaxDownAdverts);
        if (!globals.down_adverts) setup_.notes.push_back(bad_value(node, "1 to 100"));
      } else {
        add_advice(node, advice_for_globals(word), Section::file, setup_.notes);
      }
    }
  }

  // A number in its range, or the note and what it was.
  int integer(const Node& node, int min, int max, int before) {
    const auto value = to_integer(node.argument(), min, max);
    if (value) return *value;
    std::string allowed = "a number from ";
    allowed += std::to_string(min) + " to " + std::to_string(max);
    setup_.notes.push_back(bad_value(node, allowed));
    return before;
  }

  double seconds(const Node& node, double before) {
    const auto value = to_seconds(node.argument(), kMaxSeconds);
    if (value && *value > 0) return *value;
    setup_.notes.push_back(bad_value(node, "a number of seconds up to a day"));
    return before;
  }

  void read_script(const Node& block) {
    ScriptDefinition script;
    script.place = block.place;
    script.name = block.argument();
    for (const Node& node : block.children) {
      const std::string& word = node.keyword();
      if (word == "script") {
        script.command.place = node.place;
        // Without quotes the arguments follow as words.
        for (std::size_t i = 1; i < node.words.size(); ++i) {
          script.command.line += (i > 1 ? " " : "") + node.words[i];
        }
      } else if (word == "interval") {
        script.interval = seconds(node, script.interval);
      } else if (word == "timeout") {
        script.timeout = seconds(node, script.interval);
      } else if (word == "rise") {
        script.rise = integer(node, 1, kMaxCount, script.rise);
      } else if (word == "fall") {
        script.fall = integer(node, 1, kMaxCount, script.fall);
      } else if (word == "weight") {
        script.weight = integer(node, -kMaxWeight, kMaxWeight, script.weight);
        script.reverse = node.argument(2) == "reverse";
      } else if (word == "user") {
        script.command.user = node.argument(1);
        script.command.group = node.argument(2);
      } else if (word != "init_fail") {  // until its first run has ended a host does not lead
        add_advice(node, std::nullopt, Section::file, setup_.notes);
      }
    }
    define(block, setup_.scripts, std::move(script));
  }

  void read_file(const Node& block) {
    FileDefinition file;
    file.place = block.place;
    file.name = block.argument();
    for (const Node& node : block.children) {
      if (node.keyword() == "file") {
        file.path = node.argument();
      } else if (node.keyword() == "weight") {
        file.weight = integer(node, -kMaxFileWeight, kMaxFileWeight, file.weight);
        file.reverse = node.argument(2) == "reverse";
      } else if (node.keyword() == "init_file") {
        setup_.notes.push_back({node.place,
                                "init_file is not carried over: a file that does not exist counts "
                                "as 0",
                                Section::file});
      } else {
        add_advice(node, std::nullopt, Section::file, setup_.notes);
      }
    }
    define(block, setup_.files, std::move(file));
  }

  template <typename Definition>
  void define(const Node& block, std::map<std::string, Definition>& all, Definition one) {
    const std::string name = one.name;
    if (name.empty()) {
      setup_.notes.push_back({block.place, clean(block.keyword()) + " has no name; left out", {}});
    } else if (!all.emplace(name, std::move(one)).second) {
      setup_.notes.push_back(
          {block.place, shown(name) + " is defined twice; the first one counts", {}});
    }
  }

  void read_group(const Node& block) {
    SyncGroup group;
    group.place = block.place;
    group.name = block.argument();
    for (const Node& node : block.children) {
      if (node.keyword() == "group") {
        for (const Node& member : node.children) {
          group.members.insert(group.members.end(), member.words.begin(), member.words.end());
        }
      } else if (!read_notify(node, group.notifies) &&
                 !read_tracks(node, group.tracks, setup_.notes) &&
                 node.keyword() != "global_tracking" &&
                 node.keyword() != "sync_group_tracking_weight") {
        add_advice(node, advice_for_instance(node.keyword()), Section::file, setup_.notes);
      }
    }
    setup_.groups.push_back(std::move(group));
  }

  Setup setup_;
};

}  // namespace

Setup read_setup(const std::vector<Node>& tree) {
  return Reader().run(tree);
}

}  // namespace agent::keepalived
