// A certificate authority of a test's own, with the certificates that it signs, as PEM files.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace support {

struct Issued {
  std::filesystem::path cert;
  std::filesystem::path key;  // mode 0600
};

class Authority {
 public:
  struct Wanted {
    std::string name;                // of the files and of the subject
    std::vector<std::string> names;  // that it is for: DNS names and addresses
    int from_days = -1;              // of its validity, from now
    int to_days = 30;
  };

  // Writes NAME.crt into `dir`, where all that is issued goes, too.
  explicit Authority(std::filesystem::path dir, const std::string& name = "ca");
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  [[nodiscard]] std::filesystem::path certificate() const { return certificate_; }
  Issued issue(const Wanted& wanted) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::filesystem::path dir_;
  std::filesystem::path certificate_;
};

}  // namespace support
