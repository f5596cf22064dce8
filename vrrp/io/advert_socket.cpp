#include "vrrp/io/advert_socket.hpp"
