// Work on files in a directory that somebody else may rearrange meanwhile (rename it, put links in
// it): done with no more rights on files than that user has, nothing can be had from it that he did
// not have before. Linux keeps such rights for each thread (setfsuid(2)).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hooks::io {

struct FileUser {
  uid_t uid = 0;
  gid_t gid = 0;
  bool operator==(const FileUser&) const = default;
};

// Who can rearrange what lies at `directory`: the owner of the directories and links on the way to
// it, itself included, that are not root's. Root: nobody but root can. Or the sentence why there is
// no such user: it cannot be looked at, or more than one can. Groups, and directories that all may
// write to, do not count.
std::variant<FileUser, std::string> who_rearranges(const std::string& directory);

// For its lifetime this thread opens, makes, renames and removes files as that user, in his groups
// and in no other. Without root there is nothing to give up, and nothing changes.
class ActingAs {
 public:
  explicit ActingAs(const std::optional<FileUser>& user);
  ~ActingAs();
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;
  ActingAs(ActingAs&&) = delete;
  ActingAs& operator=(ActingAs&&) = delete;

  // A clause when the rights could not be given up (CAP_SETUID, CAP_SETGID): do nothing then.
  const std::optional<std::string>& problem() const { return problem_; }

 private:
  void keep_dumpable() const;

  bool active_ = false;
  FileUser before_;
  int dumpable_ = 0;
  std::vector<gid_t> groups_;
  std::optional<std::string> problem_;
};

}  // namespace hooks::io
