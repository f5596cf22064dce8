// What load balancers get: 200 or 503, and one line of reason. See status_site.hpp.
#include "agent/io/status_site.hpp"

namespace agent::io {
namespace {

constexpr unsigned kGood = 200;
constexpr unsigned kNotFound = 404;
constexpr unsigned kNotNow = 503;

struct Verdict {
  bool good = false;
  std::string why;
};

std::string server_words(const PairGlance& pair) {
  std::string out = "the local server is " + std::string(health::to_string(pair.health));
  if (!pair.detail.empty()) out += ": " + pair.detail;
  return out;
}

Verdict healthy(const PairGlance& pair) {
  return {pair.health == health::Health::up, server_words(pair)};
}

Verdict leads(const PairGlance& pair) {
  const bool good = pair.state == PairState::leading;
  return {good, std::string(to_string(pair.state)) + ", because " + pair.reason};
}

// One that reads may be sent to: its data are those of the leader.
Verdict stands_by(const PairGlance& pair) {
  if (pair.state != PairState::standby) return {false, leads(pair).why};
  if (pair.health != health::Health::up) return {false, server_words(pair)};
  if (!pair.linked) return {false, "the local server has no link to the leader's"};
  return {true, "standby, and the local server follows the leader's"};
}

}  // namespace

HttpAnswer balancer_answer(std::string_view what, std::string_view wanted,
                           const std::vector<PairGlance>& pairs) {
  bool good = true;
  bool found = false;
  std::string bad;
  std::string all;
  for (const PairGlance& pair : pairs) {
    if (!wanted.empty() && pair.name != wanted) continue;
    found = true;
    const Verdict verdict = what == "leader"    ? leads(pair)
                            : what == "standby" ? stands_by(pair)
                                                : healthy(pair);
    std::string& out = verdict.good ? all : bad;
    if (!out.empty()) out += "; ";
    out += pair.name;
    out += ": " + verdict.why;
    good = good && verdict.good;
  }
  if (!found) return {kNotFound, "there is no pair of that name\n"};
  return {good ? kGood : kNotNow, (good ? all : bad) + "\n"};
}

}  // namespace agent::io
