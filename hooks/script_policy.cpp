#include "hooks/script_policy.hpp"
