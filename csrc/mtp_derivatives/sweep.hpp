// Tangents of products and of their adjoints: one displacement per lane, factors of one atom.
// Included by passes_body.hpp only, and so compiled once for each instruction set and precision.
#pragma once

#include "mtp/kernel_contract.hpp"
#include "mtp_derivatives/memory.hpp"

namespace elyte::derivatives {
namespace {

constexpr int SWEEP = 3 * BLOCK;  // displacements at once: of a block of neighbours along each axis
constexpr int SWEEP_VECTORS = SWEEP / LANES;

// The factors w v_a and w v_b of all products of one atom, and C_ab.
inline void own_factors(const Tables& t, const Reversal& reversal, Work& w) {
  const Coefficients<Real>& coefficients = coefficients_of(t);
  const int terms = static_cast<int>(terms_count(t));
  for (int k = 0; k < terms; ++k) {
    const Term<Real>& term = coefficients.terms[k];
    w.factors[2 * k] = term.weight * w.values[term.a / SLOT_BYTES];
    w.factors[2 * k + 1] = term.weight * w.values[term.b / SLOT_BYTES];
  }
  for (int k = 0; k < reversal.pairs; ++k) {
    Real sum = reversal.form[k] < 0 ? 0 : coefficients.row_values[reversal.form[k]];
    for (int x = reversal.shares_first[k]; x < reversal.shares_first[k + 1]; ++x)
      sum += static_cast<Real>(reversal.shares[x].weight) * w.adjoints[reversal.shares[x].slot];
    w.pairs[k] = sum;
  }
}

// Offsets of slots in bytes are those of a block.
ELYTE_INLINE const Real* of_sweep(const Real* base, std::int32_t offset) {
  return at(base, offset * (SWEEP / BLOCK));
}

ELYTE_INLINE void add_multiple(Real factor, const Real* values, Vec* sum) {
#pragma GCC unroll 16
  for (int l = 0; l < SWEEP_VECTORS; ++l) sum[l] += factor * load(values + l * LANES);
}

ELYTE_INLINE void put_down(const Vec* sum, Real* to) {
#pragma GCC unroll 16
  for (int l = 0; l < SWEEP_VECTORS; ++l) store(to + l * LANES, sum[l]);
}

inline void sweep_forward(const Tables& t, const Real* factors, Real* dv, Real* to) {
  const Term<Real>* term = coefficients_of(t).terms;
  for (int g = 0; g < t.groups_count; ++g)
    for (int k = 0; k < t.groups[g].targets; ++k, to += SWEEP) {
      Vec sum[SWEEP_VECTORS] = {};
      for (const Term<Real>* end = term + t.groups[g].terms; term < end; ++term, factors += 2) {
        add_multiple(factors[1], of_sweep(dv, term->a), sum);
        add_multiple(factors[0], of_sweep(dv, term->b), sum);
      }
      put_down(sum, to);
    }
}

inline void sweep_backwards(const Tables& t, const Reversal& reversal, const Real* factors,
                            const Real* pairs, const Real* dv, Real* dg) {
  const Reversal::Above* above = reversal.above;
  const Reversal::Beside* beside = reversal.beside;
  const Reversal::Factor* factor = reversal.factors;
  for (int slot = t.slots - 1; slot >= 0; --slot, ++factor) {
    Vec sum[SWEEP_VECTORS] = {};
    for (const Reversal::Above* end = above + factor->above; above < end; ++above)
      add_multiple(factors[above->factor], of_sweep(dg, above->target), sum);
    for (const Reversal::Beside* end = beside + factor->beside; beside < end; ++beside)
      add_multiple(pairs[beside->pair], of_sweep(dv, beside->other), sum);
    put_down(sum, dg + slot * SWEEP);
  }
}

}  // namespace
}  // namespace elyte::derivatives
