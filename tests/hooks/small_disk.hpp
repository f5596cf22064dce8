// A disk of its own, in a namespace of mounts that only this program sees.
#pragma once

#include <sched.h>
#include <sys/mount.h>

#include <string>

namespace hooks::testing {

class SmallDisk {
 public:
  explicit SmallDisk(const std::string& directory, const char* size) : directory_(directory) {
    mounted_ = unshare(CLONE_NEWNS) == 0 &&
               mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               mount("none", directory.c_str(), "tmpfs", 0, size) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(directory_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }

 private:
  std::string directory_;
  bool mounted_ = false;
};

}  // namespace hooks::testing
