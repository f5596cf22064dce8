// A directory under /tmp that any user may enter, for scripts that tests write and run.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace hooks::testing {

class ScriptDirectory {
 public:
  ScriptDirectory() {
    std::string name = "/tmp/tandem-hooks-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
    chmod(path_.c_str(), 0755);
    make_directory("out", 01777);
  }
  ~ScriptDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScriptDirectory(const ScriptDirectory&) = delete;
  ScriptDirectory& operator=(const ScriptDirectory&) = delete;

  std::string path(const std::string& name) const { return path_ + "/" + name; }
  std::string out(const std::string& name) const { return path_ + "/out/" + name; }

  // A file with exactly this content and mode; its path.
  std::string write(const std::string& name, const std::string& content, mode_t mode = 0755) const {
    std::ofstream(path(name), std::ios::binary) << content;
    chmod(path(name).c_str(), mode);
    return path(name);
  }
  std::string script(const std::string& name, const std::string& body) const {
    return write(name, "#!/bin/sh\n" + body + "\n");
  }
  std::string make_directory(const std::string& name, mode_t mode) const {
    mkdir(path(name).c_str(), 0700);
    chmod(path(name).c_str(), mode);
    return path(name);
  }
  std::string read(const std::string& name) const {
    std::ostringstream content;
    content << std::ifstream(path(name), std::ios::binary).rdbuf();
    return content.str();
  }

 private:
  std::string path_;
};

}  // namespace hooks::testing
