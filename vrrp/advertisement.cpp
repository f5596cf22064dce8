#include "vrrp/advertisement.hpp"
