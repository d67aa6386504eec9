#define ELYTE_ISA avx512
#define ELYTE_ISA_NAME "avx512"
#include "passes.inl"

namespace elyte::derivatives {

const Passes& avx512_passes() { return avx512::passes(); }

}  // namespace elyte::derivatives
