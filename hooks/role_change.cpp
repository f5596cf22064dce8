#include "hooks/role_change.hpp"
