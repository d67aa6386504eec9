// What the compiled kernels read and write: plain pointers only, so that the files compiled for
// different instruction sets share no inline code.
//
// The arithmetic is derived in docs/theory/mtp.md. In short, for a block of atoms:
//   1. neighbours within the cutoff, sorted by species            (one neighbour per lane, double)
//   2. f_μ and f'_μ                                               (one neighbour per lane)
//   3. moments of the monomials x^a y^b z^c with c ≤ 1            (one neighbour per lane)
//   4. the other moments, the products, the energy, and back      (one atom per lane)
//   5. ∂E_i/∂r_ij                                                 (one neighbour per lane)
#pragma once

#include <cstddef>
#include <cstdint>

#include "ghosts.hpp"

namespace elyte::mtp {

#ifndef ELYTE_LARGEST_SHAPE
#define ELYTE_LARGEST_SHAPE 12  // that of level 28
#endif
inline constexpr int LARGEST_SHAPE = ELYTE_LARGEST_SHAPE;
// The values of a block of atoms, which are contracted together, take one cache line: 8 atoms in
// double precision, 16 in single.
inline constexpr int SLOT_BYTES = 64;
template <typename Real>
constexpr int block_of() {
  return SLOT_BYTES / static_cast<int>(sizeof(Real));
}

// A shape D says which moments of the monomials x^a y^b z^c, c ≤ 1, are made: with the weights
// w_{2μ} = f_μ and w_{2μ+1} = f_μ z, those of w_0 … w_{J−1} at each degree d = a + b ≤ D, where
// J = weights_at(D, d). The tables of level 4k fill the shape 2(k − 1) exactly, those of level
// 4k + 2 the odd one above it; other tables leave slots unused.
constexpr int weights_at(int shape, int degree) {
  return shape + 1 - degree + (degree == 0 ? shape % 2 : 0);
}
constexpr int radial_functions(int shape) { return (weights_at(shape, 0) + 1) / 2; }
constexpr int first_slot(int shape, int degree) {
  int slot = 0;
  for (int d = 0; d < degree; ++d) slot += (d + 1) * weights_at(shape, d);
  return slot;
}
// Where the moment of x^(d−t) y^t with weight j stands.
constexpr int slot_of(int shape, int d, int t, int j) {
  return first_slot(shape, d) + t * weights_at(shape, d) + j;
}
constexpr int primary_slots(int shape) { return first_slot(shape, shape + 1); }

// Values of a block stand in slots: primary moments, then derived ones (those with c ≥ 2), then
// products that are factors of others.
// One product weight · v[a] v[b]; a and b are offsets into the values in bytes.
template <typename Real>
struct Term {
  std::int32_t a, b;
  Real weight;
};

// Consecutive slots that have equally many terms each, so that loops have few surprises.
struct Group {
  int targets, terms;
};

// Whether coefficients of this type are rounded ones. What rounding has left of those that make the
// energy is kept beside them: it is the same for all atoms, and would not average out.
template <typename Real>
constexpr bool rounded() {
  return sizeof(Real) < sizeof(double);
}

// Radial functions are sums over the Chebyshev polynomials of the second kind, U_β: f_μ/(r_max − r)²,
// its derivative by x, and what rounding has left of the first; scaling included.
enum RadialPiece { RADIAL_VALUE, RADIAL_SLOPE, RADIAL_REST };
template <typename Real>
constexpr int radial_pieces() {
  return rounded<Real>() ? 3 : 2;
}

// Coefficients in the precision of a kernel.
template <typename Real>
struct Coefficients {
  const Real* radial;  // [z_i][z_j][β][piece][radial_functions(shape)], see RadialPiece
  const Term<Real>* terms;
  const Real* seeds;
  const Real* row_values;
  const Real* row_rests;  // what rounding has left of them; null where nothing is rounded
  const Term<Real>* scalar_terms;
};

struct Tables {
  int shape;
  int species_count, radial_size;
  double cutoff, x_scale, x_shift;  // x = x_scale r + x_shift
  double min_distance;              // Å; nearer pairs are noted
  const double* isolated;           // energy of each species' isolated atom
  const double* core_distance;      // [z_i][z_j], Å, where the repulsion begins
  double core_strength;             // eV
  double largest_core;              // Å; 0 where there is no repulsion

