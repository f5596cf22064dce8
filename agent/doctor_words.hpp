// What the judgements of `tandem doctor` share: sentences and commands. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/doctor.hpp"

namespace agent::doctor {

// Collects the findings about one thing.
class Notes {
 public:
  explicit Notes(std::string about) : about_(std::move(about)) {}
  void add(Level level, std::string what, std::vector<std::string> mend = {}) {
    findings_.push_back({level, about_, std::move(what), std::move(mend)});
  }
  void ok(std::string what) { add(Level::ok, std::move(what)); }
  Findings take() { return std::move(findings_); }

 private:
  std::string about_;
  Findings findings_;
};

// A setting of a kernel, now and after the next boot.
std::vector<std::string> set_sysctl(const std::string& name, const std::string& value);
// A setting of a server, now and in its file.
std::vector<std::string> set_directive(const ServerSeen& server, const std::string& name,
                                       const std::string& value);
// The value of a setting; empty: not known.
std::string setting(const ServerSeen& server, const std::string& name);
// "64 MB", "1.5 GB"
std::string size_words(std::uint64_t bytes);

}  // namespace agent::doctor
