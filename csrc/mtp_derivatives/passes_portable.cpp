#define ELYTE_ISA portable
#define ELYTE_ISA_NAME "portable"
#include "passes.inl"

namespace elyte::derivatives {

const Passes& portable_passes() { return portable::passes(); }

}  // namespace elyte::derivatives
