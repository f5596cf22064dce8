// The report of `tandem doctor` for people and for programs. See doctor.hpp.
#include <algorithm>
#include <boost/json.hpp>

#include "agent/doctor.hpp"

namespace agent::doctor {
namespace {

namespace json = boost::json;

Colour colour_of(Level level) {
  switch (level) {
    case Level::problem: return Colour::red;
    case Level::warning: return Colour::yellow;
    case Level::advice: return Colour::cyan;
    case Level::ok: break;
  }
  return Colour::green;
}

std::size_t count_of(const Findings& findings, Level level) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [level](const Finding& finding) { return finding.level == level; }));
}

std::string counted(std::size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string summary(const Findings& findings, bool all, const Screen& screen) {
  const std::size_t problems = count_of(findings, Level::problem);
  const std::size_t warnings = count_of(findings, Level::warning);
  std::string text = problems == 0 ? "nothing serious" : counted(problems, "problem", "problems");
  text += ", " + counted(warnings, "warning", "warnings");
  text += ", " + std::to_string(count_of(findings, Level::advice)) + " advice, ";
  text += counted(count_of(findings, Level::ok), "check was well", "checks were well");
  if (!all) text += " (--all shows them)";
  return screen.entry("", text);
}

// Findings of one thing together, in the order in which things come first, the worst first.
std::vector<std::string> things_of(const Findings& findings) {
  std::vector<std::string> out;
  for (const Finding& finding : findings) {
    if (std::find(out.begin(), out.end(), finding.about) == out.end()) out.push_back(finding.about);
  }
  return out;
}

}  // namespace

std::string_view to_string(Level level) {
  switch (level) {
    case Level::ok: return "ok";
    case Level::advice: return "advice";
    case Level::warning: return "warning";
    case Level::problem: break;
  }
  return "problem";
}

Level worst(const Findings& findings) {
  Level out = Level::ok;
  for (const Finding& finding : findings) out = std::max(out, finding.level);
  return out;
}

json::object report_json(const Report& report) {
  json::array findings;
  for (const Finding& finding : report.findings) {
    findings.push_back({{"level", to_string(finding.level)},
                        {"about", finding.about},
                        {"what", finding.what},
                        {"mend", json::array(finding.mend.begin(), finding.mend.end())}});
  }
  json::object out{{"node", report.node},
                   {"config", report.config},
                   {"agent", report.agent},
                   {"worst", to_string(worst(report.findings))}};
  for (const Level level : {Level::problem, Level::warning, Level::advice, Level::ok}) {
    out[to_string(level)] = count_of(report.findings, level);
  }
  out["findings"] = std::move(findings);
  return out;
}

std::string report_text(const Report& report, bool all, const Screen& screen) {
  std::string out;
  for (const std::string& thing : things_of(report.findings)) {
    Findings shown;
    for (const Finding& finding : report.findings) {
      if (finding.about == thing && (all || finding.level != Level::ok)) shown.push_back(finding);
    }
    if (shown.empty()) continue;
    std::stable_sort(shown.begin(), shown.end(), [](const Finding& left, const Finding& right) {
      return left.level > right.level;
    });
    out += screen.paint(Colour::bold, thing) + "\n";
    for (const Finding& finding : shown) {
      std::string label = "  " + std::string(to_string(finding.level));
      constexpr std::size_t kLabel = 11;
      label.resize(std::max(label.size(), kLabel), ' ');
      out += screen.entry(label, finding.what, colour_of(finding.level));
      // Not wrapped: a command is copied as it is.
      for (const std::string& command : finding.mend) {
        out += (screen.columns == 0 || screen.columns > 2 * kLabel * 2 ? "             " : "  ") +
               screen.paint(Colour::faint, command) + "\n";
      }
    }
    out += "\n";
  }
  return out + summary(report.findings, all, screen);
}

}  // namespace agent::doctor
