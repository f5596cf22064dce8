// See events_command.hpp.
#include "agent/io/events_command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <functional>
#include <iostream>
#include <system_error>

#include "agent/io/event_journal.hpp"
#include "hooks/io/unique_fd.hpp"

namespace agent::io {
namespace {

constexpr int kRefused = 1;
constexpr int kBetweenLooksMs = 200;
constexpr std::size_t kChunk = 65536;

int fail(const std::string& sentence) {
  std::cerr << "tandem: " << sentence << "\n";
  return kRefused;
}

// Whole lines of one file, from where it was left.
class Lines {
 public:
  explicit Lines(std::string path) : path_(std::move(path)) {}

  // False: there is no such file. A sentence in problem() when it cannot be read.
  bool open() {
    file_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file_ && errno != ENOENT) {
      problem_ = path_ + " cannot be read: " + std::generic_category().message(errno);
      if (errno == EACCES) problem_ += "; run as root or as a member of group tandem";
    }
    return static_cast<bool>(file_);
  }
  const std::string& problem() const { return problem_; }

  void read(const std::function<void(const std::string&)>& take) {
    std::array<char, kChunk> buffer{};
    ssize_t got = 0;
    while ((got = ::read(file_.get(), buffer.data(), buffer.size())) > 0) {
      rest_.append(buffer.data(), static_cast<std::size_t>(got));
      std::size_t begin = 0;
      for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
        take(rest_.substr(begin, end - begin));
        begin = end + 1;
      }
      rest_.erase(0, begin);
    }
  }

  // The journal has begun a new file under this name.
  bool replaced() const {
    struct stat here {};
    struct stat now {};
    if (::fstat(file_.get(), &here) != 0 || ::stat(path_.c_str(), &now) != 0) return false;
    return here.st_ino != now.st_ino;
  }

 private:
  std::string path_;
  hooks::io::UniqueFd file_;
  std::string rest_;
  std::string problem_;
};

bool wanted(const Event& event, const EventsOptions& options,
            std::chrono::system_clock::time_point oldest) {
  if (!options.pair.empty() && event.pair != options.pair) return false;
  if (options.warnings && event.severity == Severity::info) return false;
  if (event.when < oldest) return false;
  const auto& kinds = options.kinds;
  return kinds.empty() ||
         std::find(kinds.begin(), kinds.end(), to_string(event.kind)) != kinds.end();
}

class Shown {
 public:
  explicit Shown(const EventsOptions& options) : options_(options) {
    if (options.since.count() > 0) oldest_ = std::chrono::system_clock::now() - options.since;
  }

  std::optional<Event> take(const std::string& line) const {
    auto event = parse_event(line);
    if (event && !wanted(*event, options_, oldest_)) event.reset();
    return event;
  }
  void print(const Event& event) const {
    std::cout << (options_.as_json ? format_event(event) + "\n"
                                   : event_text(event, options_.screen));
  }

 private:
  const EventsOptions& options_;
  std::chrono::system_clock::time_point oldest_;
};

void follow(Lines& lines, const Shown& shown) {
  while (std::cout.flush()) {
    ::poll(nullptr, 0, kBetweenLooksMs);
    const bool replaced = lines.replaced();
    lines.read([&](const std::string& line) {
      if (const auto event = shown.take(line)) shown.print(*event);
    });
    if (replaced) lines.open();
  }
}

}  // namespace

int show_events(const EventsOptions& options) {
  for (const std::string& kind : options.kinds) {
    if (event_kind(kind)) continue;
    return fail("no kind of event: " + kind +
                "; there are transition, alarm, server, address, adverts, hook, recovery, request "
                "and note");
  }
  const EventFiles files(options.state_dir);
  const Shown shown(options);
  std::deque<Event> kept;
  const auto keep = [&](const std::string& line) {
    auto event = shown.take(line);
    if (!event) return;
    kept.push_back(std::move(*event));
    if (options.last > 0 && kept.size() > options.last) kept.pop_front();
  };
  Lines older(files.older);
  if (older.open()) older.read(keep);
  Lines current(files.current);
  const bool there = current.open();
  if (there) current.read(keep);
  for (const Lines* lines : {&older, &current}) {
    if (!lines->problem().empty()) return fail(lines->problem());
  }
  if (!there && kept.empty()) {
    return fail(files.current + " does not exist: no agent has kept events in this state_dir yet");
  }
  for (const Event& event : kept) shown.print(event);
  if (kept.empty() && !options.as_json && !options.follow) std::cout << "no such event\n";
  if (options.follow && there) follow(current, shown);
  return 0;
}

}  // namespace agent::io
