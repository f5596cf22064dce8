// The page for people at / of the HTTP door: one text that holds all it needs, and asks
// /status.json again and again. Its policy lets nothing else in.
#pragma once

#include <string_view>

#include "agent/io/http_door.hpp"

namespace agent::io {

HttpAnswer status_page();

// The parts of it; embedded by status_page_style.cpp and status_page_script.cpp.
std::string_view status_page_style();
std::string_view status_page_script();

}  // namespace agent::io
