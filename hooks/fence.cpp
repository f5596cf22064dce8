// The write fence, up and down: min-replicas-to-write, which a crash of the agent does not lift,
// under a CLIENT PAUSE that keeps the offset still. Never asks why writes shall end.
#include <algorithm>
#include <vector>

#include "hooks/dialogue.hpp"
#include "hooks/role_change.hpp"

namespace hooks {
namespace {

// Redis' own default for min-replicas-max-lag, in seconds.
constexpr int kDefaultMaxLag = 10;

Question pause_command(Target server, Duration length) {
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(length).count();
  return {server, {"CLIENT", "PAUSE", std::to_string(milliseconds), "WRITE"}, {}};
}

class Fence final : public Dialogue {
 public:
  Fence(Target server, std::optional<Duration> pause, bool detach = false)
      : server_(server), pause_(pause), detach_(detach) {}

  std::string_view name() const override { return detach_ ? "detach" : "fence"; }
  Step begin(TimePoint now) override;

 private:
  Step ask_max_lag(const std::string& parameter);
  Step judge_max_lag(const std::string& parameter, const health::Reply& reply);
  Step refuse_writes();
  Step refused();

  Target server_;
  std::optional<Duration> pause_;
  bool detach_;
};

// In one go where the server is as servers are; what is not as expected is asked step by step.
Step Fence::begin(TimePoint) {
  const std::string max_lag = "min-replicas-max-lag";
  std::vector<Question> all;
  if (pause_) all.push_back(pause_command(server_, *pause_));
  all.push_back({server_, {"CONFIG", "GET", max_lag}, {}});
  all.push_back(set_min_replicas(server_, "to-write", kFenceReplicas));
  return ask_all(all, [this, max_lag](TimePoint, const std::vector<health::Reply>& replies) {
    const health::Reply& lag = replies[replies.size() - 2];
    const bool counts = lag.elements.size() == 2 && lag.elements[1].text != "0";
    const bool set = replies.back().type == health::Reply::Type::status;
    return counts && set ? refused() : ask_max_lag(max_lag);
  });
}

Step Fence::ask_max_lag(const std::string& parameter) {
  return ask({server_, {"CONFIG", "GET", parameter}, {}},
             [this, parameter](TimePoint, const health::Reply& reply) {
               return judge_max_lag(parameter, reply);
             });
}

// CONFIG GET answers a name that it does not know with an empty array.
Step Fence::judge_max_lag(const std::string& parameter, const health::Reply& reply) {
  const bool unknown = reply.type == health::Reply::Type::array && reply.elements.empty();
  if (unknown && parameter == "min-replicas-max-lag") return ask_max_lag("min-slaves-max-lag");
  if (unknown) {
    return Failed{subject(server_) +
                  " knows neither min-replicas-to-write nor min-slaves-to-write and cannot be "
                  "fenced (Redis 2.8 or later is needed)"};
  }
  if (reply.elements.size() != 2) {
    return unexpected({server_, {"CONFIG", "GET", parameter}, {}}, reply);
  }
  if (reply.elements[1].text != "0") return refuse_writes();
  return order(set_min_replicas(server_, "max-lag", kDefaultMaxLag),
               [this](TimePoint) { return refuse_writes(); });
}

Step Fence::refuse_writes() {
  return order(set_min_replicas(server_, "to-write", kFenceReplicas),
               [this](TimePoint) { return refused(); });
}

Step Fence::refused() {
  if (!detach_) return Done{};
  return order(replicaof(server_, "NO", "ONE"), [](TimePoint) { return Done{}; });
}

class HoldWrites final : public Dialogue {
 public:
  HoldWrites(Target server, Duration length) : server_(server), length_(length) {}

  std::string_view name() const override { return "pause"; }
  Step begin(TimePoint) override {
    return attempt(pause_command(server_, length_), [](TimePoint) { return Done{}; });
  }

 private:
  Target server_;
  Duration length_;
};

class Guard final : public Dialogue {
 public:
  Guard(Target server, int replicas, int max_lag)
      : server_(server), replicas_(replicas), max_lag_(max_lag) {}

  std::string_view name() const override { return "guard"; }
  Step begin(TimePoint) override {
    return order(set_min_replicas(server_, "max-lag", max_lag_), [this](TimePoint) {
      return order(set_min_replicas(server_, "to-write", replicas_),
                   [](TimePoint) { return Done{}; });
    });
  }

 private:
  Target server_;
  int replicas_;
  int max_lag_;
};

class Unfence final : public Dialogue {
 public:
  explicit Unfence(Target server) : server_(server) {}

  std::string_view name() const override { return "unfence"; }
  Step begin(TimePoint) override {
    return open(server_, [](TimePoint) { return Done{}; });
  }

 private:
  Target server_;
};

class ReadOnly final : public Dialogue {
 public:
  explicit ReadOnly(Target server) : server_(server) {}

  std::string_view name() const override { return "read only"; }
  Step begin(TimePoint) override {
    return order({server_,
                  {"CONFIG", "SET", "replica-read-only", "yes"},
                  {"CONFIG", "SET", "slave-read-only", "yes"}},
                 [](TimePoint) { return Done{}; });
  }

 private:
  Target server_;
};

}  // namespace

std::unique_ptr<Procedure> make_fence(Target server, std::optional<Duration> pause) {
  return std::make_unique<Fence>(server, pause);
}

std::unique_ptr<Procedure> make_detach(Target server) {
  return std::make_unique<Fence>(server, std::nullopt, true);
}

std::unique_ptr<Procedure> make_pause(Target server, Duration length) {
  return std::make_unique<HoldWrites>(server, length);
}

std::unique_ptr<Procedure> make_guard(Target server, int replicas, Duration max_lag) {
  const auto seconds =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(max_lag).count());
  return std::make_unique<Guard>(server, replicas, static_cast<int>(seconds));
}

std::unique_ptr<Procedure> make_read_only(Target server) {
  return std::make_unique<ReadOnly>(server);
}

std::unique_ptr<Procedure> make_unfence(Target server) {
  return std::make_unique<Unfence>(server);
}

}  // namespace hooks
