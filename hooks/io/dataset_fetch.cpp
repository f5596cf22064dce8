// The file goes to its target by FetchFile, or into a directory that becomes the AOF's. A command
// writes into a directory of its own, so that it may bring the file as it likes (rsync renames),
// and what it brought is copied while it is verified.
#include "hooks/io/dataset_fetch.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <ctime>
#include <utility>

#include "hooks/io/recovery_disk.hpp"
#include "hooks/io/script_check.hpp"

namespace hooks::io {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr auto kSample = std::chrono::milliseconds(250);
constexpr const char* kBrought = "dump.rdb";

std::string rdb_words(const RdbFacts& facts, const std::string& path, const std::string& kept) {
  std::string words = path;
  words += " holds the leader's dataset now: " + std::to_string(facts.bytes) + " bytes, " +
           facts.header.to_string();
  words += facts.checksummed ? ", checksum good" : ", without checksum";
  if (!kept.empty()) words += "; the old one is " + kept;
  return words;
}

// A directory is used on the disk's thread only, and dies there.
struct Directories {
  std::string old;  // fingerprint
  std::optional<StagingDirectory> aof;
  std::optional<StagingDirectory> brought;
};

}  // namespace

struct DatasetFetch::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::any_io_executor loop_in, asio::any_io_executor disk_in, DatasetRequest wanted,
       Events told)
      : loop(std::move(loop_in)),
        disk(std::move(disk_in)),
        request(std::move(wanted)),
        events(std::move(told)),
        directories(std::make_shared<Directories>()),
        fetch(loop, disk),
        process(loop),
        sampler(loop) {}

  template <typename Work, typename Then>
  void on_disk(Work work, Then then);
  void prepare();
  void bring();
  void fetch_it();
  void run_command();
  void sample();
  void verify();
  void place(const RdbFacts& facts, const std::string& kept);
  void in_place(const RdbFacts& facts, const std::string& kept);
  void end(bool done, const std::string& words, const std::string& copy = {});
  void stop();
  bool to_directory() const { return request.place.kind == DatasetPlace::Kind::aof_directory; }
  std::string target() const {
    return to_directory() ? directories->aof->path() + '/' + request.place.base
                          : request.place.path;
  }
  std::size_t keep() const { return to_directory() ? 0 : request.keep; }

  asio::any_io_executor loop;
  asio::any_io_executor disk;
  DatasetRequest request;
  Events events;
  std::shared_ptr<Directories> directories;
  RdbFetch fetch;
  ProcessRunner process;
  asio::steady_timer sampler;
  TransferRate rate;
  std::string last_line;
  bool over = false;
};

template <typename Work, typename Then>
void DatasetFetch::Impl::on_disk(Work work, Then then) {
  asio::post(disk, [work = std::move(work), then = std::move(then), held = directories,
                    guard = asio::make_work_guard(loop), weak = weak_from_this()]() mutable {
    auto answer = work(*held);
    asio::post(guard.get_executor(), [weak = std::move(weak), then = std::move(then),
                                      answer = std::move(answer)]() mutable {
      const auto self = weak.lock();
      if (self && !self->over) then(*self, std::move(answer));
    });
  });
}

void DatasetFetch::Impl::prepare() {
  std::optional<Identity> identity;
  if (!request.command.empty()) {
    const auto found = process.identity_of(request.command_user, "");
    if (const auto* nobody = std::get_if<NoIdentity>(&found)) {
      return on_disk([](Directories&) { return true; },
                     [why = nobody->why](Impl& self, bool) { self.end(false, why); });
    }
    identity = std::get<Identity>(found);
  }
  on_disk(
      [place = request.place, as = request.as, identity,
       command = request.command](Directories& made) -> std::optional<std::string> {
        made.old = fingerprint(place);
        if (identity) {
          if (auto refused = refuse_command(command.front(), *identity)) return refused->why;
          auto created = StagingDirectory::create_for(identity->uid, place.path, as);
          if (auto* problem = std::get_if<std::string>(&created)) return std::move(*problem);
          made.brought.emplace(std::move(std::get<StagingDirectory>(created)));
        }
        if (place.kind != DatasetPlace::Kind::aof_directory) return std::nullopt;
        auto created = StagingDirectory::create(place.path, as);
        if (auto* problem = std::get_if<std::string>(&created)) return std::move(*problem);
        made.aof.emplace(std::move(std::get<StagingDirectory>(created)));
        return std::nullopt;
      },
      [](Impl& self, std::optional<std::string> problem) {
        if (problem) return self.end(false, *problem);
        const std::string& own = self.request.copy;
        if (!own.empty() && self.directories->old == own) self.request.keep = 0;
        self.bring();
      });
}

void DatasetFetch::Impl::bring() {
  if (request.command.empty()) return fetch_it();
  run_command();
}

