// From moments to the energy and back: one atom per lane.
// Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel_scratch.hpp"

namespace elyte::mtp {
namespace {

// ---- 4. contractions, one atom per lane --------------------------------------------------------

ELYTE_INLINE double* slot(double* base, int index) { return base + index * BLOCK; }

template <int D>
void contract(const Tables& tables, Scratch& s, double* energies) {
  constexpr int P = primary_slots(D);
  double *v = s.values, *adjoint = s.adjoints;
  for (int p = 0; p < P; ++p)
    for (int b = 0; b < BLOCK_VECTORS; ++b) {
      Vec lanes[LANES];
      for (int k = 0; k < LANES; ++k)
        lanes[k] = load(s.sums + (p * BLOCK + b * LANES + k) * LANES);
      store(slot(v, p) + b * LANES, sums_of_rows(lanes));
    }
  const int* derived = tables.derived;
  const int first_target = P + tables.derived_count;
  for (int k = 0; k < tables.derived_count; ++k)
    for (int b = 0; b < BLOCK; b += LANES)
      store(slot(v, P + k) + b, load(slot(v, derived[3 * k]) + b) -
                                    load(slot(v, derived[3 * k + 1]) + b) -
                                    load(slot(v, derived[3 * k + 2]) + b));
  const Term* const terms = tables.terms;
  const Term* term = terms;
  double* target = slot(v, first_target);
  for (int g = 0; g < tables.groups_count; ++g) {
    const Group group = tables.groups[g];
    for (int t = 0; t < group.targets; ++t, target += BLOCK) {
      Vec sum[BLOCK_VECTORS] = {};
      for (const Term* end = term + group.terms; term < end; ++term)
        for (int l = 0; l < BLOCK_VECTORS; ++l)
          sum[l] += term->weight * load(v + term->a + l * LANES) * load(v + term->b + l * LANES);
      for (int l = 0; l < BLOCK_VECTORS; ++l) store(target + l * LANES, sum[l]);
    }
  }

  const int values_count = tables.slots * BLOCK;
  for (int k = 0; k < values_count; k += LANES) store(adjoint + k, Vec{});
  Vec energy[BLOCK_VECTORS] = {};
  for (int k = 0; k < tables.seeds_count; ++k)
    for (int l = 0; l < BLOCK_VECTORS; ++l) {
      const int at = tables.seed_slot[k] * BLOCK + l * LANES;
      energy[l] += tables.seeds[k] * load(v + at);
      store(adjoint + at, all(tables.seeds[k]));
    }
  const int rows_count = tables.rows_count;
  const int* const columns = tables.columns;
  const double* const row_values = tables.row_values;
  for (int row = 0; row < rows_count; ++row) {
    const int a = tables.row_slot[row] * BLOCK, end = tables.row_first[row + 1];
    Vec mine[BLOCK_VECTORS], gradient[BLOCK_VECTORS] = {};
    for (int l = 0; l < BLOCK_VECTORS; ++l) mine[l] = load(v + a + l * LANES);
    for (int k = tables.row_first[row]; k < end; ++k)
      for (int l = 0; l < BLOCK_VECTORS; ++l) {
        const int b = columns[k] * BLOCK + l * LANES;
        gradient[l] += row_values[k] * load(v + b);
        store(adjoint + b, load(adjoint + b) + row_values[k] * mine[l]);
      }
    for (int l = 0; l < BLOCK_VECTORS; ++l) {
      energy[l] += mine[l] * gradient[l];
      store(adjoint + a + l * LANES, load(adjoint + a + l * LANES) + gradient[l]);
    }
  }
  for (int l = 0; l < BLOCK_VECTORS; ++l) store(energies + l * LANES, energy[l]);

  target = slot(adjoint, tables.slots);
  for (int g = tables.groups_count - 1; g >= 0; --g) {
    const Group group = tables.groups[g];
    for (int t = 0; t < group.targets; ++t) {
      target -= BLOCK;
      Vec above[BLOCK_VECTORS];
      for (int l = 0; l < BLOCK_VECTORS; ++l) above[l] = load(target + l * LANES);
      for (const Term* end = term - group.terms; term > end;) {
        --term;
        for (int l = 0; l < BLOCK_VECTORS; ++l) {
          const int a = term->a + l * LANES, b = term->b + l * LANES;
          const Vec scaled = term->weight * above[l];
          store(adjoint + a, load(adjoint + a) + scaled * load(v + b));
          store(adjoint + b, load(adjoint + b) + scaled * load(v + a));
        }
      }
    }
  }
  for (int k = tables.derived_count - 1; k >= 0; --k)
    for (int b = 0; b < BLOCK; b += LANES) {
      const Vec above = load(slot(adjoint, P + k) + b);
      for (int part = 0; part < 3; ++part) {
        double* to = slot(adjoint, derived[3 * k + part]) + b;
        store(to, part == 0 ? load(to) + above : load(to) - above);
      }
    }
}

}  // namespace
}  // namespace elyte::mtp
