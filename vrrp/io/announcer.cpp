#include "vrrp/io/announcer.hpp"
