// See recorder.hpp. One record is one line, written at once, fields separated by the unit
// separator.
#include "tests/support/recorder.hpp"

#include <sstream>

namespace support {
namespace {

constexpr char kSeparator = '\x1f';

// Only what POSIX sh has; ends with 0 so that the agent has nothing to complain about.
std::string script_text(const std::filesystem::path& file) {
  std::ostringstream text;
  text << "#!/bin/sh\n"
       << "s=$(printf '\\037')\n"
       << "vip=absent\n"
       << "ip -o -4 address show | grep -q ' " << kVip << "/' && vip=present\n"
       << "line=$vip\n"
       << "for word in \"$@\"; do line=\"$line${s}argv=$word\"; done\n"
       << "line=$line$(env | grep '^TANDEM_' | while read -r one; do printf '%senv=%s' \"$s\" "
       << "\"$one\"; done)\n"
       << "printf '%s\\n' \"$line\" >> " << file.string() << "\n";
  return text.str();
}

NotifyRecord parse(const std::string& line) {
  NotifyRecord record;
  std::istringstream fields(line);
  std::string field;
  std::getline(fields, field, kSeparator);
  record.vip = field == "present";
  while (std::getline(fields, field, kSeparator)) {
    if (field.starts_with("argv=")) {
      record.argv.push_back(field.substr(5));
      continue;
    }
    const auto equals = field.find('=', 4);
    record.environment[field.substr(4, equals - 4)] = field.substr(equals + 1);
  }
  return record;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const NotifyRecord& record) {
  for (const auto& word : record.argv) out << "'" << word << "' ";
  return out << (record.vip ? "with VIP" : "without VIP");
}

Recorder::Recorder(const Host& host, const std::string& name)
    : script_(host.dir / (name + ".sh")), file_(host.dir / (name + ".records")) {
  write_file(script_, script_text(file_), std::filesystem::perms(0755));
  write_file(file_, "", std::filesystem::perms(0666));  // the script may run as another user
}

std::string Recorder::command(const std::string& words) const {
  return script_.string() + (words.empty() ? "" : " " + words);
}

std::vector<NotifyRecord> Recorder::records() const {
  std::vector<NotifyRecord> records;
  std::istringstream lines(read_file(file_));
  for (std::string line; std::getline(lines, line);) records.push_back(parse(line));
  return records;
}

std::string Recorder::states() const {
  std::string states;
  for (const auto& record : records()) {
    for (const auto& word : record.argv) {
      const bool is_state =
          word == "MASTER" || word == "BACKUP" || word == "FAULT" || word == "STOP";
      if (is_state) states += (states.empty() ? "" : " ") + word;
    }
  }
  return states;
}

void Recorder::forget() const {
  write_file(file_, "", std::filesystem::perms(0666));
}

}  // namespace support
