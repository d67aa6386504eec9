// The passes over one structure; compiled once for each instruction set (passes_*.cpp). They work on
// the tables, in the order and with the functions of the kernel (docs/theory/mtp.md); what they add
// is derived in docs/theory/training.md. With one neighbour per lane, along displacements δ:
//   Ȧ_dtj = Σ_neighbours w_j ṁ_dt + ẇ_j m_dt,      m_dt = x^(d−t) y^t,
// with one atom per lane, the products, their tangents and both reverse passes, where
//   g = ∂E_i/∂v    and    h = ∂(λE_i + Ė_i)/∂v = λg + ġ.
#pragma once

#include "mtp_derivatives/jacobian.hpp"
#if !defined(ELYTE_SINGLE)
#include "mtp_derivatives/atom_rows.hpp"
#include "mtp_derivatives/gradient.hpp"
#endif

namespace elyte::derivatives {
namespace {

template <int D>
std::size_t work_size(const Tables& t, int most_neighbours) {
  Work w;
  return lay_out_work<D>(t, most_neighbours, nullptr, w);
}

template <int D = 0>
RowPass<Real> row_pass_for(int shape) {
  if constexpr (D < LARGEST_SHAPE)
    if (shape != D) return row_pass_for<D + 1>(shape);
  return {work_size<D>, jacobian<D>};
}

#if !defined(ELYTE_SINGLE)
template <int D>
std::size_t state_size(const Tables& t, const Structure& structure) {
  return State<D>{t, structure, nullptr}.size();
}

template <int D = 0>
Passes passes_for(const char* name, int shape, RowPass<float> in_single) {
  if constexpr (D < LARGEST_SHAPE)
    if (shape != D) return passes_for<D + 1>(name, shape, in_single);
  return {name,        state_size<D>, work_size<D>,        evaluate<D>,
          gradient<D>, atom_rows<D>,  row_pass_for(shape), in_single};
}
#endif

}  // namespace
}  // namespace elyte::derivatives
