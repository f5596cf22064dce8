// See fetch_file.hpp.
#include "hooks/io/fetch_file.hpp"

#include <utility>

namespace hooks::io {
namespace {

std::string not_kept(const std::string& why) {
  return "what the server sent is not kept: " + why;
}

}  // namespace

FetchFile::FetchFile(FetchFileRequest request) : request_(std::move(request)) {}

FetchFile::~FetchFile() {
  const ActingAs user(request_.as);
  if (user.problem() && file_) file_->leave();
  file_.reset();
}

const std::optional<std::string>& FetchFile::fail(std::optional<std::string> problem) {
  if (!problem_) problem_ = std::move(problem);
  return problem_;
}

std::optional<std::string> FetchFile::open() {
  remove_leftovers(directory_of(request_.target));
  const ActingAs user(request_.as);
  if (user.problem()) return fail(user.problem());
  auto created = TempFile::create(request_.target);
  if (auto* problem = std::get_if<std::string>(&created)) return fail(std::move(*problem));
  file_.emplace(std::move(std::get<TempFile>(created)));
  return std::nullopt;
}

std::optional<std::string> FetchFile::expect(std::uint64_t bytes) {
  return problem_ ? problem_ : fail(file_->check_space(bytes));
}

std::optional<std::string> FetchFile::append(std::string_view bytes) {
  if (problem_) return problem_;
  if (const auto problem = check(bytes)) return fail(not_kept(*problem));
  return fail(file_->write(bytes));
}

std::optional<std::string> FetchFile::check(std::string_view bytes) {
  if (request_.commands) {
    stream_.feed(bytes);
    return stream_.problem();
  }
  rdb_.feed(bytes);
  if (rdb_.problem()) return rdb_.problem();
  if (judged_ || !rdb_.header()) return std::nullopt;
  judged_ = true;
  if (!request_.loaded_by) return std::nullopt;
  return refuse_to_load(*rdb_.header(), *request_.loaded_by);
}

std::variant<std::variant<RdbFacts, StreamFacts>, std::string> FetchFile::verdict() const {
  using Facts = std::variant<RdbFacts, StreamFacts>;
  if (request_.commands) {
    auto stream = stream_.finish();
    if (auto* problem = std::get_if<std::string>(&stream)) return std::move(*problem);
    return Facts(std::get<StreamFacts>(stream));
  }
  auto rdb = rdb_.finish();
  if (auto* problem = std::get_if<std::string>(&rdb)) return std::move(*problem);
  return Facts(std::get<RdbFacts>(rdb));
}

std::variant<FetchedFile, std::string> FetchFile::finish(std::int64_t now) {
  if (problem_) return *problem_;
  auto judged = verdict();
  if (const auto* problem = std::get_if<std::string>(&judged)) return not_kept(*problem);
  // The long part of the sync, while cancel() still counts; place() syncs again, at once.
  if (auto problem = file_->sync()) return std::move(*problem);
  if (cancelled_) return "cancelled";
  const ActingAs user(request_.as);
  if (user.problem()) return *user.problem();
  TempFile whole = std::move(*file_);
  file_.reset();
  auto placed =
      place(std::move(whole), {request_.target, now, request_.keep, request_.as.has_value()});
  if (auto* problem = std::get_if<std::string>(&placed)) return std::move(*problem);
  return FetchedFile{request_.target, std::get<Placed>(placed).kept,
                     std::get<0>(std::move(judged))};
}

}  // namespace hooks::io
