// See dataset_look.hpp.
#include "hooks/io/dataset_look.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <system_error>
#include <utility>

#include "hooks/io/process_runner.hpp"
#include "hooks/io/recovery_disk.hpp"
#include "hooks/io/script_check.hpp"

namespace hooks::io {
namespace {

namespace asio = boost::asio;

constexpr auto kPatience = std::chrono::seconds(5);
constexpr const char* kUsualServer = "redis-server";
constexpr const char* kNobody = "nobody";

// As choose_place(), where the links on the way have been followed.
std::variant<LookedAt, std::string> place_of(DatasetLook::Request request,
                                             const ServerVersion& version) {
  auto& said = request.said;
  if (said && (said->appendonly || request.rdb_file.empty())) {
    std::error_code none;
    const auto real = std::filesystem::canonical(said->dir, none);
    if (none) return said->dir + ", where the local server had its dataset: " + none.message();
    said->dir = real;
    const auto state_dir = std::filesystem::canonical(request.state_dir, none);
    if (none) return request.state_dir + ": " + none.message();
    if (auto refused = refuse_said(*said, state_dir)) return *std::move(refused);
  }
  const auto files = request.rdb_file.empty() ? FilesOnDisk{} : look_beside(request.rdb_file);
  auto chosen = choose_place(said, request.rdb_file, files, version);
  if (auto* problem = std::get_if<std::string>(&chosen)) return std::move(*problem);
  auto& place = std::get<DatasetPlace>(chosen);
  auto owner = who_rearranges(directory_of(place.path));
  if (auto* refused = std::get_if<std::string>(&owner)) return std::move(*refused);
  const FileUser& user = std::get<FileUser>(owner);
  return LookedAt{std::move(place), version, user.uid == 0 ? std::nullopt : std::optional(user)};
}

}  // namespace

struct DatasetLook::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::any_io_executor with, asio::any_io_executor disk_in)
      : loop(std::move(with)), disk(std::move(disk_in)), process(loop) {}

  void ask_version();
  void choose();
  void end(const std::variant<LookedAt, std::string>& result);

  asio::any_io_executor loop;
  asio::any_io_executor disk;
  ProcessRunner process;
  DatasetLook::Request request;
  std::optional<ServerVersion> version;
  Done done;
};

// The program that will be started counts; what it was when it last ran is the second best. What a
// server calls its program need not be one: it gets nobody's rights.
void DatasetLook::Impl::ask_version() {
  const auto& said = request.said;
  const bool named = said && !said->executable.empty();
  HookRun run;
  run.argv = {named ? said->executable : kUsualServer, "--version"};
  run.user = named ? kNobody : request.user;
  run.timeout = kPatience;
  if (refuse_command(run.argv.front(), process.identity_of(run.user, ""))) return choose();
  process.run(
      run,
      [this](std::string_view line) {
        if (!version) version = parse_version_line(line);
      },
      [this](const ProcessResult&) { choose(); });
}

void DatasetLook::Impl::choose() {
  if (!version && request.said) version = request.said->version;
  asio::post(disk, [self = shared_from_this(), guard = asio::make_work_guard(loop)] {
    std::variant<LookedAt, std::string> result =
        "the version of the local server is not known, and so not whether it can load the "
        "leader's dataset: it was never up while this agent looked, and redis-server --version "
        "says nothing; write recovery = \"resync\", or start the server once";
    if (self->version) {
      result = place_of(self->request, *self->version);
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

void DatasetLook::start(Request request, Done done) {
  cancel();
  impl_ = std::make_shared<Impl>(loop_, disk_);
  impl_->request = std::move(request);
  impl_->done = std::move(done);
  impl_->ask_version();
}

void DatasetLook::cancel() {
  if (impl_) impl_->done = {};
}

}  // namespace hooks::io
