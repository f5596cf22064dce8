// Pieces that several blocks of keepalived.conf share, read from their nodes.
#pragma once

#include "agent/keepalived_setup.hpp"

namespace agent::keepalived {

// The pieces of a vrrp_instance; its notes are in it.
Instance read_instance(const Node& block, const Globals& globals);

// "/path/script arg" user group, behind the keyword.
Command read_command(const Node& node);

// notify_master and the like, track_interface and the like. False: another keyword.
bool read_notify(const Node& node, Notifies& notifies);
bool read_tracks(const Node& node, Tracks& tracks, std::vector<Note>& notes);
// garp_master_delay and the like, with the prefix "vrrp_" in global_defs.
bool read_announce(const Node& node, std::string_view prefix, Announce& announce,
                   std::vector<Note>& notes);

// "KEYWORD: "xyz" is not ALLOWED; it is left out"
Note bad_value(const Node& node, const std::string& allowed, Section section = Section::file);
// "KEYWORD is not carried over: ADVICE"; nothing is said of what loses nothing.
void add_advice(const Node& node, std::optional<std::string_view> advice, Section section,
                std::vector<Note>& notes);

}  // namespace agent::keepalived
