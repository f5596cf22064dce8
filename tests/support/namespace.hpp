// Network namespaces: their names, entering them with one thread, and removing them with all that
// runs inside. Knows nothing of topology.
#pragma once

#include <string>
#include <vector>

namespace support {

// A file descriptor of the named namespace (close-on-exec); throws when there is none.
int open_namespace(const std::string& name);

// Puts the calling thread into a namespace; sockets made meanwhile stay there.
class InNamespace {
 public:
  explicit InNamespace(const std::string& name);
  ~InNamespace();
  InNamespace(const InNamespace&) = delete;
  InNamespace& operator=(const InNamespace&) = delete;

 private:
  int home_ = -1;
};

// A prefix for the namespaces of one topology: "tdm<pid>-<n>-", unique in this machine.
std::string next_namespace_prefix();

void add_namespace(const std::string& name);
void kill_processes_in(const std::string& name);
void delete_namespaces(const std::vector<std::string>& names);

// Removes namespaces and directories of test programs that no longer run.
void remove_leftovers();

// Throws one sentence when the tests cannot run here: not root, or a program is missing.
void require_root_and_tools();

}  // namespace support
