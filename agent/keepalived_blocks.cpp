// See keepalived_blocks.hpp.
#include "agent/keepalived_blocks.hpp"

#include "agent/keepalived_words.hpp"

namespace agent::keepalived {
namespace {

constexpr int kMaxWeight = 254;
constexpr double kMaxGarpDelay = 86400;
constexpr int kMaxGarpRepeat = 1000;

std::vector<Track>* list_of(const std::string& keyword, Tracks& tracks) {
  if (keyword == "track_interface") return &tracks.interfaces;
  if (keyword == "track_script") return &tracks.scripts;
  if (keyword == "track_file") return &tracks.files;
  return nullptr;
}

// "NAME [weight N [reverse]]"
Track read_track(const Node& node, std::vector<Note>& notes) {
  Track track{node.place, node.keyword(), std::nullopt, false};
  for (std::size_t i = 1; i < node.words.size(); ++i) {
    const std::string& word = node.words[i];
    if (word == "reverse") {
      track.reverse = true;
    } else if (word == "weight" && i + 1 < node.words.size()) {
      track.weight = to_integer(node.words[++i], -kMaxWeight, kMaxWeight);
      if (!track.weight) {
        notes.push_back({node.place,
                         "weight " + shown(node.words[i]) + " is not a number from -254 to 254",
                         Section::track});
      }
    } else if (word != "noreverse" && word != "no_reverse") {
      notes.push_back({node.place, shown(word) + " is not known here", Section::track});
    }
  }
  return track;
}

}  // namespace

Note bad_value(const Node& node, const std::string& allowed, Section section) {
  std::string what = clean(node.keyword());
  if (node.words.size() < 2) {
    what += " has no value; " + allowed + " is expected, and the line is left out";
  } else {
    what += ": " + shown(node.argument()) + " is not " + allowed + "; the line is left out";
  }
  return {node.place, what, section};
}

void add_advice(const Node& node, std::optional<std::string_view> advice, Section section,
                std::vector<Note>& notes) {
  if (advice && advice->empty()) return;
  std::string what = clean(node.keyword());
  if (advice) {
    what += " is not carried over: " + std::string(*advice);
  } else {
    what += " is not known to this import and not carried over; see keepalived.conf(5)";
  }
  notes.push_back({node.place, what, section});
}

Command read_command(const Node& node) {
  return {node.place, node.argument(1), node.argument(2), node.argument(3)};
}

bool read_notify(const Node& node, Notifies& notifies) {
  std::optional<Command>* target = nullptr;
  if (node.keyword() == "notify_master") target = &notifies.master;
  if (node.keyword() == "notify_backup") target = &notifies.backup;
  if (node.keyword() == "notify_fault") target = &notifies.fault;
  if (node.keyword() == "notify_stop") target = &notifies.stop;
  if (node.keyword() == "notify") target = &notifies.any;
  if (target == nullptr) return false;
  if (!node.argument().empty()) *target = read_command(node);
  return true;
}

bool read_tracks(const Node& node, Tracks& tracks, std::vector<Note>& notes) {
  auto* list = list_of(node.keyword(), tracks);
  if (list == nullptr || !node.block) return false;
  for (const Node& child : node.children) list->push_back(read_track(child, notes));
  return true;
}

bool read_announce(const Node& node, std::string_view prefix, Announce& announce,
                   std::vector<Note>& notes) {
  std::string_view keyword = node.keyword();
  if (!keyword.starts_with(prefix)) return false;
  keyword.remove_prefix(prefix.size());
  const std::string word = node.argument();
  bool good = true;
  if (keyword == "garp_master_delay") {
    announce.delay = to_seconds(word, kMaxGarpDelay);
    good = announce.delay.has_value();
  } else if (keyword == "garp_master_refresh") {
    announce.refresh = to_seconds(word, kMaxGarpDelay);
    good = announce.refresh.has_value();
  } else if (keyword == "garp_master_repeat") {
    announce.repeat = to_integer(word, 1, kMaxGarpRepeat);
    good = announce.repeat.has_value();
  } else {
    return false;
  }
  if (!good) notes.push_back(bad_value(node, "a number", Section::pair));
  return true;
}

}  // namespace agent::keepalived
