// What becomes of each script: replaced where Tandem does all of its work, kept where it does
// something else, and kept but switched off where it would also work against Tandem.
#include <algorithm>
#include <array>
#include <set>

#include "agent/keepalived_plan.hpp"
#include "agent/keepalived_redis_cli.hpp"
#include "agent/keepalived_words.hpp"

namespace agent::keepalived {
namespace {

constexpr std::size_t kMaxSiblings = 64;
constexpr int kMaxPriority = 254;

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> out;
  for (Token& token : split_words(line).tokens) out.push_back(std::move(token.text));
  return out;
}

bool is_system_program(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  return directory == "/bin/" || directory == "/usr/bin/" || directory == "/sbin/" ||
         directory == "/usr/sbin/" || directory.empty();
}

// Scripts that a command line names, and the line itself when it is none.
struct Look {
  ScriptFindings findings;
  std::string path;     // of the script; empty: the command line is all there is
  std::string problem;  // it cannot be read
};

void merge(ScriptFindings& into, ScriptFindings from) {
  into.lines.insert(into.lines.end(), from.lines.begin(), from.lines.end());
  const auto add = [](auto& target, const auto& more) {
    target.insert(target.end(), more.begin(), more.end());
  };
  add(into.commanded, from.commanded);
  add(into.masters, from.masters);
  add(into.asked, from.asked);
  add(into.sources, from.sources);
  into.password = into.password || from.password;
  into.tls = into.tls || from.tls;
  into.binary = into.binary || from.binary;
  into.shell = into.shell && from.shell;
  const auto take = [](std::string& target, std::string& more) {
    if (!more.empty()) target = std::move(more);
  };
  take(into.user, from.user);
  take(into.tls_ca, from.tls_ca);
  take(into.unit, from.unit);
  take(into.rdb_file, from.rdb_file);
}

class Planner {
 public:
  Planner(const Setup& setup, const Surroundings& around, PairPlan& pair,
          std::vector<SeenScript>& seen)
      : setup_(setup), around_(around), pair_(pair), seen_(seen) {}

  void run() {
    const Notifies& all = pair_.instance.notifies;
    notify("master", all.master);
    notify("backup", all.backup);
    notify("fault", all.fault);
    notify("stop", all.stop);
    notify("any", all.any);
    for (const Track& track : pair_.instance.tracks.scripts) plan_track(track);
    choose_account();
    look_beside();
  }

 private:
  void note(const Place& place, std::string what, Section section) {
    pair_.notes.push_back({place, std::move(what), section});
  }

  Look look_at(const Command& command) {
    Look look;
    const auto words = words_of(command.line);
    if (words.empty()) return look;
    const bool direct = !words.front().starts_with('/') || is_system_program(words.front()) ||
                        is_redis_cli(words.front());
    const bool interpreter = direct && base_name(words.front()).find("sh") != std::string::npos &&
                             words.size() > 1 && !words[1].starts_with('-');
    if (direct && !interpreter) {
      look.findings = look_at_command(command.line);
      if (words.size() > 2 && words[1] == "-c") look.findings = look_at_command(words[2]);
    }
    for (const std::string& word : words) {
      if (!word.starts_with('/') || is_system_program(word) || is_redis_cli(word)) continue;
      const bool first = &word == &words.front() || (interpreter && &word == &words[1]);
      const ScriptText script = around_.script(word);
      if (!script.problem.empty()) {
        if (first) look.problem = script.problem;
        if (first) look.path = word;
        continue;
      }
      look.path = word;
      merge(look.findings, look_at_script(script.text));
    }
    seen_.push_back({look.path.empty() ? command.place.to_string() : look.path, look.findings});
    return look;
  }

  // What is the same for scripts of both kinds; true: decided.
  static bool decide(const Look& look, const Command& command, ScriptPlan& plan) {
    const ScriptFindings& found = look.findings;
    if (!look.problem.empty()) {
      plan.fate = Fate::off;
      plan.remark = look.path + " " + look.problem +
                    " here, so nobody has looked into it: import on the host that has it, or make "
                    "sure that it leaves Redis alone, and take the '#' away";
      return true;
    }
    if (found.steers() && found.does(Work::other)) {
      plan.fate = Fate::off;
      plan.remark = "is kept, but switched off: take out what Tandem does now, " +
                    found.redis_lines() + ", and then the '#' away";
      return true;
    }
    if (has_password(command.line) && found.does(Work::other)) {
      plan.fate = Fate::off;
      plan.remark =
          "has a password in its command line, which is not copied: write a script that reads it "
          "from a file, and name it here";
      return true;
    }
    return false;
  }

  void notify(const std::string& key, const std::optional<Command>& command) {
    if (!command) return;
    ScriptPlan plan{key, *command, Fate::kept, {}, {}};
    const Look look = look_at(*command);
    const ScriptFindings& found = look.findings;
    if (!decide(look, *command, plan)) {
      const bool other = found.does(Work::other);
      if (!other && found.touches_redis()) {
        plan.fate = Fate::replaced;
        plan.remark = "is replaced, Tandem does what it did: " + found.redis_lines();
      } else if (!other) {
        plan.fate = Fate::logs;
        plan.remark =
            "only writes a log, and Tandem's own has a line with the reason for each "
            "transition; take the '#' away to keep it";
      } else if (found.touches_redis()) {
        plan.remark = "is kept; Tandem does now " + found.redis_lines();
      }
    }
    add(std::move(plan), Section::notify, pair_.notifies);
  }

