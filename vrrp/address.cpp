#include "vrrp/address.hpp"