void DatasetFetch::Impl::fetch_it() {
  FetchRequest wanted;
  wanted.server = request.leader;
  wanted.conversation.user = request.user;
  wanted.conversation.password = request.password;
  wanted.target = target();
  wanted.keep = keep();
  wanted.loaded_by = request.loaded_by;
  wanted.as = request.as;
  wanted.budget = request.budget;
  fetch.start(std::move(wanted), {[this](const TransferProgress& progress) {
                                    if (events.progress) events.progress(progress);
                                  },
                                  [this](const FetchResult& result) {
                                    if (over) return;
                                    if (const auto* why = std::get_if<std::string>(&result))
                                      return end(false, *why);
                                    const FetchedFile& file = std::get<Fetched>(result).file;
                                    place(std::get<RdbFacts>(file.facts), file.kept);
                                  }});
}

void DatasetFetch::Impl::run_command() {
  HookRun run;
  run.argv = request.command;
  run.user = request.command_user;
  run.timeout = request.budget;
  const std::string port = std::to_string(request.leader.port);
  run.environment = {{"TANDEM_PAIR", request.pair},
                     {"TANDEM_TARGET", directories->brought->path() + '/' + kBrought},
                     {"TANDEM_LEADER", request.leader.to_string()},
                     {"TANDEM_LEADER_HOST", request.leader.host},
                     {"TANDEM_LEADER_PORT", port}};
  process.run(
      run,
      [this](std::string_view line) {
        last_line = std::string(line);
        if (events.output) events.output(last_line);
      },
      [this](const ProcessResult& result) {
        if (over) return;
        sampler.cancel();
        if (result.succeeded()) return verify();
        end(false, request.command.front() + ": " + failure_words(result, last_line));
      });
  sample();
}

void DatasetFetch::Impl::sample() {
  sampler.expires_after(kSample);
  sampler.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->over) return;
    self->on_disk(
        [](Directories& made) { return made.brought->bytes(); },
        [](Impl& looking, std::uint64_t bytes) {
          if (!looking.process.busy()) return;
          if (looking.events.progress) {
            looking.events.progress(looking.rate.sample(Clock::now(), bytes, std::nullopt));
          }
          looking.sample();
        });
  });
}

void DatasetFetch::Impl::verify() {
  const FetchFileRequest wanted{target(), keep(), false, request.loaded_by, request.as};
  on_disk(
      [wanted, now = std::time(nullptr)](Directories& made) {
        auto taken = take_file(*made.brought, kBrought, wanted, now);
        made.brought.reset();
        return taken;
      },
      [](Impl& self, std::variant<FetchedFile, std::string> taken) {
        if (const auto* why = std::get_if<std::string>(&taken)) return self.end(false, *why);
        const FetchedFile& file = std::get<FetchedFile>(taken);
        self.place(std::get<RdbFacts>(file.facts), file.kept);
      });
}

void DatasetFetch::Impl::place(const RdbFacts& facts, const std::string& kept) {
  if (!to_directory()) return in_place(facts, kept);
  on_disk(
      [where = request.place, keep = request.keep, now = std::time(nullptr)](Directories& made) {
        StagingDirectory whole = std::move(*made.aof);
        made.aof.reset();
        return place_aof(std::move(whole), where, now, keep);
      },
      [facts](Impl& self, std::variant<Placed, std::string> placed) {
        if (const auto* why = std::get_if<std::string>(&placed)) return self.end(false, *why);
        self.in_place(facts, std::get<Placed>(placed).kept);
      });
}

void DatasetFetch::Impl::in_place(const RdbFacts& facts, const std::string& kept) {
  on_disk([where = request.place](Directories&) { return fingerprint(where); },
          [words = rdb_words(facts, request.place.path, kept)](
              Impl& self, const std::string& copy) { self.end(true, words, copy); });
}

void DatasetFetch::Impl::end(bool done, const std::string& words, const std::string& copy) {
  const auto finished = std::exchange(events, {}).finished;
  stop();
  if (finished) finished(done, words, copy);
}

// The directories go where they were made, after what is still queued there.
void DatasetFetch::Impl::stop() {
  if (std::exchange(over, true)) return;
  events = {};
  sampler.cancel();
  fetch.cancel();
  if (process.busy()) process.terminate();
  asio::post(disk, [held = directories] {
    held->aof.reset();
    held->brought.reset();
  });
}

DatasetFetch::DatasetFetch(asio::any_io_executor loop, asio::any_io_executor disk)
    : loop_(std::move(loop)), disk_(std::move(disk)) {}

DatasetFetch::~DatasetFetch() {
  cancel();
}

void DatasetFetch::start(DatasetRequest request, Events events) {
  cancel();
  impl_ = std::make_shared<Impl>(loop_, disk_, std::move(request), std::move(events));
  impl_->prepare();
}

void DatasetFetch::cancel() {
  if (impl_) impl_->stop();
}

std::string failure_words(const ProcessResult& result, const std::string& last_line) {
  if (!result.failure.empty()) return result.failure;
  std::string words;
  if (result.timed_out) {
    words = "did not end in time";
  } else if (result.signal != 0) {
    words = "killed by signal " + std::to_string(result.signal);
  } else {
    words = "exit code " + std::to_string(result.exit_code);
  }
  if (!last_line.empty()) words += ", it said: " + last_line;
  return words;
}

}  // namespace hooks::io
