// Sums over neighbours, and their reverse: one neighbour per lane.
// Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel_scratch.hpp"

namespace elyte::mtp {
namespace {

// ---- 3. moments --------------------------------------------------------------------------------

// x^(d−t) y^t for all t ≤ d ≤ D, degree by degree, for G groups side by side.
template <int D, int G>
ELYTE_INLINE void make_monomials(const Real* group, Real* m) {
  constexpr int R = rows<D>() * LANES, N = monomials_count(D) * LANES;
  for (int g = 0; g < G; ++g) {
    const Vec x = load(group + g * R + UNIT_X * LANES), y = load(group + g * R + UNIT_Y * LANES);
    Real* to = m + g * N;
    store(to, all(1));
    Vec previous[D + 1], next[D + 1];
    previous[0] = all(1);
    int at = 1;
#pragma GCC unroll 16
    for (int d = 1; d <= D; ++d) {
#pragma GCC unroll 16
      for (int t = 0; t < d; ++t) next[t] = previous[t] * x;
      next[d] = previous[d - 1] * y;
#pragma GCC unroll 16
      for (int t = 0; t <= d; ++t, ++at) store(to + at * LANES, previous[t] = next[t]);
    }
  }
}

// Sums over the neighbours of w_j x^(d−t) y^t, for T values of t from `t` on and all j of degree d.
template <int D, int d, int T>
ELYTE_INLINE void sum_tile(const Real* group, const Real* m, int groups, int t, Real* sums) {
  constexpr int J = weights_at(D, d), R = rows<D>() * LANES, N = monomials_count(D) * LANES;
  Vec sum[T][J];
#pragma GCC unroll 32
  for (int a = 0; a < T; ++a)
#pragma GCC unroll 32
    for (int j = 0; j < J; ++j) sum[a][j] = Vec{};
  m += (d * (d + 1) / 2 + t) * LANES;
  for (int g = 0; g < groups; ++g, group += R, m += N) {
    Vec monomial[T];
#pragma GCC unroll 32
    for (int a = 0; a < T; ++a) monomial[a] = load(m + a * LANES);
#pragma GCC unroll 32
    for (int j = 0; j < J; ++j) {
      const Vec w = load(group + (WEIGHT + j) * LANES);
#pragma GCC unroll 32
      for (int a = 0; a < T; ++a) sum[a][j] += w * monomial[a];
    }
  }
  sums += static_cast<std::ptrdiff_t>(slot_of(D, d, t, 0)) * BLOCK * LANES;
#pragma GCC unroll 32
  for (int a = 0; a < T; ++a)
#pragma GCC unroll 32
    for (int j = 0; j < J; ++j) store(sums + (a * J + j) * BLOCK * LANES, sum[a][j]);
}

template <int D, int d>
ELYTE_INLINE void sum_degrees(const Real* group, const Real* m, int groups, Real* sums) {
  constexpr int J = weights_at(D, d);
  constexpr int most = MOST_ACCUMULATORS / J > 0 ? MOST_ACCUMULATORS / J : 1;
  constexpr int tile = most < d + 1 ? most : d + 1, rest = (d + 1) % tile;
  for (int t = 0; t + tile <= d + 1; t += tile) sum_tile<D, d, tile>(group, m, groups, t, sums);
  if constexpr (rest > 0) sum_tile<D, d, rest>(group, m, groups, d + 1 - rest, sums);
  if constexpr (d < D) sum_degrees<D, d + 1>(group, m, groups, sums);
}

template <int D>
void sum_moments(Scratch& s, int atom) {
  const Neighbourhood& mine = s.of[atom];
  const int groups = round_up(mine.count) / LANES;
  for (int g = 0; g < groups; ++g)
    make_monomials<D, 1>(mine.groups + g * rows<D>() * LANES,
                         s.monomials + g * monomials_count(D) * LANES);
  sum_degrees<D, 0>(mine.groups, s.monomials, groups, s.sums + atom * LANES);
}

// ---- 5. forces ---------------------------------------------------------------------------------

// Reverse pass for G groups of neighbours of one atom; where they are not null, by_radial receives
// ∂E_i/∂f_μ of each neighbour, and by_weights ∂E_i/∂w_j. With A the adjoints of its moments,
//   E' = Σ A_dtj w_j x^(d−t) y^t,
// column by column in t: along a column Horner's rule in x, from column to column in y.
template <int D, int G>
ELYTE_INLINE void gradient_of(const Real* group, const Real* adjoint, Real* m, Vec* strain,
                              double* gradients, Real* by_radial, int stride, Real* by_weights) {
  constexpr int R = rows<D>() * LANES, N = monomials_count(D) * LANES, W = weights_at(D, 0);
  make_monomials<D, G>(group, m);
  Vec by_weight[G][W], gx[G], gy[G], corner[G];
  for (int g = 0; g < G; ++g) {
    gx[g] = gy[g] = corner[g] = Vec{};
#pragma GCC unroll 16
    for (int j = 0; j < W; ++j) by_weight[g][j] = Vec{};
  }
#pragma GCC unroll 16
  for (int t = D; t >= 0; --t) {
    Vec bar[G];
    for (int g = 0; g < G; ++g) bar[g] = Vec{};
#pragma GCC unroll 16
    for (int d = D; d >= t; --d) {
      const int J = weights_at(D, d), at = (d * (d + 1) / 2 + t) * LANES;
      const Real* a = adjoint + slot_of(D, d, t, 0) * BLOCK;
      Vec sum[G];
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) sum[g] = Vec{};
#pragma GCC unroll 16
      for (int j = 0; j < J; ++j) {
        const Vec coefficient = all(a[j * BLOCK]);
#pragma GCC unroll 4
        for (int g = 0; g < G; ++g) {
          by_weight[g][j] += coefficient * load(m + g * N + at);
          sum[g] += coefficient * load(group + g * R + (WEIGHT + j) * LANES);
        }
      }
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) {
        bar[g] = sum[g] + bar[g] * load(group + g * R + UNIT_X * LANES);
        if (d == t) {
          bar[g] += corner[g] * load(group + g * R + UNIT_Y * LANES);
          if (t > 0) gy[g] += bar[g] * load(m + g * N + (t * (t - 1) / 2 + t - 1) * LANES);
        } else {
          gx[g] += bar[g] * load(m + g * N + (d * (d - 1) / 2 + t) * LANES);
        }
      }
    }
    for (int g = 0; g < G; ++g) corner[g] = bar[g];
  }
  for (int g = 0; g < G; ++g) {
    if (by_weights)
      for (int j = 0; j < W; ++j) store(by_weights + (g * W + j) * LANES, by_weight[g][j]);
    const Real* rows_of = group + g * R;
    const Vec x = load(rows_of + UNIT_X * LANES), y = load(rows_of + UNIT_Y * LANES);
    const Vec z = load(rows_of + UNIT_Z * LANES);
    Vec gz{}, along{};  // ∂/∂z, and ∂/∂r through the radial functions
#pragma GCC unroll 16
    for (int mu = 0; mu < radial_functions(D); ++mu) {
      Vec by_function = by_weight[g][2 * mu];
      if (2 * mu + 1 < W) {
        gz += load(rows_of + (WEIGHT + 2 * mu) * LANES) * by_weight[g][2 * mu + 1];
        by_function += z * by_weight[g][2 * mu + 1];
      }
      along += load(rows_of + (WEIGHT + W + mu) * LANES) * by_function;
      if (by_radial) store(by_radial + mu * stride + g * LANES, by_function);
    }
    const Vec inverse = load(rows_of + INVERSE * LANES), r = load(rows_of + DISTANCE * LANES);
    // ∂û/∂r = (1 − û û) / r
    const Vec radial = along - (x * gx[g] + y * gy[g] + z * gz) * inverse;
    const Vec fx = x * radial + gx[g] * inverse, fy = y * radial + gy[g] * inverse;
    const Vec fz = z * radial + gz * inverse;
    for (int part = 0; part < PARTS; ++part)
      store_rows(gradients + 4 * (g * LANES + part * WIDE), widen(fx, part), widen(fy, part),
                 widen(fz, part));
    const Vec rx = x * r, ry = y * r, rz = z * r;
    strain[0] += rx * fx, strain[1] += ry * fy, strain[2] += rz * fz;
    strain[3] += ry * fz, strain[4] += rx * fz, strain[5] += rx * fy;
  }
}

