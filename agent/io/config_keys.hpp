// The key file of authenticated adverts: one key a line, its id and its secret in hexadecimal
// digits. The first signs, all verify (vrrp/authentication.hpp). No message holds a part of a key.
#pragma once

#include <string>
#include <vector>

#include "agent/io/config_values.hpp"
#include "vrrp/authentication.hpp"

namespace agent::io {

// The file must have a mode without bits for group and others. The sentence names file and line.
Parsed<std::vector<vrrp::AuthKey>> read_auth_key_file(const std::string& path);

}  // namespace agent::io
