// See keepalived_import.hpp.
#include "agent/keepalived_import.hpp"

#include <algorithm>
#include <set>

#include "agent/keepalived_words.hpp"

namespace agent::keepalived {
namespace {

// What no file of a keepalived can tell, in the order in which it is done.
std::vector<std::string> steps_of(const Plan& plan) {
  std::vector<std::string> steps;
  std::set<std::string> passwords;
  bool copies = false;
  for (const PairPlan& pair : plan.pairs) {
    passwords.insert(pair.servers.password_in.begin(), pair.servers.password_in.end());
    copies = copies || pair.servers.copy;
  }
  if (!passwords.empty()) {
    std::string where;
    for (const std::string& path : passwords) where += (where.empty() ? "" : ", ") + clean(path);
    steps.push_back("The password of Redis, which is in " + where +
                    ", goes into a file (type it at the empty prompt):  sudo sh -c 'umask 077; "
                    "read -r password; echo \"$password\" > /etc/tandem/redis.password'");
  }
  steps.emplace_back(
      "The secret of the two agents, made on one host and copied to the other:  "
      "sudo sh -c 'umask 077; openssl rand -hex 32 > /etc/tandem/peer.secret'");
  steps.emplace_back(
      "Redis must boot as a replica:  sudo install -D -m 644 "
      "/usr/share/doc/tandem/examples/redis-server.service.d/tandem.conf "
      "/etc/systemd/system/redis-server.service.d/tandem.conf && sudo systemctl daemon-reload");
  if (copies) {
    steps.emplace_back(
        "The agent must write into Redis's directory:  sudo install -D -m 644 "
        "/usr/share/doc/tandem/examples/tandem-recovery.conf "
        "/etc/systemd/system/tandem.service.d/recovery.conf && sudo systemctl daemon-reload");
  }
  steps.emplace_back(
      "This file, readable by root only, is checked:  sudo chmod 0600 "
      "/etc/tandem/tandem.toml && sudo tandemd --check");
  steps.emplace_back(
      "Tandem takes over from keepalived, first on the host without the VIP:  sudo "
      "systemctl disable --now keepalived && sudo systemctl enable --now tandem");
  return steps;
}

std::vector<Note> all_notes(const Lines& lines, const Plan& plan) {
  std::vector<Note> out = plan.notes;
  out.insert(out.end(), lines.notes.begin(), lines.notes.end());
  for (const PairPlan& pair : plan.pairs) {
    out.insert(out.end(), pair.notes.begin(), pair.notes.end());
  }
  return out;
}

// By the order in which files were first read, then by line.
void sort_notes(std::vector<Note>& notes, const Lines& lines, const std::string& main) {
  std::vector<std::string> files{main};
  for (const Line& line : lines.lines) {
    if (line.place.file == files.back()) continue;
    if (std::find(files.begin(), files.end(), line.place.file) == files.end()) {
      files.push_back(line.place.file);
    }
  }
  const auto rank = [&files](const Note& note) {
    return std::pair(std::find(files.begin(), files.end(), note.place.file) - files.begin(),
                     note.place.line);
  };
  std::stable_sort(notes.begin(), notes.end(),
                   [&](const Note& one, const Note& other) { return rank(one) < rank(other); });
  const auto same = [](const Note& one, const Note& other) {
    return one.place == other.place && one.what == other.what;
  };
  notes.erase(std::unique(notes.begin(), notes.end(), same), notes.end());
}

}  // namespace

std::variant<Import, Refusal> import_keepalived(const Source& main, const Surroundings& around) {
  const auto read = read_lines(main, around.config_id, around.include);
  if (const auto* refusal = std::get_if<Refusal>(&read)) return *refusal;
  const Lines& lines = std::get<Lines>(read);
  auto tree = build_tree(lines.lines);
  if (const auto* refusal = std::get_if<Refusal>(&tree)) return *refusal;
  Plan plan = make_plan(read_setup(std::get<std::vector<Node>>(tree)), around);
  if (plan.pairs.empty()) {
    return Refusal{{main.path, 0}, "has no vrrp_instance; there is nothing to import"};
  }
  Import out;
  out.notes = all_notes(lines, plan);
  sort_notes(out.notes, lines, main.path);
  plan.notes.insert(plan.notes.end(), lines.notes.begin(), lines.notes.end());
  sort_notes(plan.notes, lines, main.path);
  out.steps = steps_of(plan);
  TomlText text = write_toml(plan, main.path, out.steps);
  out.toml = std::move(text.text);
  out.gaps = std::move(text.gaps);
  return out;
}

}  // namespace agent::keepalived
