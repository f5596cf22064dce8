// A notify script that records how it was called: words, environment, and whether the host had the
// virtual address at that moment. The same script serves Tandem and keepalived.
#pragma once

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/lan.hpp"

namespace support {

struct NotifyRecord {
  std::vector<std::string> argv;  // the words after the script's path
  bool vip = false;
  std::map<std::string, std::string> environment;  // TANDEM_* only
};
std::ostream& operator<<(std::ostream& out, const NotifyRecord& record);

class Recorder {
 public:
  // `name`: several recorders may live on one host.
  explicit Recorder(const Host& host, const std::string& name = "notify");

  // Command line: the script, then these words.
  [[nodiscard]] std::string command(const std::string& words) const;
  [[nodiscard]] std::vector<NotifyRecord> records() const;
  // The state words in the order of the calls: "BACKUP MASTER".
  [[nodiscard]] std::string states() const;
  void forget() const;

 private:
  std::filesystem::path script_;
  std::filesystem::path file_;
};

}  // namespace support
