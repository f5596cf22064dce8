// The file as a whole and [agent]; pairs are read by config_pair and judged by config_checks.
#include "agent/io/config_load.hpp"

#include <unistd.h>

#include <array>

#include "agent/io/config_metrics.hpp"
#include "agent/io/config_pair.hpp"
#include "agent/io/config_peer.hpp"
#include "agent/io/config_reader.hpp"
#include "agent/io/config_secrets.hpp"
#include "agent/io/config_tree.hpp"

namespace agent {
namespace {

using io::ConfigNode;
using io::PairDraft;
using io::Problems;
using io::TableReader;
using io::ValueKind;

constexpr std::size_t kMaxFile = 1 << 20;
constexpr std::size_t kMaxNode = 64;

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

io::Parsed<LogTarget> parse_log_target(const ConfigNode& node) {
  const auto word = io::parse_choice(node, {"journal", "stderr", "file"});
  if (const auto* refusal = std::get_if<io::Refusal>(&word)) return *refusal;
  if (node.text == "file") return LogTarget::file;
  return node.text == "stderr" ? LogTarget::standard_error : LogTarget::journal;
}

io::Parsed<LogFormat> parse_log_format(const ConfigNode& node) {
  const auto word = io::parse_choice(node, {"text", "json"});
  if (const auto* refusal = std::get_if<io::Refusal>(&word)) return *refusal;
  return node.text == "json" ? LogFormat::json : LogFormat::text;
}

io::Parsed<std::string> parse_long_path(const ConfigNode& node) {
  return io::parse_path(node, io::kMaxPath);
}

void read_log(TableReader& reader, LogConfig& config) {
  auto log = reader.table("log");
  if (!log) return;
  log->read("level", config.level, [](const ConfigNode& node) {
    return io::parse_choice(node, {"trace", "debug", "info", "warn", "error"});
  });
  log->read("target", config.target, parse_log_target);
  log->read("file", config.file, parse_long_path);
  const bool has_file = log->find("file") != nullptr;
  if (config.target == LogTarget::file && !has_file) {
    log->error("file",
               "is missing; target = \"file\" needs it, as in file = \"/var/log/tandem.log\"");
  }
  const bool target_good = log->find("target") == nullptr || log->accepted("target");
  if (has_file && target_good && config.target != LogTarget::file) {
    log->warning("file", "is not used, because target is not \"file\"");
  }
  log->read("format", config.format, parse_log_format);
  if (config.format == LogFormat::json && target_good && config.target == LogTarget::journal) {
    log->warning(
        "format",
        "has no effect on the journal, whose lines have fields of their own: journalctl -o "
        "json; name target = \"stderr\" or \"file\"");
  }
  log->finish();
}

io::PeerLinkDraft read_agent(TableReader& root, Config& config) {
  config.node = host_name();
  auto agent = root.table("agent");
  if (!agent) return {};
  agent->read("node", config.node,
              [](const ConfigNode& node) { return io::parse_text(node, kMaxNode); });
  agent->read("state_dir", config.state_dir, parse_long_path);
  agent->read("control_socket", config.control_socket,
              [](const ConfigNode& node) { return io::parse_path(node, io::kMaxSocketPath); });
  agent->read("realtime", config.realtime, io::parse_boolean);
  read_log(*agent, config.log);
  io::read_metrics(*agent, config.metrics);
  io::PeerLinkDraft link = io::read_peer_link(*agent);
  config.peer_link = link.config;
  agent->finish();
  return link;
}

std::vector<PairDraft> read_pairs(TableReader& root, const std::string& path, Problems& problems) {
  std::vector<PairDraft> drafts;
  const ConfigNode* pairs = root.find("pair");
  if (pairs == nullptr || (pairs->kind == ValueKind::array && pairs->children.empty())) {
    problems.error({}, "", "has no [[pair]]; write at least one");
    return drafts;
  }
  if (pairs->kind == ValueKind::table) {
    root.error("pair", "is written as [pair]; write [[pair]], because there can be several");
    drafts.push_back(io::read_pair(*pairs, 1, path, problems));
  } else if (pairs->kind != ValueKind::array) {
    root.error("pair", io::wrong_type(*pairs, "a table that begins with [[pair]]").what);
  }
  for (std::size_t i = 0; pairs->kind == ValueKind::array && i < pairs->children.size(); ++i) {
    const ConfigNode& pair = pairs->children[i];
    if (pair.kind == ValueKind::table) {
      drafts.push_back(io::read_pair(pair, i + 1, path, problems));
    } else {
      problems.error(pair.place, "pair[" + std::to_string(i + 1) + "]",
                     io::wrong_type(pair, "a table").what);
    }
  }
  return drafts;
}

}  // namespace

std::string ConfigProblem::to_string(const std::string& file) const {
  std::string text = file;
  if (line != 0) text += ":" + std::to_string(line);
  // What concerns the file as a whole continues its name: "/etc/tandem/tandem.toml does not exist".
  text += line == 0 && key.empty() ? " " : ": ";
  return text + (key.empty() ? "" : key + ": ") + what;
}

LoadResult load_config(const std::string& path) {
  auto file = io::read_file(path, kMaxFile);
  if (auto* refusal = std::get_if<io::Refusal>(&file)) {
    return std::vector<ConfigProblem>{{0, "", std::move(refusal->what)}};
  }
  return parse_config(std::get<io::FileText>(file).text, path);
}

LoadResult parse_config(const std::string& text, const std::string& path) {
  const auto tree = io::parse_tree(text);
  if (const auto* syntax = std::get_if<io::SyntaxError>(&tree)) {
    return std::vector<ConfigProblem>{{syntax->place.line, "", syntax->what}};
  }
  Problems problems;
  TableReader root(std::get<ConfigNode>(tree), "", problems);
  LoadedConfig loaded;
  loaded.config.file = path;
  const io::PeerLinkDraft link = read_agent(root, loaded.config);
  std::vector<PairDraft> drafts = read_pairs(root, path, problems);
  root.finish();
  io::check_pairs(drafts, problems);
  io::check_peer_link(link, drafts, problems);
  auto errors = problems.errors();
  if (!errors.empty()) return errors;
  for (PairDraft& draft : drafts) {
    for (const io::VipDraft& vip : draft.vips) {
      loaded.vips.push_back({vip.vip, vip.at.place.line, vip.at.key});
    }
    if (draft.gateway) {
      loaded.gateways.push_back({draft.config.interface, draft.config.tracking.gateway->address,
                                 draft.gateway->place.line, draft.gateway->key});
    }
    loaded.config.pairs.push_back(std::move(draft.config));
  }
  loaded.warnings = problems.warnings();
  return loaded;
}

}  // namespace agent
