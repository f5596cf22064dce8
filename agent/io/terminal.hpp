// What standard output is: a terminal of some width that may show colours, or a pipe.
#pragma once

#include <string>

#include "agent/screen.hpp"

namespace agent::io {

// `colour`: "auto" (a terminal, without NO_COLOR and not TERM=dumb), "always" or "never".
Screen screen_of_output(const std::string& colour);

}  // namespace agent::io
