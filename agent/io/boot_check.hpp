// Finds servers that systemd would start as masters (rule 1 of the rulebook: servers boot in
// quarantine). Reads unit files and redis.conf, and starts nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace agent::io {

// For the units of Redis, Valkey and KeyDB that may be the server on `port`: one sentence for each
// that boots as a master. `root` is "/" but in tests.
std::vector<std::string> boot_warnings(std::uint16_t port, const std::filesystem::path& root = "/");

}  // namespace agent::io
