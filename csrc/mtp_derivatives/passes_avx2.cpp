#define ELYTE_ISA avx2
#define ELYTE_ISA_NAME "avx2"
#include "passes.inl"

namespace elyte::derivatives {

const Passes& avx2_passes() { return avx2::passes(); }

}  // namespace elyte::derivatives
