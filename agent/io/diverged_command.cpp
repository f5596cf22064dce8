// See diverged_command.hpp.
#include "agent/io/diverged_command.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <vector>

#include "hooks/io/diverged_store.hpp"
#include "hooks/io/replaced_datasets.hpp"

namespace agent::io {
namespace {

namespace json = boost::json;
using hooks::io::DivergedEntry;
using hooks::io::ReplacedDataset;

constexpr int kRefused = 1;
constexpr double kMegabyte = 1e6;

int fail(const std::string& sentence) {
  std::cerr << "tandem: " << sentence << "\n";
  return kRefused;
}

std::string directory_of(const DivergedOptions& options) {
  return options.state_dir + "/diverged";
}

constexpr std::string_view kNotes = ".server.json";

std::vector<ReplacedDataset> replaced_of(const DivergedOptions& options, const std::string& pair) {
  return hooks::io::find_replaced(options.state_dir + "/" + pair + std::string(kNotes));
}

// Pairs whose server the agent knows: their recoveries may have replaced something.
void add_known_pairs(const DivergedOptions& options, std::vector<std::string>& pairs) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(options.state_dir, error), end;
       !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename();
    if (!name.ends_with(kNotes)) continue;
    name.resize(name.size() - kNotes.size());
    if (!options.pair.empty() && options.pair != name) continue;
    if (std::find(pairs.begin(), pairs.end(), name) == pairs.end()) pairs.push_back(name);
  }
  std::sort(pairs.begin(), pairs.end());
}

// The pairs that have a copy. A sentence when the directory cannot be read; none there is none
// kept.
std::string find_pairs(const DivergedOptions& options, std::vector<std::string>& pairs) {
  std::error_code error;
  std::filesystem::directory_iterator entry(directory_of(options), error);
  if (error == std::errc::no_such_file_or_directory) {
    std::error_code none;
    const bool there = std::filesystem::is_directory(options.state_dir, none);
    if (there) return {};
    return options.state_dir + " is no state_dir of an agent; name it with --state-dir";
  }
  for (const std::filesystem::directory_iterator end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (options.pair.empty() || options.pair == name) pairs.push_back(name);
  }
  std::sort(pairs.begin(), pairs.end());
  if (!error) return {};
  std::string sentence = directory_of(options) + " cannot be read: " + error.message();
  if (error == std::errc::permission_denied)
    sentence += "; run as root: copies of data are not for the group";
  return sentence;
}

std::string megabytes(std::uint64_t bytes) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f MB", static_cast<double>(bytes) / kMegabyte);
  return text.data();
}

std::string what_is_kept(const DivergedEntry& entry) {
  const auto& about = entry.about;
  std::string words;
  if (about.dataset) {
    words = "dataset " + megabytes(about.dataset->bytes);
    if (about.keys) words += ", " + std::to_string(*about.keys) + " keys";
  }
  if (!about.commands) return words;
  if (!words.empty()) words += "; ";
  return words + std::to_string(about.commands->commands) + " commands";
}

json::object to_json(const std::string& pair, const DivergedEntry& entry) {
  json::object out{{"pair", pair}, {"path", entry.path}};
  out["name"] = entry.about.name.to_string();
  if (!entry.problem.empty()) {
    out["problem"] = entry.problem;
    return out;
  }
  const json::value about = json::parse(hooks::io::format_about(entry.about));
  out["about"] = about;
  return out;
}

void print_line(const std::string& pair, const DivergedEntry& entry) {
  std::cout << pair << "  " << entry.about.name.to_string() << "  "
            << (entry.problem.empty() ? what_is_kept(entry) + ": " + entry.about.why
                                      : entry.problem)
            << "\n";
}

json::object to_json(const std::string& pair, const ReplacedDataset& replaced) {
  return {{"pair", pair},
          {"path", replaced.path},
          {"name", hooks::utc_name(replaced.time)},
          {"replaced_by_recovery", true},
          {"bytes", replaced.bytes}};
}

void print_line(const std::string& pair, const ReplacedDataset& replaced) {
  std::cout << pair << "  " << hooks::utc_name(replaced.time) << "  "
            << (replaced.directory ? "AOF " : "dataset ") << megabytes(replaced.bytes)
            << ": replaced by a recovery, the old one is " << replaced.path << "\n";
}

