// Reads the files of the configuration: the text of the configuration itself and the secrets it
// names, with the permissions that secrets need. No message holds a part of a content.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "agent/io/config_values.hpp"

namespace agent::io {

struct FileText {
  std::string text;
  mode_t mode = 0;  // permission bits
};

// A regular file of at most `max_bytes`. The sentence says what the path is instead.
Parsed<FileText> read_file(const std::string& path, std::size_t max_bytes);

// The text of a file that nobody else may read: mode without bits for group and others. `what`
// names the content in the sentence: "the password".
Parsed<std::string> read_secret_file(const std::string& path, std::size_t max_bytes,
                                     std::string_view what);

// The password in `path`: one line, mode without bits for group and others.
Parsed<std::string> read_password(const std::string& path);

// The sentence for a configuration file with a secret in it that group or others can read; nullopt
// when they cannot, or when there is no such file.
std::optional<std::string> refuse_shared_file(const std::string& path);

}  // namespace agent::io
