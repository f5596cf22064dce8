#include "health/facts.hpp"
