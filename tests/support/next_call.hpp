// For what is preloaded into an agent: the call that it stands before.
#pragma once

#include <dlfcn.h>

namespace support {

template <typename Call>
Call* next_call(const char* name) {
  return reinterpret_cast<Call*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace support
