#include "health/reply.hpp"
