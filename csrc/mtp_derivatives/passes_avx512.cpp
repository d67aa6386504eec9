// The passes for the instruction set "avx512"; the flags are in module.cmake.
#include "mtp_derivatives/passes_body.hpp"

namespace elyte::derivatives {

Passes avx512_passes(int shape) {
  return passes_for("avx512", shape, avx512_row_pass(shape));
}

}  // namespace elyte::derivatives
