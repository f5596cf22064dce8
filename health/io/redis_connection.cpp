#include "health/io/redis_connection.hpp"
