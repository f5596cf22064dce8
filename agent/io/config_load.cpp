#include "agent/io/config_load.hpp"
