// Rows ∂E_i/∂θ of atoms, as the kernel makes them for extrapolation grades.
// Included by passes_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel_rows.hpp"
#include "mtp_derivatives/forward.hpp"

namespace elyte::derivatives {
namespace {

inline void put_scalars(const Tables& t, const Scratch& s, int members, double* row) {
  const Term<double>* term = t.in_double.scalar_terms;
  for (int alpha = 0; alpha < t.scalars_count; ++alpha) {
    Vec sum[BLOCK_VECTORS];
    scalar_of(t, s, alpha, term, sum);
    for (int atom = 0; atom < members; ++atom)
      row[atom * t.row_width + alpha] = sum[atom / LANES][atom % LANES];
  }
}

template <int D>
void atom_rows(const Tables& t, const Structure& structure, double* work, double* rows) {
  Work w;
  lay_out_work<D>(t, structure.most_neighbours, work, w);
  Wide strain[6] = {};
  for (std::int64_t first = 0; first < structure.n; first += BLOCK) {
    const int members = members_of(structure, first);
    alignas(64) double energies[BLOCK];
    moments_and_adjoints<D>(t, structure, first, w.s, energies);
    double* row = rows + first * t.row_width;
    put_scalars(t, w.s, members, row);
    for (int atom = 0; atom < members; ++atom, row += t.row_width) {
      pull_all<D>(w.s, atom, strain, w.rates);
      radial_rows<D>(t, w.s.of[atom], w.s, row + t.scalars_count);
    }
  }
}

}  // namespace
}  // namespace elyte::derivatives
