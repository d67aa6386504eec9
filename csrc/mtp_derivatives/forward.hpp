// Energies and forces: the kernel's own steps, with the neighbours known and everything kept.
// Included by passes_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel_contract.hpp"
#include "mtp_derivatives/memory.hpp"

namespace elyte::derivatives {
namespace {

inline int members_of(const Structure& structure, std::int64_t first) {
  return static_cast<int>(structure.n - first < BLOCK ? structure.n - first : BLOCK);
}

// Let the kernel's functions work on what the state has of the block of atoms from `first` on.
template <int D>
void lend(const State<D>& state, std::int64_t first, Scratch& s) {
  const int members = members_of(state.structure, first);
  s.values = state.values(first / BLOCK);
  s.adjoints = state.adjoints(first / BLOCK);
  for (int atom = 0; atom < BLOCK; ++atom) {
    s.of[atom].count = atom < members ? state.count(first + atom) : 0;
    if (atom < members) s.of[atom].groups = state.groups(first + atom);
  }
}

// Geometry, weights and slopes of the neighbours of atom i, which is one of a block.
template <int D>
void take_in(const Tables& t, const Structure& structure, std::int64_t i, Scratch& s, int atom) {
  Neighbourhood& mine = s.of[atom];
  mine.count = structure.ends[(i + 1) * t.species_count - 1];
  for (int z = 0; z < t.species_count; ++z)
    mine.ends[z] = structure.ends[i * t.species_count + z];
  const std::int64_t first = structure.first[i];
  for (int k = 0; k < mine.count; k += LANES) {
    const Vec x = load(structure.vectors[0] + first + k), y = load(structure.vectors[1] + first + k);
    const Vec z = load(structure.vectors[2] + first + k);
    store(s.dx + k, x);
    store(s.dy + k, y);
    store(s.dz + k, z);
    store(s.r2 + k, x * x + y * y + z * z);
  }
  prepare<D>(t, structure.type[i], s, mine);
}

// Moments, products and adjoints of a block of atoms.
template <int D>
void moments_and_adjoints(const Tables& t, const Structure& structure, std::int64_t first,
                          Scratch& s, double* energies) {
  const int members = members_of(structure, first);
  for (int atom = 0; atom < BLOCK; ++atom) {
    s.of[atom].count = 0;
    if (atom < members) take_in<D>(t, structure, first + atom, s, atom);
    sum_moments<D>(s, atom);
  }
  contract<D>(t, s, energies);
}

// Gradients by the positions of the neighbours of an atom of the block, by f_μ and by w_j: one piece
// of code for whoever wants some of them.
template <int D>
void pull_all(Scratch& s, int atom, Wide* strain, Real* by_weights) {
  pull<D>(s, atom, strain, true, by_weights);
}

template <int D>
void evaluate(const Tables& t, const Structure& structure, double* memory, double* work,
              double* energies, double* forces, double* strain) {
  Work w;
  lay_out_work<D>(t, structure.most_neighbours, work, w);
  const State<D> state{t, structure, memory};
  Wide sums[6] = {};
  for (std::int64_t k = 0; k < 4 * structure.n; ++k) forces[k] = 0;
  for (std::int64_t first = 0; first < structure.n; first += BLOCK) {
    const int members = members_of(structure, first);
    alignas(64) double of_block[BLOCK];
    lend(state, first, w.s);
    moments_and_adjoints<D>(t, structure, first, w.s, of_block);
    for (int atom = 0; atom < members; ++atom) {
      const std::int64_t i = first + atom;
      energies[i] = of_block[atom] + t.isolated[structure.type[i]];
      pull_all<D>(w.s, atom, sums, state.by_weights(i));
      const std::int32_t* index = structure.index + structure.first[i];
      hand_out(w.s.gradients, w.s.of[atom].count, i, [&](int k) { return index[k]; }, forces);
    }
  }
  for (int k = 0; k < 6; ++k) strain[k] = sum_of(sums[k]);
}

}  // namespace
}  // namespace elyte::derivatives
