#include "vrrp/instance.hpp"
