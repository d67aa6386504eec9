// Rows of the Jacobian in single precision for the instruction set "avx512"; the flags are in
// module.cmake.
#define ELYTE_SINGLE
#include "mtp_derivatives/passes_body.hpp"

namespace elyte::derivatives {

RowPasses<float> avx512_passes_single(int shape) { return row_passes_for(shape); }

}  // namespace elyte::derivatives
