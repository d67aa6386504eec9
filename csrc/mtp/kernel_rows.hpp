// Rows ∂E_i/∂θ for extrapolation grades: what the passes have at hand anyway, put down.
// Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel_contract.hpp"

namespace elyte::mtp {
namespace {

// B_α of a block's atoms, from the values of `contract`; `term` is the first of its terms.
ELYTE_INLINE void scalar_of(const Tables& tables, const Scratch& s, int alpha,
                            const Term<Real>*& term, Vec* sum) {
  const std::int32_t offset = tables.scalar_slot[alpha];
  for (int l = 0; l < BLOCK_VECTORS; ++l)
    sum[l] = offset < 0 ? Vec{} : load(at(s.values, offset) + l * LANES);
  const Term<Real>* const end = term + tables.scalar_terms_count[alpha];
  for (; term < end; ++term)
    for (int l = 0; l < BLOCK_VECTORS; ++l)
      sum[l] += term->weight * load(at(s.values, term->a) + l * LANES) *
                load(at(s.values, term->b) + l * LANES);
}

// Where the rows of a block's atoms are put down, null for an atom of which none is wanted; returns
// whether there is any.
bool find_rows(const Tables& tables, const Scratch& s, const Results& results, std::int64_t block,
               int members, double** to) {
  bool any = false;
  for (int atom = 0; atom < members; ++atom) {
    std::int64_t place = results.row_place ? results.row_place[block + atom] : block + atom;
    double* base = results.rows;
    if (results.row_sums) base = s.rows, place = atom;
    to[atom] = base && place >= 0 ? base + place * tables.row_width : nullptr;
    any |= to[atom] != nullptr;
  }
  return any;
}

// ∂E_i/∂ξ_α = B_α: made with one atom per lane, put down with one scalar per lane.
void scalar_rows(const Tables& tables, const Scratch& s, int members, double* const* rows) {
  const Term<Real>* term = coefficients_of(tables).scalar_terms;
  for (int first = 0; first < tables.scalars_count; first += LANES) {
    Vec sums[BLOCK_VECTORS][LANES] = {};
    const int count = tables.scalars_count - first < LANES ? tables.scalars_count - first : LANES;
    for (int k = 0; k < count; ++k) {
      Vec sum[BLOCK_VECTORS];
      scalar_of(tables, s, first + k, term, sum);
      for (int l = 0; l < BLOCK_VECTORS; ++l) sums[l][k] = sum[l];
    }
    for (int l = 0; l < BLOCK_VECTORS; ++l) {
      transpose(sums[l]);
      for (int lane = 0; lane < LANES && l * LANES + lane < members; ++lane)
        if (double* row = rows[l * LANES + lane]) store_doubles(row + first, sums[l][lane], count);
    }
  }
}

// s T_β(x) (r_max − r)² of each neighbour, as (neighbour, β), β filled up to whole vectors.
template <int D>
void make_basis(const Tables& tables, const Neighbourhood& mine, Scratch& s) {
  const int padded = round_up(tables.radial_size);
  for (int k = 0; k < mine.count; k += LANES) {
    const Vec r = load(mine.groups + k * rows<D>() + DISTANCE * LANES);
    const Vec left = static_cast<Real>(tables.cutoff) - r;
    const Vec x = r * static_cast<Real>(tables.x_scale) + static_cast<Real>(tables.x_shift);
    const Vec two_x = x + x;
    Vec t = left * left * static_cast<Real>(tables.scaling), t_last = x * t;
    for (int first = 0; first < padded; first += LANES) {
      Vec of_beta[LANES];
      for (int b = 0; b < LANES; ++b) {
        of_beta[b] = first + b < tables.radial_size ? t : Vec{};
        const Vec t_next = two_x * t - t_last;
        t_last = t, t = t_next;
      }
      transpose(of_beta);
      for (int lane = 0; lane < LANES; ++lane)
        store(s.basis + (k + lane) * padded + first, of_beta[lane]);
    }
  }
}

// ∂E_i/∂c = Σ_j ∂E_i/∂f_μ(r_ij) s T_β (r_max − r_ij)² over the neighbours of each species: one β
// per lane.
template <int D>
void radial_rows(const Tables& tables, const Neighbourhood& mine, Scratch& s, double* row) {
  constexpr int M = radial_functions(D);
  make_basis<D>(tables, mine, s);
  const int padded = round_up(tables.radial_size);
  int begin = 0;
  for (int z = 0; z < tables.species_count; begin = mine.ends[z++]) {
    for (int first = 0; first < tables.radial_size; first += LANES) {
      Vec sum[M] = {};
      for (int k = begin; k < mine.ends[z]; ++k) {
        const Vec basis = load(s.basis + k * padded + first);
        const Real* const weight = s.by_radial + k;
#pragma GCC unroll 8
        for (int mu = 0; mu < M; ++mu) sum[mu] += weight[mu * s.stride] * basis;
      }
      for (int mu = 0; mu < tables.n_mu; ++mu)
        store_doubles(row + mu * tables.radial_size + first, sum[mu], tables.radial_size - first);
    }
    row += tables.n_mu * tables.radial_size;
  }
}

void add_row(const Tables& tables, int type, const double* row, double* sums) {
  sums += static_cast<std::ptrdiff_t>(type) * tables.row_width;
  for (int k = 0; k < tables.row_width; ++k) sums[k] += row[k];
}

}  // namespace
}  // namespace elyte::mtp
