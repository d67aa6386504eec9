// The working memory of a kernel's call.
// Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel.hpp"
#include "mtp/kernel_compress.hpp"

namespace elyte::mtp {
namespace {

constexpr int BLOCK = block_of<Real>();
constexpr int BLOCK_VECTORS = BLOCK / LANES;
// accumulators that stay in registers at once
constexpr int MOST_ACCUMULATORS = VECTOR_BYTES == 64 ? 24 : 12;

inline const Coefficients<Real>& coefficients_of(const Tables& tables) {
#if defined(ELYTE_SINGLE)
  return tables.in_single;
#else
  return tables.in_double;
#endif
}

constexpr int round_up(int n) { return (n + LANES - 1) / LANES * LANES; }

// ---- scratch -----------------------------------------------------------------------------------

// Rows of one group of LANES neighbours: geometry, then weights w_j, then derivatives f'_μ.
enum Row { UNIT_X, UNIT_Y, UNIT_Z, INVERSE, DISTANCE, WEIGHT };

template <int D>
constexpr int rows() {
  return WEIGHT + weights_at(D, 0) + radial_functions(D);
}

struct Neighbourhood {   // of one atom of the block
  Real* groups;          // (group, row, lane)
  std::int32_t* ghosts;  // which neighbours they are
  int* ends;             // where each species ends
  double* core;          // ∂E_i/∂r of the repulsion of each, set only where one is near
  double core_energy;
  bool near;
  int count;
};

// Of LANES listed neighbours: which are within the cutoff, and how many of those before them.
struct Kept {
  Lanes lanes;
  int before;
};

// One call's working memory, cut out of a single piece.
struct Scratch {
  Neighbourhood of[BLOCK];
  Real *dx, *dy, *dz, *r2;  // to the neighbours of one atom; r² becomes r
  Real* rest;               // in single precision: what rounding has left of r², then of r
  Kept* kept;               // of all listed neighbours of one atom, and one without any
  Real* radial;             // (2 n_mu, stride) f and f' of one atom
  Real* monomials;          // (group, monomial, lane)
  Real* sums;               // (slot, atom, lane)
  Real* values;             // (slot, atom)
  Real* adjoints;           // (slot, atom)
  double* gradients;        // (neighbour, 4) ∂E_i/∂r_ij of one atom
  Real* by_radial;          // (μ, stride) ∂E_i/∂f_μ(r_ij), and
  Real* basis;              // (neighbour, β) ∂f_μ/∂c_μβ: for rows
  double* rows;             // (atom, row_width) of a block, where only sums of rows are wanted
  int stride;
};

constexpr int monomials_count(int shape) { return (shape + 1) * (shape + 2) / 2; }

// Hands out pieces aligned to 64 bytes; with base = nullptr it only counts.
struct Pieces {
  char* base;
  std::size_t used = 0;
  template <typename T>
  void take(T*& piece, std::size_t count) {
    piece = base ? reinterpret_cast<T*>(base + used) : nullptr;
    used += (count * sizeof(T) + 63) / 64 * 64;
  }
};

// Returns the bytes needed.
template <int D>
std::size_t lay_out(const Tables& tables, const Atoms& atoms, double* base, Scratch& s) {
  Pieces pieces{reinterpret_cast<char*>(base)};
  const int stride = s.stride = round_up(atoms.most_neighbours) + 2 * LANES;
  const auto n = static_cast<std::size_t>(stride);
  for (Neighbourhood& neighbourhood : s.of) {
    pieces.take(neighbourhood.groups, n * rows<D>());
    pieces.take(neighbourhood.core, n);
    pieces.take(neighbourhood.ghosts, n);
    pieces.take(neighbourhood.ends, static_cast<std::size_t>(tables.species_count));
  }
  Real** const of_neighbours[] = {&s.dx, &s.dy, &s.dz, &s.r2, &s.rest};
  for (Real** piece : of_neighbours) pieces.take(*piece, n);
  pieces.take(s.kept, n / LANES);
  pieces.take(s.gradients, 4 * n);
  pieces.take(s.radial, n * 2 * radial_functions(D));
  pieces.take(s.by_radial, n * radial_functions(D));
  pieces.take(s.basis, n * static_cast<std::size_t>(round_up(tables.radial_size)));
  pieces.take(s.rows, static_cast<std::size_t>(tables.row_width) * BLOCK);
  pieces.take(s.monomials, n * monomials_count(D));
  pieces.take(s.sums, static_cast<std::size_t>(primary_slots(D)) * BLOCK * LANES);
  pieces.take(s.values, static_cast<std::size_t>(tables.slots) * BLOCK);
  pieces.take(s.adjoints, static_cast<std::size_t>(tables.slots) * BLOCK);
  return pieces.used;
}

}  // namespace
}  // namespace elyte::mtp
