// Rows of the Jacobian in single precision for the instruction set "portable"; the flags are in
// module.cmake.
#define ELYTE_SINGLE
#include "mtp_derivatives/passes_body.hpp"

namespace elyte::derivatives {

RowPasses<float> portable_passes_single(int shape) { return row_passes_for(shape); }

}  // namespace elyte::derivatives
