// The passes for the instruction set "avx2"; the flags are in module.cmake.
#include "mtp_derivatives/passes_body.hpp"

namespace elyte::derivatives {

Passes avx2_passes(int shape) {
  return passes_for("avx2", shape, avx2_row_pass(shape));
}

}  // namespace elyte::derivatives
