#include "vrrp/wire.hpp"
