// What the fuzz targets share: a promise that stops the run when it is broken.
#pragma once

#include <cstdlib>

namespace fuzz {

// Not assert(): it must also hold where assertions are compiled out. libFuzzer keeps the input.
inline void promise(bool kept) {
  if (!kept) std::abort();
}

}  // namespace fuzz
