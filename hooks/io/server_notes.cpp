// See server_notes.hpp.
#include "hooks/io/server_notes.hpp"

#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <utility>

#include "hooks/io/recovery_disk.hpp"

namespace hooks::io {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool flag_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace

std::string format_server_files(const ServerFiles& files) {
  json::object object{{"format", 1},
                      {"executable", files.executable},
                      {"dir", files.dir},
                      {"dbfilename", files.dbfilename},
                      {"appendonly", files.appendonly},
                      {"appenddirname", files.appenddirname},
                      {"appendfilename", files.appendfilename},
                      {"saves", files.saves}};
  if (files.version) {
    object["valkey"] = files.version->kind == ServerVersion::Kind::valkey;
    object["version"] = files.version->version;
  }
  return json::serialize(object) + "\n";
}

std::optional<ServerFiles> parse_server_files(const std::string& text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto& object = value.get_object();
  ServerFiles files;
  files.executable = text_of(object, "executable");
  files.dir = text_of(object, "dir");
  files.dbfilename = text_of(object, "dbfilename");
  files.appendonly = flag_of(object, "appendonly");
  files.appenddirname = text_of(object, "appenddirname");
  files.appendfilename = text_of(object, "appendfilename");
  files.saves = flag_of(object, "saves");
  if (const std::string version = text_of(object, "version"); !version.empty()) {
    const bool valkey = flag_of(object, "valkey");
    files.version = {valkey ? ServerVersion::Kind::valkey : ServerVersion::Kind::redis, version};
  }
  if (!files.dir.starts_with('/') || files.dbfilename.empty()) return std::nullopt;
  return files;
}

struct ServerNotes::Impl : std::enable_shared_from_this<Impl> {
  Impl(boost::asio::any_io_executor with, std::string file, Command asks)
      : disk(std::move(with)), path(std::move(file)), command(std::move(asks)) {}

  void ask_next();
  void take(const health::Reply* reply);
  void end(const std::string& problem);

  boost::asio::any_io_executor disk;
  std::string path;
  Command command;
  std::optional<ServerFiles> files;
  std::vector<std::string> answers;
  std::size_t asked = 0;
  bool asking = false;
  std::function<void(const std::string&)> told;
};

// One parameter at a time: servers before 7.0 take no more in one CONFIG GET.
void ServerNotes::Impl::ask_next() {
  const auto& parameters = server_file_parameters();
  std::vector<std::string> words = {"INFO", "server"};
  if (asked < parameters.size()) words = {"CONFIG", "GET", parameters[asked]};
  command(words, [weak = weak_from_this()](const health::Reply* reply) {
    if (const auto self = weak.lock()) self->take(reply);
  });
}

void ServerNotes::Impl::take(const health::Reply* reply) {
  if (reply == nullptr) return end("");
  if (reply->type == health::Reply::Type::error) {
    return end("where the local server keeps its dataset cannot be asked: " + reply->text);
  }
  if (asked++ < server_file_parameters().size()) {
    for (const auto& element : reply->elements) answers.push_back(element.text);
    return ask_next();
  }
  const ServerFiles found = read_server_files(answers, reply->text);
  const std::string text = format_server_files(found);
  // What cannot be read back is of no use.
  if (!parse_server_files(text)) return end("");
  if (files != found) {
    files = found;
    boost::asio::post(disk, [file = path, text] { replace_text(file, text); });
  }
  end("");
}

void ServerNotes::Impl::end(const std::string& problem) {
  asking = false;
  const auto tell = std::exchange(told, {});
  if (tell) tell(problem);
}

ServerNotes::ServerNotes(boost::asio::any_io_executor disk, std::string path, Command command)
    : impl_(std::make_shared<Impl>(std::move(disk), std::move(path), std::move(command))) {
  if (const auto text = read_text(impl_->path)) impl_->files = parse_server_files(*text);
}

void ServerNotes::refresh(std::function<void(const std::string& problem)> told) {
  if (std::exchange(impl_->asking, true)) return;
  impl_->told = std::move(told);
  impl_->answers.clear();
  impl_->asked = 0;
  impl_->ask_next();
}

const std::optional<ServerFiles>& ServerNotes::files() const {
  return impl_->files;
}

}  // namespace hooks::io
