// See dataset_look.hpp.
#include "hooks/io/dataset_look.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "hooks/io/process_runner.hpp"
#include "hooks/io/recovery_disk.hpp"
#include "hooks/io/script_check.hpp"

namespace hooks::io {
namespace {

namespace asio = boost::asio;

constexpr auto kPatience = std::chrono::seconds(5);
constexpr const char* kUsualServer = "redis-server";

}  // namespace

struct DatasetLook::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::any_io_executor with, asio::any_io_executor disk_in)
      : loop(std::move(with)), disk(std::move(disk_in)), process(loop) {}

  void ask_version(const std::string& user);
  void choose();
  void end(const std::variant<LookedAt, std::string>& result);

  asio::any_io_executor loop;
  asio::any_io_executor disk;
  ProcessRunner process;
  std::optional<ServerFiles> said;
  std::string rdb_file;
  std::optional<ServerVersion> version;
  Done done;
};

// The program that will be started counts; what it was when it last ran is the second best.
void DatasetLook::Impl::ask_version(const std::string& user) {
  HookRun run;
  run.argv = {said && !said->executable.empty() ? said->executable : kUsualServer, "--version"};
  run.user = user;
  run.timeout = kPatience;
  const auto identity = process.identity_of(run.user, "");
  const bool runnable = std::holds_alternative<Identity>(identity) &&
                        !refuse_command(run.argv.front(), std::get<Identity>(identity));
  if (!runnable) return choose();
  process.run(
      run,
      [this](std::string_view line) {
        if (!version) version = parse_version_line(line);
      },
      [this](const ProcessResult&) { choose(); });
}

void DatasetLook::Impl::choose() {
  if (!version && said) version = said->version;
  asio::post(disk, [self = shared_from_this(), guard = asio::make_work_guard(loop)] {
    std::variant<LookedAt, std::string> result =
        "the version of the local server is not known, and so not whether it can load the "
        "leader's dataset: it was never up while this agent looked, and redis-server --version "
        "says nothing; write recovery = \"resync\", or start the server once";
    if (self->version) {
      const auto files = self->rdb_file.empty() ? FilesOnDisk{} : look_beside(self->rdb_file);
      auto place = choose_place(self->said, self->rdb_file, files, *self->version);
      if (auto* problem = std::get_if<std::string>(&place)) {
        result = std::move(*problem);
      } else {
        result = LookedAt{std::get<DatasetPlace>(std::move(place)), *self->version};
      }
    }
    asio::post(guard.get_executor(), [self, result] { self->end(result); });
  });
}

void DatasetLook::Impl::end(const std::variant<LookedAt, std::string>& result) {
  const auto tell = std::exchange(done, {});
  if (tell) tell(result);
}

DatasetLook::DatasetLook(asio::any_io_executor loop, asio::any_io_executor disk)
    : loop_(std::move(loop)), disk_(std::move(disk)) {}

DatasetLook::~DatasetLook() {
  cancel();
}

void DatasetLook::start(std::optional<ServerFiles> said, std::string rdb_file,
                        const std::string& user, Done done) {
  cancel();
  impl_ = std::make_shared<Impl>(loop_, disk_);
  impl_->said = std::move(said);
  impl_->rdb_file = std::move(rdb_file);
  impl_->done = std::move(done);
  impl_->ask_version(user);
}

void DatasetLook::cancel() {
  if (impl_) impl_->done = {};
}

}  // namespace hooks::io
