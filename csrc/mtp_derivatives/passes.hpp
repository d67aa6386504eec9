// What the passes read and write: plain pointers, no standard templates, so that code compiled for
// one instruction set cannot leak into another through shared inline functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mtp/kernel.hpp"

namespace elyte::derivatives {

// Filled up to a cache line in either precision.
static constexpr std::int64_t whole(std::int64_t n) { return (n + 15) / 16 * 16; }

// Atoms with their neighbours, sorted by species; those of an atom are filled up (`whole`) with some
// that are of no account.
struct Structure {
  std::int64_t n;
  const std::int32_t* type;
  const std::int64_t* first;  // neighbours of atom i: first[i] … first[i] + ends[(i + 1) species − 1]
  const std::int32_t* ends;   // (n, species): where each species ends, from first[i]
  const double* vectors[3];   // x, y, z from the atom to the neighbour, Å
  const std::int32_t* index;  // which atom the neighbour is
  int most_neighbours;
};

// The products run backwards slot by slot: with tangents v̇, ġ of values and adjoints
//   ġ_a = Σ_above (w v_b) ġ_t + Σ_beside C_ab v̇_b,      C_ab = S_ab + Σ_t w g_t,
// over the products t ← w v_a v_b and the pairs of the quadratic form S.
struct Reversal {
  struct Factor {
    std::int32_t above, beside;  // how many there are of each
  };
  struct Above {
    std::int32_t target, factor;  // offset of t in bytes; which of the two factors of which term
  };
  struct Beside {
    std::int32_t other, pair;  // offset of b in bytes; which pair
  };
  struct Share {
    std::int32_t slot;
    double weight;
  };
  const Factor* factors;  // of each slot, the last one first
  const Above* above;
  const Beside* beside;
  int pairs;
  const std::int32_t* shares_first;  // (pairs + 1)
  const Share* shares;               // of targets t in each pair
  const std::int32_t* form;          // where S_ab stands, or −1
};

static inline std::size_t terms_count(const mtp::Tables& t) {
  std::size_t count = 0;
  for (int g = 0; g < t.groups_count; ++g)
    count += static_cast<std::size_t>(t.groups[g].targets) * t.groups[g].terms;
  return count;
}

static inline std::size_t form_count(const mtp::Tables& t) {
  return static_cast<std::size_t>(t.row_first[t.rows_count]);
}

namespace {  // each file its own inline functions

// Where columns stand in a row of `jacobian`: scalars, then [z_i][μ][z_j][β].
struct RowColumns {
  int scalars, of_function, of_centre, all;  // [z_j][β] of one μ; [μ][z_j][β]; all

  explicit RowColumns(const mtp::Tables& t)
      : scalars(static_cast<int>(whole(t.scalars_count))),
        of_function(static_cast<int>(whole(t.species_count * t.radial_size))),
        of_centre(t.n_mu * of_function),
        all(scalars + t.species_count * of_centre) {}
  int of_type(int z_i) const { return scalars + z_i * of_centre; }
};

}  // namespace

// Rows with the arithmetic in double or in single precision; `work` has a size of its own.
template <typename Real>
struct RowPass {
  std::size_t (*work_size)(const mtp::Tables&, int most_neighbours);
  // rows (1 + 3n + 9, RowColumns::all) += ∂/∂θ of E, F and the 9 of Σ_j (∂E/∂r_j) r_j.
  void (*jacobian)(const mtp::Tables&, const Reversal&, const Structure&, double* state,
                   double* work, Real* rows);
};

// The passes over one structure for an instruction set and a shape. `state` holds what `evaluate`
// left; both it and `work` are aligned to 64 bytes. Vectors of atoms have four numbers each.
struct Passes {
  const char* name;
  std::size_t (*state_size)(const mtp::Tables&, const Structure&);  // doubles
  std::size_t (*work_size)(const mtp::Tables&, int most_neighbours);
  // E_i (n), F (n, 4), and xx yy zz yz xz xy of ∂E/∂ε.
  void (*evaluate)(const mtp::Tables&, const Structure&, double* state, double* work,
                   double* energies, double* forces, double* strain);
  // gradient (P) += ∂/∂θ of λ E + Σ v·F + S : ∂E/∂ε, with v (n, 4) and S (9).
  void (*gradient)(const mtp::Tables&, const Structure&, double* state, double* work,
                   double lambda, const double* v, const double* S, double* gradient);
  // rows (n, row_width) = ∂E_i/∂θ of what concerns an atom of its species: ξ, c[z][μ][β].
  void (*atom_rows)(const mtp::Tables&, const Structure&, double* work, double* rows);
  RowPass<double> rows_in_double;
  RowPass<float> rows_in_single;
};

Passes portable_passes(int shape);
Passes avx2_passes(int shape);
Passes avx512_passes(int shape);
RowPass<float> portable_row_pass(int shape);
RowPass<float> avx2_row_pass(int shape);
RowPass<float> avx512_row_pass(int shape);

}  // namespace elyte::derivatives
