// `tandem reload`, SIGHUP, `systemctl reload`: the whole new configuration is good, or nothing
// changes. Pairs come, go and begin anew one by one; those that are as they were do not notice. See
// daemon.hpp.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <variant>

#include "agent/io/daemon.hpp"
#include "agent/io/host_checks.hpp"
#include "agent/io/login_check.hpp"
#include "agent/io/privileges.hpp"

namespace agent::io {
namespace {

constexpr const char* kNothingChanged = "nothing was changed: ";

std::string joined(const std::vector<std::string>& sentences) {
  std::string out;
  for (const auto& sentence : sentences) out += (out.empty() ? "" : "\n") + sentence;
  return out;
}

std::vector<std::string> sentences_of(const std::vector<ConfigProblem>& problems,
                                      const std::string& file) {
  std::vector<std::string> out;
  out.reserve(problems.size());
  for (const ConfigProblem& problem : problems) out.push_back(problem.to_string(file));
  return out;
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

struct Look {
  std::optional<LoadedConfig> good;
  std::vector<std::string> why;  // sentences, without it
};

Look look_anew(const std::function<LoadResult()>& load, const Config& now) {
  auto loaded = load();
  if (const auto* problems = std::get_if<std::vector<ConfigProblem>>(&loaded)) {
    return {std::nullopt, sentences_of(*problems, now.file)};
  }
  auto& good = std::get<LoadedConfig>(loaded);
  Look look;
  look.why = host_problems(good.config);
  // A restart in place would end with them, on both hosts.
  if (look.why.empty()) look.why = ownership_problems(good.config);
  if (look.why.empty()) look.why = login_problems(now, good.config);
  if (look.why.empty()) look.good = std::move(good);
  return look;
}

}  // namespace

void Daemon::refuse_reload(const ControlSocket::Reply& reply, const std::vector<std::string>& why) {
  for (const std::string& sentence : why) log_->error("reload: {}{}", kNothingChanged, sentence);
  reply({{"error", kNothingChanged + joined(why)}});
}

void Daemon::reload(const ControlSocket::Reply& reply) {
  if (stopping_) return refuse_reload(reply, {"the agent is stopping"});
  if (reloading_ || looking_) return refuse_reload(reply, {"another reload is under way"});
  load_anew([this, reply](std::optional<LoadedConfig> good, const std::vector<std::string>& why) {
    if (!good) return refuse_reload(reply, why);
    if (stopping_) return refuse_reload(reply, {"the agent is stopping"});
    take_up(std::move(*good), reply);
  });
}

void Daemon::take_up(LoadedConfig good, const ControlSocket::Reply& reply) {
  const ReloadPlan plan = plan_reload(config_, good.config);
  if (!plan.refused.empty()) {
    std::vector<std::string> why;
    for (const std::string& key : plan.refused) {
      why.push_back(config_.file + ": agent." + key + " changes only with a restart of the agent");
    }
    return refuse_reload(reply, why);
  }
  if (good.config.copies_datasets() && file_capabilities_given_up()) {
    return refuse_reload(
        reply, {config_.file + ": recovery = \"rdb\" needs rights over the server's files that "
                               "this agent gave up when it started; tandem restart takes them"});
  }
  for (const std::string& warning : sentences_of(good.warnings, config_.file)) {
    log_->warn("configuration: {}", warning);
  }
  reloading_ = Reloading{{}, plan.to_string(), reply};
  log_->info("reload: {}", reloading_->words);
  apply(std::move(good.config), plan);
  if (reloading_ && reloading_->awaited.empty()) retire({});
}

void Daemon::apply(Config wanted, const ReloadPlan& plan) {
  config_ = std::move(wanted);
  links_.update(config_);
  for (const auto& names : {plan.removed, plan.changed}) {
    reloading_->awaited.insert(names.begin(), names.end());
  }
  for (const auto& pair : pairs_) {
    if (holds(plan.unchanged, pair->name())) {
      pair->reload_auth_keys();
      pair->reload_certificates();
    }
  }
  std::vector<PairRunner*> leaving;
  for (const auto& pair : pairs_) leaving.push_back(pair.get());
  for (PairRunner* pair : leaving) {
    if (holds(plan.removed, pair->name())) pair->stop();
    if (holds(plan.changed, pair->name())) pair->yield();
  }
  for (const PairConfig& pair : config_.pairs) {
    if (!holds(plan.added, pair.name)) continue;
    PairRunner& made = make_pair(pair);
    update_hubs();
    made.start();
  }
  links_.start_new();
}

// What only a start finds out is found out before anything is given up, by a thread of its own: a
// disk, a directory of users or a server that is slow to answer must not hold an advert.
void Daemon::load_anew(Loaded then) {
  looking_ = true;
  boost::asio::post(looks_, [this, now = config_, then = std::move(then)]() mutable {
    boost::asio::post(loop_,
                      [this, look = look_anew(load_, now), then = std::move(then)]() mutable {
                        looking_ = false;
                        then(std::move(look.good), look.why);
                      });
  });
}

// `tandem restart`: the same process executes its program anew, which may be a newer one by now.
// Every pair is left as it is; the new agent adopts it before the VIPs' leases have run out.
void Daemon::restart(const ControlSocket::Reply& reply) {
  if (const auto why = restart_problems(); !why.empty()) return refuse_restart(reply, why);
  load_anew([this, reply](const std::optional<LoadedConfig>& good, std::vector<std::string> why) {
    if (good) why = restart_problems();  // time may have passed
    if (!why.empty()) return refuse_restart(reply, why);
    log_->info("restart: asked for");
    restarting_ = true;
    reply({{"done", "the agent executes its program anew; roles and VIPs stay"}});
    stopping_ = true;
    for (const auto& pair : pairs_) pair->yield();
  });
}

std::vector<std::string> Daemon::restart_problems() const {
  std::vector<std::string> why;
  if (stopping_) why.emplace_back("the agent is stopping");
  if (reloading_ || looking_) why.emplace_back("a reload is under way");
  for (const auto& pair : pairs_) {
    if (pair->under_way())
      why.push_back("pair " + pair->name() + " is between two roles; try again");
  }
  return why;
}

void Daemon::refuse_restart(const ControlSocket::Reply& reply,
                            const std::vector<std::string>& why) {
  for (const std::string& sentence : why) log_->error("restart: not begun: {}", sentence);
  reply({{"error", "not restarted: " + joined(why)}});
}

// A pair that has let go leaves, and its successor, if the configuration has one, begins.
void Daemon::retire(const std::string& name) {
  const auto old = std::find_if(pairs_.begin(), pairs_.end(),
                                [&](const auto& pair) { return pair->name() == name; });
  if (old != pairs_.end() && (*old)->stopped()) {
    const auto told = (*old)->told();
    auto fifo = (*old)->release_fifo();
    hub((*old)->interface()).unsubscribe(name);
    links_.unsubscribe(name);
    pairs_.erase(old);
    for (const PairConfig& pair : config_.pairs) {
      if (pair.name != name) continue;
      PairRunner& made = make_pair(pair);
      update_hubs();
      made.start(told, std::move(fifo));
      links_.start_new();
      break;
    }
  }
  if (!reloading_) return;
  reloading_->awaited.erase(name);
  if (!reloading_->awaited.empty()) return;
  const Reloading done = std::move(*reloading_);
  reloading_.reset();
  std::erase_if(hubs_, [](const auto& one) { return one.second->idle(); });
  done.reply({{"done", done.words}});
}

std::optional<Succession> Daemon::succession() const {
  if (!restarting_) return std::nullopt;
  Succession out;
  for (const auto& pair : pairs_) {
    if (const auto told = pair->told()) out[pair->name()] = *told;
  }
  return out;
}

std::vector<hooks::io::UniqueFd> Daemon::hold_fifos() const {
  std::vector<hooks::io::UniqueFd> out;
  for (const auto& pair : pairs_) {
    if (auto fifo = pair->hold_fifo()) out.push_back(std::move(fifo));
  }
  return out;
}

void Daemon::update_hubs() {
  for (const auto& [name, hub] : hubs_) {
    hub->set_vips(own_vips());
    hub->update();
  }
}

}  // namespace agent::io
