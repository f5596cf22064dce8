// Who a child runs as: a user and group of this host as numbers. It changes nobody's identity.
#pragma once

#include <sys/types.h>

#include <string>
#include <variant>
#include <vector>

namespace hooks::io {

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // the user's groups as initgroups() would set them, with `gid`
};

struct NoIdentity {
  std::string why;  // one sentence
  int error = 0;    // errno of the look-up, when there was one
};

using FoundIdentity = std::variant<Identity, NoIdentity>;

// An empty `group` is the user's own. May ask a directory service (NSS), so callers keep the
// answer.
FoundIdentity find_identity(const std::string& user, const std::string& group);

}  // namespace hooks::io
