#include "hooks/notify.hpp"
