#include "agent/config.hpp"
