// The kernel for the instruction set "avx2"; the flags are in module.cmake.
#include "mtp/kernel_body.hpp"

namespace elyte::mtp {

const Kernel& kernel_avx2() {
  static const Kernel kernel{"avx2", "double", LANES, BLOCK, &any_range, &any_scratch, &list_neighbours,
                             &grades_of_rows, &grades_scratch, &add_rows, &multiply_adds};
  return kernel;
}

}  // namespace elyte::mtp
