// See doctor_command.hpp. The configuration file names servers and passwords; a running agent adds
// what it knows of the peer.
#include "agent/io/doctor_command.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <iostream>
#include <utility>

#include "agent/io/config_load.hpp"
#include "agent/io/control_client.hpp"
#include "agent/io/doctor_look.hpp"
#include "agent/io/host_checks.hpp"
#include "agent/json_fields.hpp"

namespace agent::io {
namespace {

using doctor::Finding;
using doctor::Findings;
using doctor::Level;

constexpr int kRefused = 1;
constexpr const char* kUsualConfig = "/etc/tandem/tandem.toml";

void add(Findings& to, Findings more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

std::string edit(const std::string& file, unsigned line) {
  return "sudoedit " + file + (line == 0 ? "" : "   # line " + std::to_string(line));
}

// The command that the sentence itself ends with, or else the editor.
std::string mend_of(const std::string& sentence, const std::string& file, unsigned line) {
  for (const std::string_view before : {"; run: ", "mend it with: "}) {
    const auto at = sentence.rfind(before);
    if (at != std::string::npos) return sentence.substr(at + before.size());
  }
  return edit(file, line);
}

Findings of_bad_config(const std::vector<ConfigProblem>& problems, const std::string& file) {
  Findings out;
  for (const auto& problem : problems) {
    const std::string sentence = problem.to_string(file);
    out.push_back(
        {Level::problem,
         "configuration",
         sentence,
         {mend_of(sentence, file, problem.line), "tandemd --config " + file + " --check"}});
  }
  return out;
}

Findings of_config(const LoadedConfig& loaded) {
  const std::string& file = loaded.config.file;
  Findings out;
  for (const auto& problem : host_problems(loaded.config)) {
    out.push_back({Level::problem, "configuration", problem, {mend_of(problem, file, 0)}});
  }
  auto warnings = loaded.warnings;
  for (auto& warning : network_warnings(loaded)) warnings.push_back(std::move(warning));
  for (const auto& warning : warnings) {
    const std::string sentence = warning.to_string(file);
    const std::string mend = mend_of(sentence, file, warning.line);
    out.push_back({Level::warning, "configuration", sentence, {mend}});
  }
  if (out.empty()) {
    out.push_back({Level::ok,
                   "configuration",
                   file + " is good, and so are the scripts and secrets that it names",
                   {}});
  }
  return out;
}

Finding no_agent(const std::string& problem, const std::string& file) {
  return {Level::advice,
          "agent",
          "no agent could be asked (" + problem + "): judged by " + file +
              " alone, and what the two agents would say of each other is not known",
          {problem.find("run as root") == std::string::npos ? "systemctl enable --now tandem"
                                                            : "sudo tandem doctor"}};
}

std::vector<std::string> names_of(const Config& config) {
  std::vector<std::string> out;
  for (const auto& pair : config.pairs) out.push_back(pair.name);
  return out;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

Findings of_pairs(const Config& config, const std::string& only, bool agent_runs) {
  const doctor::HostSeen host = look_at_host(config);
  std::vector<doctor::PairSeen> seen;
  Findings out;
  for (const PairConfig& pair : config.pairs) {
    if (!only.empty() && pair.name != only) continue;
    seen.push_back(look_at_pair(pair, agent_runs));
    add(out, doctor::judge_server(seen.back()));
    add(out, doctor::judge_pair_on_host(seen.back(), host));
    add(out, look_at_firewall(config, pair));
  }
  Findings all = doctor::judge_host(host, seen);
  add(all, std::move(out));
  return all;
}

}  // namespace

int examine(const DoctorOptions& options) {
  const ControlAnswer answer = ask_agent(options.socket, {{"command", "status"}});
  const bool agent_runs = answer.problem.empty() && answer.value.if_contains("error") == nullptr;
  doctor::Report report;
  report.agent = agent_runs;
  report.config = options.config;
  if (report.config.empty()) report.config = text_of(answer.value, "config");
  if (report.config.empty()) report.config = kUsualConfig;
  auto loaded = load_config(report.config);
  std::vector<std::string> names;
  if (const auto* good = std::get_if<LoadedConfig>(&loaded)) {
    names = names_of(good->config);
    report.node = good->config.node;
    if (!options.pair.empty() &&
        std::find(names.begin(), names.end(), options.pair) == names.end()) {
      std::cerr << "tandem: no pair of that name: " << options.pair << "; " << report.config
                << " has " << joined(names) << "\n";
      return kRefused;
    }
  }
  if (agent_runs) {
    add(report.findings, doctor::judge_agent(answer.value, options.pair, names));
  } else {
    report.findings.push_back(no_agent(answer.problem, report.config));
  }
  if (const auto* good = std::get_if<LoadedConfig>(&loaded)) {
    add(report.findings, of_config(*good));
    add(report.findings, of_pairs(good->config, options.pair, agent_runs));
  } else {
    add(report.findings,
        of_bad_config(std::get<std::vector<ConfigProblem>>(loaded), report.config));
  }
  if (options.as_json) {
    std::cout << boost::json::serialize(doctor::report_json(report)) << "\n";
  } else {
    std::cout << doctor::report_text(report, options.all, options.screen);
  }
  return doctor::worst(report.findings) == Level::problem ? kRefused : 0;
}

}  // namespace agent::io
