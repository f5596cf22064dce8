#include "vrrp/io/vip_table.hpp"
