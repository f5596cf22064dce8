// What of the lost writes the rules allow to be lost; see pair_truth.hpp.
#include <algorithm>

#include "tests/sim/pair_truth.hpp"

namespace sim {

std::vector<WriteId> Truth::unless_accepted(const Server& server, std::vector<WriteId> ids) {
  if (!world_.agents[server.index]->operators_word) return ids;
  overruled_ = true;
  excuse(ids, losses_.accepted);
  return {};
}

std::vector<WriteId> Truth::outside_the_fork(const std::vector<WriteId>& ids) {
  // Cut off from each other both may lead in turn, and nobody can know.
  if (apart_since_) {
    const bool lasts = fork_.since != TimePoint::max() && fork_.until == TimePoint::max();
    fork_.since = std::min(fork_.since, *apart_since_);
    if (!lasts) fork_.until = world_.clock.now();
  }
  std::vector<WriteId> inside;
  std::vector<WriteId> outside;
  for (const WriteId id : ids) {
    const TimePoint at = writes_[id].at;
    (at >= fork_.since && at <= fork_.until ? inside : outside).push_back(id);
  }
  excuse(inside, losses_.forked);
  return outside;
}

std::vector<WriteId> Truth::unless_unheard(std::size_t node, const std::vector<WriteId>& ids) {
  const auto& unheard = unheard_since_.at(node);
  if (!unheard) return ids;
  std::vector<WriteId> beside;
  std::vector<WriteId> rest;
  for (const WriteId id : ids) (writes_[id].at >= *unheard ? beside : rest).push_back(id);
  excuse(beside, losses_.forked);
  return rest;
}

// Who led last takes its VIP again: what the other node, which did not lead since, was given
// meanwhile at a VIP whose lease had not ended is beside that (rules 13 and 14).
std::vector<WriteId> Truth::beside_its_own_leading(std::size_t node,
                                                   const std::vector<WriteId>& ids) {
  const TimePoint led_at = led_at_.at(node);
  if (led_at <= led_at_.at(1 - node)) return ids;
  std::vector<WriteId> beside;
  std::vector<WriteId> rest;
  const auto& there = world_.servers.at(1 - node)->data;
  for (const WriteId id : ids) {
    const bool taken_there = std::find(there.begin(), there.end(), id) != there.end();
    (taken_there && writes_[id].at >= led_at ? beside : rest).push_back(id);
  }
  excuse(beside, losses_.forked);
  return rest;
}

// What it alone holds has to be kept when it is replaced.
bool Truth::owes(const Server& holder, const std::vector<WriteId>& ids) {
  const bool all = std::all_of(ids.begin(), ids.end(), [&](WriteId id) {
    return std::find(holder.data.begin(), holder.data.end(), id) != holder.data.end();
  });
  for (const WriteId id : ids) writes_[id].owed = writes_[id].owed || all;
  return all;
}

void Truth::excuse(const std::vector<WriteId>& ids, int& counter) {
  for (const WriteId id : ids) writes_[id].excused = true;
  counter += static_cast<int>(ids.size());
}

}  // namespace sim
