// What `tandem watch` draws: bytes for a terminal, from the last status. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstddef>
#include <string>

#include "agent/screen.hpp"

namespace agent {

struct WatchView {
  const boost::json::object& status;  // the last one that came
  const std::string& pair;            // empty: all
  std::string problem;                // why none comes now; empty: one came
  std::chrono::duration<double> gone_for{};
};

// Draws over what is there. `scrolled`: lines that are above the screen; brought into bounds.
std::string watch_screen(const WatchView& view, const Screen& screen, std::size_t rows,
                         std::size_t& scrolled);

}  // namespace agent
