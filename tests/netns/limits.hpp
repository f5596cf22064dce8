// What a running agent may have, and what it says of that.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>

#include "tests/support/agent.hpp"

namespace support {

rlim_t open_files(const Agent& agent);
// prlimit(2), the soft limit. 0: as much as it may have at all.
testing::AssertionResult limit(const Agent& agent, __rlimit_resource what, rlim_t most);
testing::AssertionResult logs(const Agent& agent, const std::string& words);

}  // namespace support
