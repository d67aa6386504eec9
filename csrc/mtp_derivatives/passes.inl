// The passes over one structure, compiled once for each instruction set (namespace ELYTE_ISA).
//
// With one neighbour per lane:   M_m = Σ_j f_μ û^ν and, along displacements δ_j of the neighbours,
//   Ṁ_m = Σ_j f_μ D(û^ν) + f'_μ (û·δ) û^ν,     D(û) = (δ − û (û·δ)) / r.
// With one atom per lane: the products, their tangents, and both reverse passes, where
//   G = ∂E_i/∂M    and    H = ∂(λE_i + Ė_i)/∂M = λG + Ġ.
// docs/theory/training.md derives them.

#include "plan.hpp"

namespace elyte::derivatives {
namespace ELYTE_ISA {
namespace {

#include "vector.inl"
#include "shell.inl"
#include "forces.inl"
#include "gradient.inl"
#include "rows.inl"
#include "jacobian.inl"

}  // namespace

const Passes& passes() {
  static constexpr Passes table{ELYTE_ISA_NAME, workspace, evaluate, gradient, atom_gradients, jacobian};
  return table;
}

}  // namespace ELYTE_ISA
}  // namespace elyte::derivatives
