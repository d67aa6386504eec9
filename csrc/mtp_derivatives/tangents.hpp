// Directional derivatives of weights, monomials, moments and products.
// Included by passes_body.hpp only, and so compiled once for each instruction set and precision.
#pragma once

#include "mtp_derivatives/memory.hpp"

namespace elyte::derivatives {
namespace {

// Rates of a group of neighbours that move by δ against their atom.
template <int D>
void move(const Real* group, const Vec* delta, Real* rates) {
  constexpr int W = weights_at(D, 0);
  const Vec unit[3] = {load(group + UNIT_X * LANES), load(group + UNIT_Y * LANES),
                       load(group + UNIT_Z * LANES)};
  const Vec inverse = load(group + INVERSE * LANES);
  const Vec along = unit[0] * delta[0] + unit[1] * delta[1] + unit[2] * delta[2];
  Vec rate[3];
  for (int a = 0; a < 3; ++a) {
    rate[a] = (delta[a] - unit[a] * along) * inverse;
    store(rates + (RATE_X + a) * LANES, rate[a]);
  }
  store(rates + ALONG * LANES, along);
#pragma GCC unroll 16
  for (int mu = 0; mu < radial_functions(D); ++mu) {
    const Vec f = load(group + (WEIGHT + 2 * mu) * LANES);
    const Vec slope = load(group + (WEIGHT + W + mu) * LANES) * along;
    store(rates + (WEIGHT_RATE + 2 * mu) * LANES, slope);
    if (2 * mu + 1 < W)
      store(rates + (WEIGHT_RATE + 2 * mu + 1) * LANES, slope * unit[2] + f * rate[2]);
  }
}

// Rates of x^(d−t) y^t, from the monomials m themselves.
template <int D>
void make_monomial_rates(const Real* group, const Real* rates, const Real* m,
                                      Real* to) {
  const Vec x = load(group + UNIT_X * LANES), y = load(group + UNIT_Y * LANES);
  const Vec dx = load(rates + RATE_X * LANES), dy = load(rates + RATE_Y * LANES);
  Vec previous[D + 1], next[D + 1];
  previous[0] = Vec{};
  store(to, previous[0]);
  int at = 1;
#pragma GCC unroll 16
  for (int d = 1; d <= D; ++d) {
    const Real* parent = m + d * (d - 1) / 2 * LANES;
#pragma GCC unroll 16
    for (int t = 0; t < d; ++t) next[t] = previous[t] * x + load(parent + t * LANES) * dx;
    next[d] = previous[d - 1] * y + load(parent + (d - 1) * LANES) * dy;
#pragma GCC unroll 16
    for (int t = 0; t <= d; ++t, ++at) store(to + at * LANES, previous[t] = next[t]);
  }
}

// Sums over the neighbours of w_j ṁ + ẇ_j m, as `sum_tile` has those of w_j m.
template <int D, int d, int T>
ELYTE_INLINE void sum_rates_tile(const Neighbourhood& mine, const Real* rate, const Real* m,
                                 const Real* dm, int t, Real* sums) {
  constexpr int J = weights_at(D, d), R = rows<D>() * LANES, N = monomials_count(D) * LANES;
  Vec sum[T][J];
#pragma GCC unroll 32
  for (int a = 0; a < T; ++a)
#pragma GCC unroll 32
    for (int j = 0; j < J; ++j) sum[a][j] = Vec{};
  const int at = (d * (d + 1) / 2 + t) * LANES;
  const Real* group = mine.groups;
  for (int k = 0; k < mine.count; k += LANES) {
    Vec monomial[T], change[T];
#pragma GCC unroll 32
    for (int a = 0; a < T; ++a) {
      monomial[a] = load(m + at + a * LANES);
      change[a] = load(dm + at + a * LANES);
    }
#pragma GCC unroll 32
    for (int j = 0; j < J; ++j) {
      const Vec w = load(group + (WEIGHT + j) * LANES), dw = load(rate + (WEIGHT_RATE + j) * LANES);
#pragma GCC unroll 32
      for (int a = 0; a < T; ++a) sum[a][j] += w * change[a] + dw * monomial[a];
    }
    group += R, rate += rates<D>() * LANES, m += N, dm += N;
  }
  sums += static_cast<std::ptrdiff_t>(slot_of(D, d, t, 0)) * BLOCK * LANES;
#pragma GCC unroll 32
  for (int a = 0; a < T; ++a)
#pragma GCC unroll 32
    for (int j = 0; j < J; ++j) store(sums + (a * J + j) * BLOCK * LANES, sum[a][j]);
}

template <int D, int d>
ELYTE_INLINE void sum_rates(const Neighbourhood& mine, const Real* rate, const Real* m,
                            const Real* dm, Real* sums) {
  constexpr int J = weights_at(D, d);
  constexpr int most = MOST_ACCUMULATORS / J > 0 ? MOST_ACCUMULATORS / J : 1;
  constexpr int tile = most < d + 1 ? most : d + 1, rest = (d + 1) % tile;
  for (int t = 0; t + tile <= d + 1; t += tile)
    sum_rates_tile<D, d, tile>(mine, rate, m, dm, t, sums);
  if constexpr (rest > 0) sum_rates_tile<D, d, rest>(mine, rate, m, dm, d + 1 - rest, sums);
  if constexpr (d < D) sum_rates<D, d + 1>(mine, rate, m, dm, sums);
}

template <int D>
void make_monomials_and_rates(const Neighbourhood& mine, const Real* rate, Real* m,
                                           Real* dm) {
  const Real* group = mine.groups;
  for (int k = 0; k < mine.count; k += LANES) {
    make_monomials<D, 1>(group, m);
    make_monomial_rates<D>(group, rate, m, dm);
    group += rows<D>() * LANES, rate += rates<D>() * LANES;
    m += monomials_count(D) * LANES, dm += monomials_count(D) * LANES;
  }
}

}  // namespace
}  // namespace elyte::derivatives
