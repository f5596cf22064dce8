#include "health/io/redis_watch.hpp"
