// The passes for the instruction set "portable"; the flags are in module.cmake.
#include "mtp_derivatives/passes_body.hpp"

namespace elyte::derivatives {

Passes portable_passes(int shape) {
  return passes_for("portable", shape, portable_row_pass(shape));
}

}  // namespace elyte::derivatives
