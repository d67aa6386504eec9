// The working memory of a kernel's call.
// Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel.hpp"
#include "mtp/kernel_lanes.hpp"

namespace elyte::mtp {
namespace {

constexpr int BLOCK_VECTORS = BLOCK / LANES;
// accumulators that stay in registers at once
constexpr int MOST_ACCUMULATORS = LANES == 8 ? 24 : 12;

constexpr int round_up(int n) { return (n + LANES - 1) / LANES * LANES; }

// ---- scratch -----------------------------------------------------------------------------------

// Rows of one group of LANES neighbours: geometry, then weights w_j, then derivatives f'_μ.
enum Row { UNIT_X, UNIT_Y, UNIT_Z, INVERSE, DISTANCE, WEIGHT };

template <int D>
constexpr int rows() {
  return WEIGHT + weights_at(D, 0) + radial_functions(D);
}

struct Neighbourhood {   // of one atom of the block
  double* groups;        // (group, row, lane)
  std::int32_t* ghosts;  // which neighbours they are
  double* core;          // ∂E_i/∂r of the repulsion of each, set only where one is near
  double core_energy;
  bool near;
  int count;
};

// One call's working memory, cut out of a single piece.
struct Scratch {
  Neighbourhood of[BLOCK];
  double *dx, *dy, *dz, *r2;  // to the neighbours of one atom; r² becomes r
  double* radial;             // (2 n_mu, stride) f and f' of one atom
  double* monomials;          // (group, monomial, lane)
  double* sums;               // (slot, atom, lane)
  double* values;             // (slot, atom)
  double* adjoints;           // (slot, atom)
  double* gradients;          // (neighbour, 4) ∂E_i/∂r_ij of one atom
  int stride;
};

constexpr int monomials_count(int shape) { return (shape + 1) * (shape + 2) / 2; }

// Hands out aligned pieces; with base = nullptr it only counts.
struct Pieces {
  double* base;
  std::size_t used = 0;
  double* take(std::size_t doubles) {
    double* piece = base ? base + used : nullptr;
    used += (doubles + 7) / 8 * 8;
    return piece;
  }
};

template <int D>
std::size_t lay_out(const Tables& tables, const Atoms& atoms, double* base, Scratch& s) {
  Pieces pieces{base};
  const int stride = s.stride = round_up(atoms.most_neighbours) + 2 * LANES;
  const auto n = static_cast<std::size_t>(stride);
  for (Neighbourhood& neighbourhood : s.of) {
    neighbourhood.groups = pieces.take(n * rows<D>());
    neighbourhood.core = pieces.take(n);
    neighbourhood.ghosts = reinterpret_cast<std::int32_t*>(pieces.take((n + 1) / 2));
  }
  double** const of_neighbours[] = {&s.dx, &s.dy, &s.dz, &s.r2};
  for (double** piece : of_neighbours) *piece = pieces.take(n);
  s.gradients = pieces.take(4 * n);
  s.radial = pieces.take(n * 2 * radial_functions(D));
  s.monomials = pieces.take(n * monomials_count(D));
  s.sums = pieces.take(static_cast<std::size_t>(primary_slots(D)) * BLOCK * LANES);
  s.values = pieces.take(static_cast<std::size_t>(tables.slots) * BLOCK);
  s.adjoints = pieces.take(static_cast<std::size_t>(tables.slots) * BLOCK);
  return pieces.used;
}

}  // namespace
}  // namespace elyte::mtp
