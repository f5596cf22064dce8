#include "hooks/io/process_runner.hpp"
