#include "hooks/io/procedure_runner.hpp"