int show_replaced(const DivergedOptions& options, const ReplacedDataset& replaced) {
  if (options.as_json) {
    std::cout << json::serialize(to_json(options.pair, replaced)) << "\n";
    return 0;
  }
  print_line(options.pair, replaced);
  std::cout << "  what the server had when it was brought back with the leader's dataset; not\n"
               "  verified, it may hold writes that the leader lacks\n"
               "  to look into it: copy it to an empty directory under its old name, then\n"
               "  redis-server --port 7999 --dir THAT-DIRECTORY --save ''"
            << (replaced.directory ? " --appendonly yes" : "") << "\n";
  return 0;
}

void print_lineage(const hooks::io::DivergedAbout& about) {
  std::cout << "  server    " << about.server << ", epoch " << about.name.epoch << "\n"
            << "  why       " << about.why << "\n";
  if (about.precaution) {
    std::cout << "            a precaution: unless somebody made it a master, the leader has all "
                 "of it\n";
  }
  if (!about.replid.empty()) std::cout << "  lineage   " << about.replid << "\n";
  if (about.last_offset > 0) {
    std::cout << "  lost      offsets " << about.first_offset << " to " << about.last_offset << ", "
              << about.last_offset - about.first_offset + 1 << " bytes\n";
  }
}

void print_parts(const DivergedEntry& entry) {
  const auto& about = entry.about;
  if (about.dataset) {
    std::cout << "  dataset   " << entry.path << "/dump.rdb, " << megabytes(about.dataset->bytes)
              << ", RDB version " << about.dataset->rdb_version << "\n"
              << "            to look into it: redis-server --port 7999 --dir " << entry.path
              << " --save ''\n";
  } else {
    std::cout << "  dataset   not kept: " << about.dataset_missing << "\n";
  }
  if (about.commands) {
    std::cout << "  commands  " << entry.path << "/commands.resp, " << about.commands->commands
              << " commands\n"
              << "            to apply them: redis-cli -h LEADER --pipe < " << entry.path
              << "/commands.resp\n";
    if (!about.commands->selects) {
      std::cout << "            the database of the first ones is not in it: select it first\n";
    }
  } else if (!about.commands_missing.empty()) {
    std::cout << "  commands  not kept: " << about.commands_missing << "\n";
  }
}

}  // namespace

int list_diverged(const DivergedOptions& options) {
  std::vector<std::string> pairs;
  if (const auto problem = find_pairs(options, pairs); !problem.empty()) return fail(problem);
  add_known_pairs(options, pairs);
  const hooks::io::DivergedStore store(directory_of(options));
  json::array all;
  std::size_t count = 0;
  for (const std::string& pair : pairs) {
    for (const DivergedEntry& entry : store.list(pair)) {
      ++count;
      if (options.as_json) {
        all.push_back(to_json(pair, entry));
      } else {
        print_line(pair, entry);
      }
    }
    for (const ReplacedDataset& replaced : replaced_of(options, pair)) {
      ++count;
      if (options.as_json) {
        all.push_back(to_json(pair, replaced));
      } else {
        print_line(pair, replaced);
      }
    }
  }
  if (options.as_json) std::cout << json::serialize(all) << "\n";
  if (!options.as_json && count == 0) std::cout << "nothing is kept: no write was ever replaced\n";
  return 0;
}

int show_diverged(const DivergedOptions& options) {
  std::vector<std::string> pairs;
  if (const auto problem = find_pairs(options, pairs); !problem.empty()) return fail(problem);
  const hooks::io::DivergedStore store(directory_of(options));
  const auto entries = store.list(options.pair);
  const auto entry = std::find_if(entries.begin(), entries.end(), [&](const auto& one) {
    return options.name.empty() || one.about.name.to_string() == options.name;
  });
  if (entry == entries.end()) {
    const auto replaced = replaced_of(options, options.pair);
    const auto old = std::find_if(replaced.begin(), replaced.end(), [&](const auto& one) {
      return options.name.empty() || hooks::utc_name(one.time) == options.name;
    });
    if (old != replaced.end()) return show_replaced(options, *old);
    return fail(options.pair + " has no such copy; tandem diverged list shows them");
  }
  const std::string problem = store.verify(*entry);
  if (options.as_json) {
    json::object out = to_json(options.pair, *entry);
    out["verified"] = problem.empty();
    if (!problem.empty()) out["problem"] = problem;
    std::cout << json::serialize(out) << "\n";
    return problem.empty() ? 0 : kRefused;
  }
  std::cout << options.pair << "  " << entry->about.name.to_string() << "\n";
  if (entry->problem.empty()) {
    print_lineage(entry->about);
    print_parts(*entry);
  }
  if (!problem.empty()) return fail(entry->path + ": " + problem);
  std::cout << "  verified  both files are as they were written\n";
  return 0;
}

}  // namespace agent::io
