#include "health/monitor.hpp"
