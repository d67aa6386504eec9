// The kernel itself; compiled once for each instruction set
// and precision (kernel_*.cpp). Derived, with the
// count of its operations, in docs/theory/mtp.md. No standard library inside: inline functions
// compiled here could be chosen by the linker for the other instruction sets too.
#pragma once

#include "mtp/kernel_contract.hpp"
#include "mtp/kernel_grades.hpp"
#include "mtp/kernel_moments.hpp"
#include "mtp/kernel_neighbours.hpp"
#include "mtp/kernel_rows.hpp"
#include "mtp/kernel_search.hpp"

namespace elyte::mtp {
namespace {

template <int D>
void range_of(const Tables& tables, const Atoms& atoms, std::int64_t begin, std::int64_t end,
              double* memory, Results& results) {
  Scratch s;
  lay_out<D>(tables, atoms, memory, s);
  Wide strain[6] = {};
  double core_strain[6] = {};
  results.closest = __builtin_huge_val();
  for (std::int64_t block = begin; block < end; block += BLOCK) {
    const int members = static_cast<int>(end - block < BLOCK ? end - block : BLOCK);
    for (int atom = 0; atom < BLOCK; ++atom) {
      s.of[atom].count = 0;
      if (atom < members) {
        gather(tables, atoms, block + atom, s, s.of[atom], results);
        prepare<D>(tables, atoms.type[block + atom], s, s.of[atom]);
      }
      sum_moments<D>(s, atom);
    }
    alignas(64) double energies[BLOCK];
    contract<D>(tables, s, energies);
    double* rows[BLOCK];
    if (find_rows(tables, s, results, block, members, rows)) scalar_rows(tables, s, members, rows);
    for (int atom = 0; atom < members; ++atom) {
      results.energies[block + atom] =
          energies[atom] + tables.isolated[atoms.type[block + atom]] + s.of[atom].core_energy;
      double* const row = rows[atom];
      add_forces<D>(atoms, s, atom, block + atom, strain, core_strain, results.forces, row);
      if (!row) continue;
      radial_rows<D>(tables, s.of[atom], s, row + tables.scalars_count);
      if (results.row_sums) add_row(tables, atoms.type[block + atom], row, results.row_sums);
    }
  }
  for (int k = 0; k < 6; ++k) results.strain[k] = sum_of(strain[k]) + core_strain[k];
}

template <int D>
std::size_t scratch_of(const Tables& tables, const Atoms& atoms) {
  Scratch s;
  return lay_out<D>(tables, atoms, nullptr, s) / sizeof(double);
}

template <int D>
Range find_range(int shape) {
  if constexpr (D < LARGEST_SHAPE)
    if (shape != D) return find_range<D + 1>(shape);
  return &range_of<D>;
}

void any_range(const Tables& tables, const Atoms& atoms, std::int64_t begin, std::int64_t end,
               double* scratch, Results& results) {
  find_range<0>(tables.shape)(tables, atoms, begin, end, scratch, results);
}

template <int D>
std::size_t any_scratch_from(const Tables& tables, const Atoms& atoms) {
  if constexpr (D < LARGEST_SHAPE)
    if (tables.shape != D) return any_scratch_from<D + 1>(tables, atoms);
  return scratch_of<D>(tables, atoms);
}

std::size_t any_scratch(const Tables& tables, const Atoms& atoms) {
  return any_scratch_from<0>(tables, atoms);
}

// Twelve independent chains of multiply-adds in double precision; returns the operations done (2
// for each).
double multiply_adds(std::int64_t rounds) {
  Wide sum[12];
  for (int k = 0; k < 12; ++k) sum[k] = all_wide(k);
  const Wide factor = all_wide(0.999999), addend = all_wide(1e-9);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int k = 0; k < 12; ++k) sum[k] = sum[k] * factor + addend;
  }
  Wide total{};
  for (int k = 0; k < 12; ++k) total += sum[k];
  volatile double kept = sum_of(total);  // so that the loop is not left out
  (void)kept;
  return 2.0 * 12 * WIDE * static_cast<double>(rounds);
}

}  // namespace
}  // namespace elyte::mtp
