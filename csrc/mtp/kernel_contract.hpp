// From moments to the energy and back: one atom per lane.
// Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel_scratch.hpp"

namespace elyte::mtp {
namespace {

// ---- 4. contractions, one atom per lane --------------------------------------------------------

ELYTE_INLINE Real* slot(Real* base, int index) { return base + index * BLOCK; }
ELYTE_INLINE const Real* slot(const Real* base, int index) { return base + index * BLOCK; }
// By an offset in bytes.
ELYTE_INLINE Real* at(Real* base, std::int32_t offset) {
  return reinterpret_cast<Real*>(reinterpret_cast<char*>(base) + offset);
}
ELYTE_INLINE const Real* at(const Real* base, std::int32_t offset) {
  return reinterpret_cast<const Real*>(reinterpret_cast<const char*>(base) + offset);
}

// Energies of a block, summed in double precision.
struct Energies {
  Wide sum[BLOCK_VECTORS * PARTS] = {};
  ELYTE_INLINE void add(int l, Vec v, double factor = 1) {
    for (int part = 0; part < PARTS; ++part) sum[l * PARTS + part] += factor * widen(v, part);
  }
  ELYTE_INLINE void write(double* energies) const {
    for (int k = 0; k < BLOCK_VECTORS * PARTS; ++k)
      *reinterpret_cast<Wide*>(energies + k * WIDE) = sum[k];
  }
};

// The primary moments of a block, from their sums over neighbours in each lane.
template <int D>
ELYTE_INLINE void collect(const Real* sums, Real* values) {
  for (int p = 0; p < primary_slots(D); ++p)
    for (int b = 0; b < BLOCK_VECTORS; ++b) {
      Vec lanes[LANES];
      for (int k = 0; k < LANES; ++k) lanes[k] = load(sums + (p * BLOCK + b * LANES + k) * LANES);
      store(slot(values, p) + b * LANES, sums_of_rows(lanes));
    }
}

// The derived moments, which follow the primary ones; each slot has SIZE numbers.
template <int SIZE = BLOCK>
ELYTE_INLINE void derive(const Tables& tables, int primary, Real* values) {
  const int* parts = tables.derived;
  Real* to = values + primary * SIZE;
  for (int k = 0; k < tables.derived_count; ++k, parts += 3, to += SIZE)
    for (int b = 0; b < SIZE; b += LANES)
      store(to + b, load(values + parts[0] * SIZE + b) - load(values + parts[1] * SIZE + b) -
                        load(values + parts[2] * SIZE + b));
}

// Hand their adjoints to the moments they were made of.
template <int SIZE = BLOCK>
ELYTE_INLINE void derive_backwards(const Tables& tables, int primary, Real* adjoints) {
  for (int k = tables.derived_count - 1; k >= 0; --k)
    for (int b = 0; b < SIZE; b += LANES) {
      const Vec above = load(adjoints + (primary + k) * SIZE + b);
      for (int part = 0; part < 3; ++part) {
        Real* to = adjoints + tables.derived[3 * k + part] * SIZE + b;
        store(to, part == 0 ? load(to) + above : load(to) - above);
      }
    }
}

template <int D>
void contract(const Tables& tables, Scratch& s, double* energies) {
  constexpr int P = primary_slots(D);
  const Coefficients<Real>& coefficients = coefficients_of(tables);
  Real *v = s.values, *adjoint = s.adjoints;
  collect<D>(s.sums, v);
  derive(tables, P, v);
  const int first_target = P + tables.derived_count;
  const Term<Real>* term = coefficients.terms;
  Real* target = slot(v, first_target);
  for (int g = 0; g < tables.groups_count; ++g) {
    const Group group = tables.groups[g];
    for (int t = 0; t < group.targets; ++t, target += BLOCK) {
      Vec sum[BLOCK_VECTORS] = {};
      for (const Term<Real>* end = term + group.terms; term < end; ++term)
        for (int l = 0; l < BLOCK_VECTORS; ++l)
          sum[l] += term->weight * load(at(v, term->a) + l * LANES) * load(at(v, term->b) + l * LANES);
      for (int l = 0; l < BLOCK_VECTORS; ++l) store(target + l * LANES, sum[l]);
    }
  }

  const int values_count = tables.slots * BLOCK;
  for (int k = 0; k < values_count; k += LANES) store(adjoint + k, Vec{});
  Energies energy;
  for (int k = 0; k < tables.seeds_count; ++k)
    for (int l = 0; l < BLOCK_VECTORS; ++l) {
      const int seed = tables.seed_slot[k] * BLOCK + l * LANES;
      energy.add(l, load(v + seed), tables.in_double.seeds[k]);
      store(adjoint + seed, all(coefficients.seeds[k]));
    }
  const int rows_count = tables.rows_count;
  const int* const columns = tables.columns;
  const Real* const row_values = coefficients.row_values;
  const Real* const row_rests = coefficients.row_rests;
  Vec rests[BLOCK_VECTORS] = {};
  for (int row = 0; row < rows_count; ++row) {
    const int a = tables.row_slot[row] * BLOCK, end = tables.row_first[row + 1];
    Vec mine[BLOCK_VECTORS], gradient[BLOCK_VECTORS] = {}, rest[BLOCK_VECTORS] = {};
    for (int l = 0; l < BLOCK_VECTORS; ++l) mine[l] = load(v + a + l * LANES);
    for (int k = tables.row_first[row]; k < end; ++k)
      for (int l = 0; l < BLOCK_VECTORS; ++l) {
        Real* const theirs = at(adjoint, columns[k]) + l * LANES;
        const Vec value = load(at(v, columns[k]) + l * LANES);
        gradient[l] += row_values[k] * value;
        if constexpr (rounded<Real>()) rest[l] += row_rests[k] * value;
        store(theirs, load(theirs) + row_values[k] * mine[l]);
      }
    for (int l = 0; l < BLOCK_VECTORS; ++l) {
      energy.add(l, mine[l] * gradient[l]);
      rests[l] += mine[l] * rest[l];
      store(adjoint + a + l * LANES, load(adjoint + a + l * LANES) + gradient[l]);
    }
  }
  for (int l = 0; l < BLOCK_VECTORS; ++l) energy.add(l, rests[l]);
  energy.write(energies);

  target = slot(adjoint, tables.slots);
  for (int g = tables.groups_count - 1; g >= 0; --g) {
    const Group group = tables.groups[g];
    for (int t = 0; t < group.targets; ++t) {
      target -= BLOCK;
      Vec above[BLOCK_VECTORS];
      for (int l = 0; l < BLOCK_VECTORS; ++l) above[l] = load(target + l * LANES);
      for (const Term<Real>* end = term - group.terms; term > end;) {
        --term;
        for (int l = 0; l < BLOCK_VECTORS; ++l) {
          Real* const a = at(adjoint, term->a) + l * LANES;
          Real* const b = at(adjoint, term->b) + l * LANES;
          const Vec scaled = term->weight * above[l];
          store(a, load(a) + scaled * load(at(v, term->b) + l * LANES));
          store(b, load(b) + scaled * load(at(v, term->a) + l * LANES));
        }
      }
    }
  }
  derive_backwards(tables, P, adjoint);
}

}  // namespace
}  // namespace elyte::mtp
