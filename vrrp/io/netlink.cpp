#include "vrrp/io/netlink.hpp"
