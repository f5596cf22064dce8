// feedReplicationBuffer of Redis writes "*<count>\r\n" and "$<length>\r\n<bytes>\r\n" and nothing
// else; a lone line end between commands is a keep-alive and passes.
#include "hooks/command_stream.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace hooks {
namespace {

constexpr std::size_t kLongestLine = 32;
constexpr std::size_t kLongestName = 16;

std::optional<std::uint64_t> parse_count(std::string_view line, char kind) {
  if (line.empty() || line.front() != kind) return std::nullopt;
  line.remove_prefix(1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (line.empty() || error != std::errc() || end != line.data() + line.size()) return std::nullopt;
  return value;
}

}  // namespace

void CommandStream::feed(std::string_view bytes) {
  if (problem_) return;
  checksum_.feed(bytes);
  facts_.bytes += bytes.size();
  while (!bytes.empty() && !problem_) {
    if (awaited_ == Awaited::argument) {
      take_argument(bytes);
    } else {
      take_line(bytes);
    }
  }
}

void CommandStream::take_line(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  const std::size_t taken = std::min(end, bytes.size());
  line_ += bytes.substr(0, std::min(taken, kLongestLine + 1));
  if (line_.size() > kLongestLine) return fail();
  bytes.remove_prefix(std::min(taken + 1, bytes.size()));
  if (end != std::string_view::npos) end_of_line();
}

void CommandStream::end_of_line() {
  if (line_.ends_with('\r')) line_.pop_back();
  const std::string line = line_;
  line_.clear();
  if (awaited_ == Awaited::line_end) {
    if (!line.empty()) return fail();
    return end_of_argument();
  }
  if (awaited_ == Awaited::array) {
    if (line.empty()) return;
    const auto count = parse_count(line, '*');
    if (!count || *count == 0) return fail();
    arguments_left_ = *count;
    naming_ = true;
    name_.clear();
    awaited_ = Awaited::length;
    return;
  }
  const auto length = parse_count(line, '$');
  if (!length) return fail();
  bytes_left_ = *length;
  awaited_ = *length == 0 ? Awaited::line_end : Awaited::argument;
}

void CommandStream::take_argument(std::string_view& bytes) {
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(bytes_left_, bytes.size()));
  if (naming_ && name_.size() < kLongestName) {
    name_ += bytes.substr(0, std::min(taken, kLongestName - name_.size()));
  }
  bytes.remove_prefix(taken);
  bytes_left_ -= taken;
  if (bytes_left_ == 0) awaited_ = Awaited::line_end;
}

void CommandStream::end_of_argument() {
  if (naming_) {
    std::transform(name_.begin(), name_.end(), name_.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  }
  naming_ = false;
  if (--arguments_left_ > 0) {
    awaited_ = Awaited::length;
    return;
  }
  awaited_ = Awaited::array;
  if (entries_ == 0) facts_.selects = name_ == "SELECT";
  ++entries_;
  if (name_ != "PING" && name_ != "SELECT" && name_ != "REPLCONF") ++facts_.commands;
}

void CommandStream::fail() {
  problem_ = "it is no stream of commands, as seen within its first " +
             std::to_string(facts_.bytes) + " bytes";
}

std::variant<StreamFacts, std::string> CommandStream::finish() const {
  if (problem_) return *problem_;
  if (awaited_ != Awaited::array || !line_.empty()) {
    return "it is cut off after " + std::to_string(facts_.bytes) + " bytes, within a command";
  }
  StreamFacts facts = facts_;
  facts.checksum = checksum_.value();
  return facts;
}

}  // namespace hooks
