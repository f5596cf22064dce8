#include "vrrp/timing.hpp"
