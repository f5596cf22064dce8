// Finds servers that systemd would start outside quarantine, as masters or as replicas of somebody
// (rule 1 of the rulebook). Reads unit files and redis.conf, and starts nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace agent::io {

// For the units of Redis, Valkey and KeyDB that may be the server on `port`: one sentence for each
// that does not boot in quarantine. `root` is "/" but in tests.
std::vector<std::string> boot_warnings(std::uint16_t port, const std::filesystem::path& root = "/");

}  // namespace agent::io
