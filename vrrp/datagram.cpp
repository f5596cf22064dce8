#include "vrrp/datagram.hpp"