  void add(ScriptPlan plan, Section section, std::vector<ScriptPlan>& list) {
    const std::string whole = with_path(plan);
    if (!plan.remark.empty()) {
      std::string what = section == Section::notify
                             ? (plan.key == "any" ? "notify" : "notify_" + plan.key)
                             : "track_script " + clean(plan.key);
      note(plan.command.place, what + " " + shown_command(plan.command.line) + " " + plan.remark,
           section);
    }
    plan.command.line = whole;
    list.push_back(std::move(plan));
  }

  // keepalived looks for a program in its PATH, the agent runs only what is named by its whole
  // path. What is found nowhere, shell syntax for instance, keepalived does not run either.
  std::string with_path(ScriptPlan& plan) const {
    const std::string& line = plan.command.line;
    const auto words = words_of(line);
    if (plan.fate == Fate::replaced || words.empty() || words.front().starts_with('/')) return line;
    const std::string& name = words.front();
    const std::string path = around_.program(name);
    const auto at = line.find(name);
    if (!path.empty() && at != std::string::npos)
      return line.substr(0, at) + path + line.substr(at + name.size());
    if (plan.fate == Fate::kept) {
      plan.fate = Fate::off;
      plan.remark =
          "names no program that this host has: write its whole path, or for shell "
          "syntax /bin/sh -c '...', and take the '#' away";
    }
    return line;
  }

  void plan_track(const Track& track) {
    const auto found = setup_.scripts.find(track.name);
    if (found == setup_.scripts.end()) {
      return note(track.place,
                  "track_script " + shown(track.name) + " is defined nowhere; it is left out",
                  Section::track);
    }
    const ScriptDefinition& definition = found->second;
    const int weight = track.weight.value_or(definition.weight);
    const bool reverse = track.reverse || (!track.weight && definition.reverse);
    if (weight > 0 && !reverse) add_priority(weight);
    if (definition.command.line.empty()) {
      return note(definition.place,
                  "vrrp_script " + shown(track.name) + " names no script; left out",
                  Section::track);
    }
    ScriptPlan plan{track.name, definition.command, Fate::kept, {}, definition};
    plan.definition.weight = weight;
    plan.definition.reverse = reverse;
    const Look look = look_at(definition.command);
    const ScriptFindings& does = look.findings;
    if (!decide(look, definition.command, plan)) {
      const bool other = does.does(Work::other) || does.does(Work::looks);
      if (!other && does.touches_redis()) {
        plan.fate = Fate::replaced;
        plan.remark =
            "is replaced by the agent's own connections to the servers (ping_interval, "
            "fall, rise): " +
            does.redis_lines();
      } else if (reverse) {
        plan.fate = Fate::off;
        plan.remark =
            "counts in reverse, which Tandem does not: let the script end with the "
            "opposite exit code, and take the '#' away";
      } else if (does.touches_redis()) {
        plan.remark = "is kept; Tandem does now " + does.redis_lines();
      } else if (weight != 0) {
        plan.remark = "gets weight 0 instead of " + std::to_string(weight) +
                      ": roles move by what the servers can do and not by arithmetic, so a failure "
                      "keeps the host from leading";
      }
    }
    add(std::move(plan), Section::track, pair_.scripts);
  }

  void add_priority(int weight) {
    const int before = pair_.priority;
    pair_.priority = std::min(pair_.priority + weight, kMaxPriority);
    pair_.added_priority += pair_.priority - before;
  }

  // One account runs all notify scripts of a pair.
  void choose_account() {
    const Globals& globals = setup_.globals;
    pair_.script_user = globals.script_user.empty() ? around_.script_user : globals.script_user;
    pair_.script_group = globals.script_group;
    for (const ScriptPlan& plan : pair_.notifies) {
      const Command& command = plan.command;
      const bool gone = plan.fate == Fate::replaced || plan.fate == Fate::logs;
      if (command.user.empty() || gone) continue;
      if (pair_.notify_user.empty()) {
        pair_.notify_user = command.user;
        pair_.notify_group = command.group;
      } else if (command.user != pair_.notify_user) {
        note(command.place,
             "one account runs all scripts of a pair: " + shown(command.user) +
                 " is not carried over, give the script what it needs as " +
                 shown(pair_.notify_user),
             Section::notify);
      }
    }
    if (!pair_.notify_user.empty()) return;
    pair_.notify_user = pair_.script_user;
    pair_.notify_group = pair_.script_group;
  }

  // The script that brings a dead server back lies beside the others and is started by hand.
  void look_beside() {
    std::set<std::string> looked;
    std::set<std::string> directories;
    for (const SeenScript& script : seen_) {
      looked.insert(script.path);
      const bool redis = script.findings.touches_redis() && script.path.starts_with('/');
      if (redis) directories.insert(script.path.substr(0, script.path.rfind('/')));
    }
    std::size_t count = 0;
    for (const std::string& directory : directories) {
      for (const std::string& path : around_.scripts_in(directory)) {
        if (looked.contains(path) || ++count > kMaxSiblings) continue;
        const ScriptText script = around_.script(path);
        if (!script.problem.empty()) continue;
        ScriptFindings found = look_at_script(script.text);
        if (found.does(Work::copy)) seen_.push_back({path, std::move(found)});
      }
    }
  }

  const Setup& setup_;
  const Surroundings& around_;
  PairPlan& pair_;
  std::vector<SeenScript>& seen_;
};

}  // namespace

std::string shown_command(const std::string& line) {
  const auto words = words_of(line);
  if (words.empty()) return "\"\"";
  return has_password(line) ? clean(words.front()) + " ..." : clean(line.substr(0, 200));
}

void plan_scripts(const Setup& setup, const Surroundings& around, PairPlan& pair,
                  std::vector<SeenScript>& seen) {
  Planner(setup, around, pair, seen).run();
}

}  // namespace agent::keepalived
