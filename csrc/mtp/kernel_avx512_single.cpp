// The kernel for the instruction set "avx512" in single precision; the flags are in module.cmake.
#define ELYTE_SINGLE
#include "mtp/kernel_body.hpp"

namespace elyte::mtp {

const Kernel& kernel_avx512_single() {
  static const Kernel kernel{"avx512", "single", LANES, BLOCK, &any_range, &any_scratch, &list_neighbours,
                             &grades_of_rows, &grades_scratch, &add_rows, &multiply_adds};
  return kernel;
}

}  // namespace elyte::mtp
