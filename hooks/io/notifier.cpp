#include "hooks/io/notifier.hpp"
