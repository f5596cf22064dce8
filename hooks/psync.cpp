// replication.c of Redis: syncWithMaster and readSyncBulkPayload are the other client's side,
// syncCommand, replconfCommand and masterTryPartialResynchronization the server's.
#include "hooks/psync.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "hooks/dialogue.hpp"

namespace hooks {
namespace {

constexpr std::size_t kLongestLine = 4096;
constexpr std::size_t kMarkBytes = 40;
constexpr std::size_t kReplidBytes = 40;
constexpr std::string_view kMarkPrefix = "$EOF:";

std::string command(const std::vector<std::string>& words) {
  std::string bytes = '*' + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    bytes += '$' + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  return bytes;
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

bool is_replid(std::string_view text) {
  return text.size() == kReplidBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

std::string quote_line(const std::string& line) {
  return quote(health::Reply::bulk(line));
}

}  // namespace

Psync::Psync(PsyncRequest request) : request_(std::move(request)) {}

std::string Psync::begin() {
  return after_introduction(request_.password.empty() ? Awaited::ping : Awaited::auth);
}

std::string Psync::after_introduction(Awaited next) {
  awaited_ = next;
  if (next == Awaited::psync) state_ = State::asking;
  return command_for(next);
}

std::string Psync::command_for(Awaited awaited) {
  switch (awaited) {
    case Awaited::auth:
      if (request_.user.empty()) return command({"AUTH", request_.password});
      return command({"AUTH", request_.user, request_.password});
    case Awaited::ping: return command({"PING"});
    // Port 0: nobody shall take this client for a replica that could be promoted.
    case Awaited::capabilities:
      return command({"REPLCONF", "listening-port", "0", "capa", "eof", "capa", "psync2"});
    case Awaited::rdb_only: return command({"REPLCONF", "rdb-only", "1"});
    case Awaited::psync:
      if (!request_.range) return command({"PSYNC", "?", "-1"});
      return command({"PSYNC", request_.range->replid, std::to_string(request_.range->first)});
    case Awaited::header: break;
  }
  return {};
}

Psync::Step Psync::feed(std::string_view bytes) {
  Step step;
  while (!bytes.empty() &&
         (state_ == State::introducing || state_ == State::asking || state_ == State::preparing)) {
    const auto line = take_line(bytes);
    if (!line) break;
    step.send += hear(*line);
  }
  if (state_ == State::transferring && !bytes.empty()) {
    step.payload = mark_.empty() ? take_counted(bytes) : take_marked(bytes);
    received_ += step.payload.size();
    if (mark_.empty() && received_ == total_) state_ = State::done;
  }
  return step;
}

// The next line that is not empty; the server sends empty ones to say that it is still at work.
std::optional<std::string> Psync::take_line(std::string_view& bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    line_ += bytes.substr(0, std::min(end, kLongestLine + 1));
    if (line_.size() > kLongestLine) {
      fail("the server sent a line of more than " + std::to_string(kLongestLine) +
           " bytes; this is no Redis");
      return std::nullopt;
    }
    if (end == std::string_view::npos) {
      bytes = {};
      break;
    }
    bytes.remove_prefix(end + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    if (!line_.empty()) return std::exchange(line_, {});
  }
  return std::nullopt;
}

// Answers with what to send next.
std::string Psync::hear(const std::string& line) {
  switch (awaited_) {
    case Awaited::auth:
      if (line.front() != '+') break;
      return after_introduction(Awaited::ping);
    case Awaited::ping:
      if (line.front() != '+') break;
      return after_introduction(Awaited::capabilities);
    case Awaited::capabilities:
      if (line.front() != '+') break;
      return after_introduction(request_.range ? Awaited::psync : Awaited::rdb_only);
    case Awaited::rdb_only:
      // Servers before 6.2 do not know it: they go on with the command stream, which is not read.
      if (line.front() != '+' && line.front() != '-') break;
      return after_introduction(Awaited::psync);
    case Awaited::psync: hear_grant(line); return {};
    case Awaited::header: hear_header(line); return {};
  }
  refuse(line);
  return {};
}

void Psync::hear_grant(const std::string& line) {
  if (line.starts_with("+FULLRESYNC")) return hear_full(line);
  if (!line.starts_with("+CONTINUE")) return refuse(line);
  if (!request_.range) {
    return fail("the server goes on with a stream that was not asked for: " + quote_line(line));
  }
  // Servers before PSYNC2 name no replid.
  constexpr std::size_t kWord = std::string_view("+CONTINUE ").size();
  replid_ = request_.range->replid;
  if (line.size() > kWord) replid_ = line.substr(kWord);
  if (!is_replid(replid_)) return fail("the server named no replid: " + quote_line(line));
  offset_ = request_.range->first;
  total_ = static_cast<std::uint64_t>(request_.range->bytes());
  state_ = *total_ == 0 ? State::done : State::transferring;
}

void Psync::hear_full(const std::string& line) {
  if (request_.range) {
    return fail("the server no longer has its commands from offset " +
                std::to_string(request_.range->first) + " on, or not under this replid");
  }
  const std::size_t id = std::min(line.find(' '), line.size() - 1) + 1;
  const std::size_t gap = std::min(line.find(' ', id), line.size());
  const auto offset =
      parse_number<std::int64_t>(std::string_view(line).substr(std::min(gap + 1, line.size())));
  replid_ = line.substr(id, gap - id);
  if (!is_replid(replid_) || !offset) {
    return fail("the server's answer to PSYNC is not understood: " + quote_line(line));
  }
  offset_ = *offset;
  awaited_ = Awaited::header;
  state_ = State::preparing;
}

void Psync::hear_header(const std::string& line) {
  if (line.front() == '-') return refuse(line);
  if (line.starts_with(kMarkPrefix) && line.size() == kMarkPrefix.size() + kMarkBytes) {
    mark_ = line.substr(kMarkPrefix.size());
    state_ = State::transferring;
    return;
  }
  const auto length = line.front() == '$'
                          ? parse_number<std::uint64_t>(std::string_view(line).substr(1))
                          : std::nullopt;
  if (!length) return fail("no RDB follows, but " + quote_line(line));
  total_ = length;
  state_ = *length == 0 ? State::done : State::transferring;
}

void Psync::refuse(const std::string& line) {
  if (line.front() != '-') return fail("the server does not speak as Redis: " + quote_line(line));
  const health::Reply reply = health::Reply::error(line.substr(1));
  const std::string_view code = reply.error_code();
  const std::string right = awaited_ == Awaited::ping    ? "PING"
                            : awaited_ == Awaited::auth  ? "AUTH"
                            : awaited_ == Awaited::psync ? "PSYNC"
                                                         : "REPLCONF";
  if (code == "NOAUTH") return fail("the server requires a password, and none was given");
  if (code == "WRONGPASS" || (awaited_ == Awaited::auth && code == "ERR")) {
    return fail("the server does not accept the password: " + quote(reply));
  }
  if (code == "NOPERM") {
    return fail("the user may not run " + right +
                "; the rights it needs are +ping +replconf +psync");
  }
  if (code == "NOMASTERLINK") {
    return fail(
        "the server is a replica whose own link to its master is down, so it gives nothing");
  }
  if (code == "LOADING") return fail("the server is still loading its dataset");
  if (code == "MASTERDOWN") return fail("the server is a replica whose link to its master is down");
  if (code == "MISCONF") {
    return fail("the server cannot save to its disk and therefore refuses: " + quote(reply));
  }
  fail("the server refuses " + right + ": " + quote(reply));
}

void Psync::fail(std::string problem) {
  state_ = State::failed;
  problem_ = std::move(problem);
}

std::string_view Psync::take_counted(std::string_view bytes) {
  const std::uint64_t missing = *total_ - received_;
  return bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(missing, bytes.size())));
}

// Up to the mark; without one, all but the bytes at the end that the mark may begin with.
std::string_view Psync::take_marked(std::string_view bytes) {
  window_ = held_;
  window_ += bytes;
  const std::size_t mark = window_.find(mark_);
  std::size_t payload = mark;
  if (mark != std::string::npos) {
    state_ = State::done;
    held_.clear();
  } else {
    payload = window_.size() - std::min(window_.size(), kMarkBytes - 1);
    held_ = window_.substr(payload);
  }
  return std::string_view(window_).substr(0, payload);
}

void Psync::closed() {
  if (state_ == State::done || state_ == State::failed) return;
  const std::string of = total_ ? " of " + std::to_string(*total_) : "";
  switch (state_) {
    case State::introducing: return fail("the server closed the connection before it was asked");
    case State::asking: return fail("the server closed the connection instead of answering PSYNC");
    case State::preparing:
      return fail("the server closed the connection before the RDB began; its log says why");
    default:
      return fail("the server closed the connection after " +
                  std::to_string(received_ + held_.size()) + of + " bytes");
  }
}

}  // namespace hooks
