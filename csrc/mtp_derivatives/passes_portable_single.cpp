// Rows of the Jacobian in single precision for the instruction set "portable"; the flags are in
// module.cmake.
#define ELYTE_SINGLE
#include "mtp_derivatives/passes_body.hpp"

namespace elyte::derivatives {

RowPass<float> portable_row_pass(int shape) { return row_pass_for(shape); }

}  // namespace elyte::derivatives
