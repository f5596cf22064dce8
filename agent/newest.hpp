// Which of the two nodes holds the newest data (rule 11): from lineage and offsets, the journals of
// promotions, and the epochs that both wrote down. A part of judge_candidacy().
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "agent/candidacy.hpp"

namespace agent {

inline Candidacy yes(std::string why) {
  return {.may_lead = true, .why = std::move(why)};
}
inline Candidacy no(std::string why) {
  return {.why = std::move(why)};
}
inline Candidacy not_before(TimePoint then, std::string why) {
  return {.why = std::move(why), .recheck = then};
}
inline Candidacy ask_operator(std::string why) {
  return {.needs_operator = true, .why = std::move(why)};
}

// The local server holds nothing, its record says that there was something.
bool lost_its_data(const Sight& sight);
Candidacy empty_server();
// The server restarted with less than it held at last sight, or with a history that says nothing
// about it (an AOF restart, another file): somebody else may hold the rest.
bool came_back_old(const std::optional<Record>& record, const health::ServerFacts& local);
// The promotion that the data of a server come from, as far as its node's record tells, or `other`,
// that of the other node: who had just been filled by it need not have written that down. 0: the
// server came back with data of a history that neither knows.
std::uint64_t data_epoch(const std::optional<Record>& record, const health::ServerFacts& local,
                         const std::optional<Record>& other);
// The other lineage was promoted out of this one. Offsets of one lineage say nothing here: the two
// servers were not asked at the same moment.
bool outlived(const health::ServerFacts& old, const health::ServerFacts& other);
// The local server was made a master by somebody else, or by this node to copy what it holds, while
// the data that it followed goes on at the peer: what it was promoted to says nothing.
bool strayed(const Sight& sight);
// The same of the peer's server, as far as its agent tells.
bool peer_strayed(const Sight& sight);
// All that `part` holds is in `whole`, which was promoted out of its lineage later on: a server
// that came back with an older file, whatever it led with before. Of a master it is not known how
// far it has got since it was asked.
bool holds_all_of(const health::ServerFacts& whole, const health::ServerFacts& part);
// Without a backlog, as after a start, a master begins a new lineage when its first replica asks,
// and when its last one has been away for repl-backlog-ttl it drops the backlog; either way its
// data go on, and it says no word of the lineage before (replication.c, clearReplicationId2()).
// nullopt: that is not what happened between these two looks.
std::optional<LineageEntry> renaming(const health::ServerFacts& before,
                                     const health::ServerFacts& now);
// Adds to what the server says what it has forgotten so.
void recall(const std::optional<Record>& record, health::ServerFacts& local);
// What both servers, and the journal of promotions, say about whose data are the newer.
Fresher newer_data(const Sight& sight);
// Neither server is a master, or both are, and nobody leads: the newer data set leads.
Candidacy newest_leads(const Sight& sight);

}  // namespace agent