  int slots;
  int derived_count;      // slot primary + k is the first minus the second minus the third
  const int* derived;     // (derived_count, 3)
  int groups_count;       // products that are factors of others: slots that are sums of terms
  const Group* groups;    // in the order in which they can be made
  int seeds_count;        // the energy's linear terms
  const int* seed_slot;
  int rows_count;         // the energy's last terms, Σ_a v_a Σ_b S_ab v_b
  const int* row_slot;
  const int* row_first;
  const int* columns;     // offsets in bytes
  // for rows ∂E_i/∂θ = [∂/∂ξ (scalars_count), ∂/∂c[z_j][μ][β]] of atoms of any species z_i
  int n_mu, row_width;
  double scaling;
  int scalars_count;
  const int* scalar_slot;         // offset of the slot that is the scalar, or −1 for a sum of …
  const int* scalar_terms_count;  // … terms
  Coefficients<double> in_double;
  Coefficients<float> in_single;
};

struct Atoms {
  const std::int32_t* type;
  const double* positions;          // (n, 4), the first three of each
  const double* ghosts;             // (ghosts, 4): atoms and their images that are on the list
  const std::int32_t* ghost_atom;   // which atom each of them is
  const std::int32_t* neighbours;   // ghosts; eight more may be read than are there
  const std::int64_t* bounds;       // (n, species_count + 1): between which each species' stand
  int most_neighbours;                // of any atom on the list
};

// For neighbour lists: ghosts in the order of a `GhostGrid`.
struct Search {
  GhostPositions at;
  const std::int32_t* type;  // of each ghost; SPARE_GHOSTS more may be read
  float limit2;              // Å², of distances
  int species_count;
  std::int32_t *found_ghosts, *found_types;  // room for those in the pieces and SPARE_GHOSTS more
};

struct Results {
  double* energies;                // (n), set for the atoms of the range
  double* forces;                  // (n, 4), the first three of each added to
  double* rows;                    // (…, row_width) of ∂E_i/∂θ, set; or null
  const std::int32_t* row_place;   // where that of each atom stands, −1 for nowhere; null: at i
  double* row_sums;                // (species_count, row_width), their sums, added to; or null
  double strain[6];                // xx yy zz yz xz xy of ∂E/∂ε, set
  double closest;                  // Å; the least distance below min_distance, or infinite
  std::int64_t closest_pair[2];    // of these atoms
};

// Energies and forces of the atoms begin … end − 1.
using Range = void (*)(const Tables&, const Atoms&, std::int64_t begin, std::int64_t end,
                       double* scratch, Results&);

// A⁻¹ of one species for grades c = b A⁻¹, in one of two precisions; see GradeMap.
inline constexpr int GRADE_ROWS_MOST = 64;  // that are graded together
inline constexpr int GRADE_PANEL = 48;
struct GradeTable {
  std::size_t inputs, panels;  // rows of A⁻¹: one for each parameter of b, and one for a last 1
  const float* single;         // (panels, inputs, GRADE_PANEL), aligned to 64 bytes; or null for …
  const double* exact;
};

struct Kernel {
  const char* name;       // "avx512", "avx2", "portable"
  const char* precision;  // "double", "single": of the arithmetic; sums over atoms are in double
  int lanes;
  int block;  // atoms that are contracted together
  Range range;
  // doubles of scratch that a call needs; scratch is aligned to 64 bytes
  std::size_t (*scratch)(const Tables&, const Atoms&);
  // Write to `out` the ghosts in the pieces, but for `self`, that are near it, species by species,
  // and where each species ends. May write SPARE_GHOSTS more.
  void (*list_neighbours)(const Search&, std::int32_t self, const Piece* pieces, int pieces_count,
                          std::int32_t* out, std::int32_t* ends);
  // the largest |c_j| of up to GRADE_ROWS_MOST rows, not a number where any c_j is not finite
  void (*grade)(const GradeTable&, const double* const* rows, int count, double* scratch,
                double* grades);
  // doubles of scratch that this needs, aligned to 64 bytes
  std::size_t (*grade_scratch)(std::size_t inputs);
  // add factors[k] times row k of `rows`, (count, width), to `sum` for all k
  void (*add_rows)(const double* factors, const double* rows, std::size_t count, std::size_t width,
                   double* sum);
  // floating-point operations per second of independent multiply-adds, as a yardstick
  double (*multiply_adds)(std::int64_t rounds);
};

const Kernel& kernel_portable();
const Kernel& kernel_portable_single();
#if defined(__x86_64__)
const Kernel& kernel_avx2();
const Kernel& kernel_avx2_single();
const Kernel& kernel_avx512();
const Kernel& kernel_avx512_single();
#endif

}  // namespace elyte::mtp
