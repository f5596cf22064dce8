// The key `metrics` of [agent].
#pragma once

#include "agent/config.hpp"
#include "agent/io/config_reader.hpp"

namespace agent::io {

void read_metrics(TableReader& agent, MetricsConfig& config);

}  // namespace agent::io
