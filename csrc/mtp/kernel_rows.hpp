// Rows ∂E_i/∂θ for extrapolation grades: what the passes have at hand anyway, put down.
// Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel_contract.hpp"

namespace elyte::mtp {
namespace {

// ∂E_i/∂ξ_α = B_α of a block's atoms, from the values of `contract`.
void scalar_rows(const Tables& tables, const Scratch& s, int members, double* rows) {
  const Term<Real>* term = coefficients_of(tables).scalar_terms;
  alignas(64) Real scalar[BLOCK];
  for (int alpha = 0; alpha < tables.scalars_count; ++alpha) {
    const std::int32_t offset = tables.scalar_slot[alpha];
    for (int l = 0; l < BLOCK_VECTORS; ++l) {
      Vec sum = offset < 0 ? Vec{} : load(at(s.values, offset) + l * LANES);
      for (int k = 0; k < tables.scalar_terms_count[alpha]; ++k)
        sum += term[k].weight * load(at(s.values, term[k].a) + l * LANES) *
               load(at(s.values, term[k].b) + l * LANES);
      store(scalar + l * LANES, sum);
    }
    term += tables.scalar_terms_count[alpha];
    for (int atom = 0; atom < members; ++atom) rows[atom * tables.row_width + alpha] = scalar[atom];
  }
}

// Lanes first … last − 1 of v, zero elsewhere.
ELYTE_INLINE Vec lanes_of(Vec v, int first, int last) {
  Mask number{};
  for (int lane = 0; lane < LANES; ++lane) number[lane] = lane;
  return number >= first && number < last ? v : Vec{};
}

// s T_β(x) (r_max − r)² of each neighbour, as (group, β, lane), β filled up to whole vectors.
template <int D>
void make_basis(const Tables& tables, const Neighbourhood& mine, Scratch& s) {
  const int padded = round_up(tables.radial_size);
  Real* to = s.basis;
  for (int k = 0; k < mine.count; k += LANES, to += padded * LANES) {
    const Vec r = load(mine.groups + k * rows<D>() + DISTANCE * LANES);
    const Vec left = static_cast<Real>(tables.cutoff) - r;
    const Vec x = r * static_cast<Real>(tables.x_scale) + static_cast<Real>(tables.x_shift);
    Vec t = left * left * static_cast<Real>(tables.scaling), t_last = x * t;
    for (int beta = 0; beta < padded; ++beta) {
      store(to + beta * LANES, beta < tables.radial_size ? t : Vec{});
      const Vec t_next = (x + x) * t - t_last;
      t_last = t, t = t_next;
    }
  }
}

// ∂E_i/∂c = Σ_j ∂E_i/∂f_μ(r_ij) s T_β (r_max − r_ij)² over the neighbours of each species.
template <int D>
void radial_rows(const Tables& tables, const Neighbourhood& mine, Scratch& s, double* row) {
  make_basis<D>(tables, mine, s);
  const int padded = round_up(tables.radial_size);
  int begin = 0;
  for (int z = 0; z < tables.species_count; begin = mine.ends[z++])
    for (int mu = 0; mu < tables.n_mu; ++mu, row += tables.radial_size)
      for (int beta = 0; beta < tables.radial_size; beta += LANES) {
        Vec sum[LANES] = {};
        for (int g = begin / LANES; g * LANES < mine.ends[z]; ++g) {
          const Vec weight = lanes_of(load(s.by_radial + mu * s.stride + g * LANES),
                                      begin - g * LANES, mine.ends[z] - g * LANES);
          const Real* basis = s.basis + (g * padded + beta) * LANES;
          for (int b = 0; b < LANES; ++b) sum[b] += weight * load(basis + b * LANES);
        }
        const Vec sums = sums_of_rows(sum);
        for (int b = 0; b < LANES && beta + b < tables.radial_size; ++b) row[beta + b] = sums[b];
      }
}

}  // namespace
}  // namespace elyte::mtp