// Add the repulsion to the gradients and to ∂E_i/∂ε.
template <int D>
void add_core(const Scratch& s, const Neighbourhood& mine, double* strain) {
  for (int k = 0; k < mine.count; ++k) {
    if (mine.core[k] == 0) continue;
    const Real* row = mine.groups + k / LANES * rows<D>() * LANES + k % LANES;
    const double r = row[DISTANCE * LANES];
    const double u[3] = {row[UNIT_X * LANES], row[UNIT_Y * LANES], row[UNIT_Z * LANES]};
    for (int x = 0; x < 3; ++x) {
      s.gradients[4 * k + x] += mine.core[k] * u[x];
      strain[x] += r * u[x] * mine.core[k] * u[x];
      strain[3 + x] += r * u[(x + 1) % 3] * u[(x + 2) % 3] * mine.core[k];
    }
  }
}

// Gradients of the energy of one atom by the positions of its neighbours, and by the strain.
template <int D>
ELYTE_INLINE void pull(Scratch& s, int atom, Wide* strain, bool with_radial, Real* by_weights) {
  constexpr int R = rows<D>() * LANES, W = weights_at(D, 0) * LANES;
  constexpr int G = 2;
  const Neighbourhood& mine = s.of[atom];
  const Real* adjoint = s.adjoints + atom;
  const int groups = round_up(mine.count) / LANES;
  Vec sums[6] = {};
  int g = 0;
  const auto by_radial = [&] { return with_radial ? s.by_radial + g * LANES : nullptr; };
  const auto by_weight = [&] { return by_weights ? by_weights + g * W : nullptr; };
  for (; g + G <= groups; g += G)
    gradient_of<D, G>(mine.groups + g * R, adjoint, s.monomials, sums,
                      s.gradients + 4 * g * LANES, by_radial(), s.stride, by_weight());
  for (; g < groups; ++g)
    gradient_of<D, 1>(mine.groups + g * R, adjoint, s.monomials, sums,
                      s.gradients + 4 * g * LANES, by_radial(), s.stride, by_weight());
  for (int k = 0; k < 6; ++k)
    for (int part = 0; part < PARTS; ++part) strain[k] += widen(sums[k], part);
}

// The force on the atom is the sum of what its neighbours get, in double precision: momentum is
// conserved whatever the precision of the gradients. `other` names the atom of a neighbour.
template <typename Other>
ELYTE_INLINE void hand_out(const double* gradients, int count, std::int64_t i, Other other,
                           double* forces) {
  Quad total{};
  for (int k = 0; k < count; ++k) {
    double* theirs = forces + 4 * static_cast<std::ptrdiff_t>(other(k));
    const Quad gradient = load_quad(gradients + 4 * k);
    store_quad(theirs, load_quad(theirs) - gradient);
    total += gradient;
  }
  store_quad(forces + 4 * i, load_quad(forces + 4 * i) + total);
}

template <int D>
void add_forces(const Atoms& atoms, Scratch& s, int atom, std::int64_t i, Wide* strain,
                double* core_strain, double* forces, bool with_rows) {
  const Neighbourhood& mine = s.of[atom];
  pull<D>(s, atom, strain, with_rows, nullptr);
  if (mine.near) add_core<D>(s, mine, core_strain);
  hand_out(s.gradients, mine.count, i,
           [&](int k) { return atoms.ghost_atom[mine.ghosts[k]]; }, forces);
}

}  // namespace
}  // namespace elyte::mtp
