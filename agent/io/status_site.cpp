// See status_site.hpp.
#include "agent/io/status_site.hpp"

#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <new>
#include <optional>
#include <utility>

#include "agent/io/memory_reserve.hpp"
#include "agent/io/metrics_page.hpp"
#include "agent/io/status_page.hpp"

namespace agent::io {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr auto kRetry = std::chrono::seconds(5);
constexpr unsigned kNotFound = 404;
constexpr unsigned kUnavailable = 503;

constexpr const char* kNoMemory = "memory is short here: try again in a moment\n";

// What scripts print is the operator's, and this door asks nobody for a password.
bool is_public(const Event& event) {
  return event.kind != EventKind::hook || event.severity != Severity::info;
}

HttpAnswer metrics_answer(const AgentStatus& status) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {.body = metrics_text(status, read_process_facts(),
                               std::chrono::duration<double>(now).count()),
          .type = kMetricsType};
}

HttpAnswer status_answer(const AgentStatus& status, const std::vector<Event>& events) {
  json::object out = status_json(status);
  json::array newest;
  for (const Event& event : events) {
    boost::system::error_code error;
    auto value = json::parse(format_event(event), error);
    if (!error) newest.push_back(std::move(value));
  }
  out["events"] = std::move(newest);
  return {.body = json::serialize(out) + "\n", .type = "application/json"};
}

}  // namespace

struct StatusSite::Impl : std::enable_shared_from_this<Impl> {
  enum class Wanted : std::uint8_t { metrics, status };
  struct Visitor {
    Wanted wanted = Wanted::metrics;
    HttpDoor::Reply reply;
  };
  // One look at all pairs, which serves all who asked before its end.
  struct Look {
    AgentStatus status;
    std::vector<std::string> names;
    std::size_t next = 0;
  };

  Impl(asio::any_io_executor loop, SiteSources from, std::shared_ptr<spdlog::logger> with)
      : executor(std::move(loop)),
        sources(std::move(from)),
        log(std::move(with)),
        retry(executor),
        door(executor, [this](const std::string& path, const HttpDoor::Reply& reply) {
          answer(path, reply);
        }) {}

  void open() {
    const auto problem = door.listen(config.host, config.port);
    std::string where =
        config.host.find(':') == std::string::npos ? config.host : "[" + config.host + "]";
    where += ":" + std::to_string(config.port);
    if (!problem) return log->info("metrics and status page: http://{}/", where);
    if (problem != last_problem) {
      log->error("agent.metrics: {} cannot be opened: {}; trying again every 5 s", where, *problem);
    }
    last_problem = problem;
    retry.expires_after(kRetry);
    retry.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (self && !error) self->open();
    });
  }

  void answer(const std::string& path, const HttpDoor::Reply& reply) {
    if (path == "/") return reply(status_page());
    if (path == "/metrics") return look({Wanted::metrics, reply});
    if (path == "/status.json") return look({Wanted::status, reply});
    const std::string_view rest = std::string_view(path).substr(1);
    const auto slash = rest.find('/');
    const std::string_view what = rest.substr(0, slash);
    const std::string_view wanted = slash == std::string_view::npos ? "" : rest.substr(slash + 1);
    if ((what == "health" && wanted.empty()) || what == "leader" || what == "standby") {
      return reply(balancer_answer(what, wanted, glances()));
    }
    reply({kNotFound,
           "nothing is here; there are /, /metrics, /health, /leader, /leader/PAIR, /standby and "
           "/standby/PAIR\n"});
  }

  std::vector<PairGlance> glances() const {
    std::vector<PairGlance> out;
    for (const std::string& name : sources.names()) {
      if (auto pair = sources.glance(name)) out.push_back(std::move(*pair));
    }
    return out;
  }

  // ---- a look at all pairs
  // -----------------------------------------------------------------------

  void look(Visitor visitor) {
    visitors.push_back(std::move(visitor));
    if (looking) return;
    looking = Look{.status = sources.about(), .names = sources.names()};
    look_on();
  }

  void look_on() {
    const bool served = MemoryReserve::instance().serve([&] { look_at_next(); });
    if (!served) written({}, {}, std::exchange(visitors, {}));
  }

  void look_at_next() {
    Look& at = *looking;
    if (at.next == at.names.size()) return write();
    if (auto pair = sources.status(at.names[at.next++])) {
      at.status.pairs.push_back(std::move(*pair));
    }
    asio::post(executor, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->look_on();
    });
  }

  void write() {
    std::vector<Event> events;
    for (const Event& event : sources.events->newest()) {
      if (is_public(event)) events.push_back(event);
    }
    asio::post(
        writer, [weak = weak_from_this(), loop = executor, status = std::move(looking->status),
                 events = std::move(events), served = visitors] {
          std::optional<HttpAnswer> metrics;
          std::optional<HttpAnswer> page;
          try {
            for (const Visitor& visitor : served) {
              const bool wants_metrics = visitor.wanted == Wanted::metrics;
              if (wants_metrics && !metrics) metrics = metrics_answer(status);
              if (!wants_metrics && !page) page = status_answer(status, events);
            }
          } catch (const std::bad_alloc&) {
            // Whoever has no text then is told so.
          }
          asio::post(loop, [weak, metrics = std::move(metrics), page = std::move(page), served] {
            if (const auto self = weak.lock()) self->written(metrics, page, served);
          });
        });
    visitors.clear();
  }

  void written(const std::optional<HttpAnswer>& metrics, const std::optional<HttpAnswer>& page,
               const std::vector<Visitor>& served) {
    looking.reset();
    for (const Visitor& visitor : served) {
      const auto& text = visitor.wanted == Wanted::metrics ? metrics : page;
      visitor.reply(text ? *text : HttpAnswer{kUnavailable, kNoMemory});
    }
    if (visitors.empty()) return;
    looking = Look{.status = sources.about(), .names = sources.names()};
    look_on();
  }

  asio::any_io_executor executor;
  SiteSources sources;
  std::shared_ptr<spdlog::logger> log;
  MetricsConfig config;
  std::optional<std::string> last_problem;
  asio::steady_timer retry;
  std::vector<Visitor> visitors;
  std::optional<Look> looking;
  HttpDoor door;
  asio::thread_pool writer{1};
};

StatusSite::StatusSite(asio::any_io_executor executor, SiteSources sources,
                       std::shared_ptr<spdlog::logger> log)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(sources), std::move(log))) {}

StatusSite::~StatusSite() {
  impl_->writer.join();
}

void StatusSite::open(const MetricsConfig& config) {
  if (config.host.empty()) return;
  impl_->config = config;
  impl_->open();
}

}  // namespace agent::io
