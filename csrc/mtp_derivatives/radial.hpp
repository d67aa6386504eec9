// What falls on the radial coefficients:
//   ∂Φ/∂c[z_i][z][μ][β] = Σ_{j of z} Q_β(r_ij) p_μj + Q'_β(r_ij) q_μj,      Q_β = s T_β (r_max − r)².
// Included by passes_body.hpp only, and so compiled once for each instruction set and precision.
#pragma once

#include "mtp_derivatives/memory.hpp"

namespace elyte::derivatives {
namespace {

// With h and g the adjoints of an atom's moments, of a group of its neighbours
//   p_μ = Σ_dt (h_dtj m + g_dtj ṁ), j = 2μ, + z times the same, j = 2μ + 1, + ż ∂E_i/∂w_j,
//   q_μ = (û·δ) (∂E_i/∂w_2μ + z ∂E_i/∂w_2μ+1).
// h and g are those of one atom of a block; or there is no h, and g is of one atom alone.
template <int D, bool with_h>
void by_radial_functions(const Real* group, const Real* rate,
                                      const Real* by_weight, const Real* h, const Real* g,
                                      const Real* m, const Real* dm, Real* p, Real* q,
                                      int stride) {
  constexpr int W = weights_at(D, 0), SIZE = with_h ? BLOCK : 1;
  Vec sum[W];
#pragma GCC unroll 16
  for (int j = 0; j < W; ++j) sum[j] = Vec{};
#pragma GCC unroll 16
  for (int d = 0; d <= D; ++d)
    for (int t = 0; t <= d; ++t) {
      const int J = weights_at(D, d), at = (d * (d + 1) / 2 + t) * LANES;
      const Vec value = load(m + at), change = load(dm + at);
      const std::ptrdiff_t first = slot_of(D, d, t, 0) * SIZE;
#pragma GCC unroll 16
      for (int j = 0; j < J; ++j) {
        sum[j] += g[first + j * SIZE] * change;
        if (with_h) sum[j] += h[first + j * SIZE] * value;
      }
    }
  const Vec z = load(group + UNIT_Z * LANES), dz = load(rate + RATE_Z * LANES);
  const Vec along = load(rate + ALONG * LANES);
#pragma GCC unroll 16
  for (int mu = 0; mu < radial_functions(D); ++mu) {
    Vec direct = sum[2 * mu], turned = load(by_weight + 2 * mu * LANES);
    if (2 * mu + 1 < W) {
      const Vec odd = load(by_weight + (2 * mu + 1) * LANES);
      direct += z * sum[2 * mu + 1] + dz * odd;
      turned += z * odd;
    }
    store(p + mu * stride, direct);
    store(q + mu * stride, turned * along);
  }
}

// Q_β/s and Q'_β/s of the neighbours of one atom, (neighbour, β), β filled up with zeros: made with one neighbour per lane, put
// down with one β per lane.
template <int D>
void make_basis_and_slopes(const Tables& t, const Neighbourhood& mine, Work& w) {
  const int padded = round_up(t.radial_size);
  const Real* group = mine.groups;
  for (int k = 0; k < mine.count; k += LANES, group += rows<D>() * LANES) {
    const auto scale = static_cast<Real>(t.x_scale);
    const Vec r = load(group + DISTANCE * LANES), left = static_cast<Real>(t.cutoff) - r;
    const Vec x = r * scale + static_cast<Real>(t.x_shift), two_x = x + x;
    // T_0 = 1, T_−1 = x, times (r_max − r)²
    Vec q = left * left, dq = -2 * left;
    Vec last = x * q, dlast = scale * q + x * dq;
    for (int first = 0; first < padded; first += LANES) {
      Vec of_beta[LANES], slope[LANES];
      for (int b = 0; b < LANES; ++b) {
        const bool in = first + b < t.radial_size;
        of_beta[b] = in ? q : Vec{}, slope[b] = in ? dq : Vec{};
        const Vec next = two_x * q - last, dnext = two_x * dq + (scale + scale) * q - dlast;
        last = q, dlast = dq, q = next, dq = dnext;
      }
      transpose(of_beta);
      transpose(slope);
      for (int lane = 0; lane < LANES; ++lane) {
        store(w.basis + (k + lane) * padded + first, of_beta[lane]);
        store(w.slopes + (k + lane) * padded + first, slope[lane]);
      }
    }
  }
}

template <int D>
ELYTE_INLINE int radial_count(const Tables& t) {
  return t.species_count * t.species_count * radial_functions(D) * round_up(t.radial_size);
}

template <int D>
void clear_radial(const Tables& t, Work& w) {
  for (int k = 0; k < radial_count<D>(t); ++k) w.radial[k] = 0;
}

// Add what the neighbours of atom i contribute; one β per lane.
template <int D>
void add_radial(const Tables& t, const Structure& structure, std::int64_t i,
                const Neighbourhood& mine, Work& w) {
  constexpr int M = radial_functions(D);
  const int padded = round_up(t.radial_size), stride = w.s.stride;
  make_basis_and_slopes<D>(t, mine, w);
  Real* of_pair = w.radial + structure.type[i] * t.species_count * M * padded;
  int begin = 0;
  for (int z = 0; z < t.species_count; ++z, of_pair += M * padded) {
    const int end = structure.ends[i * t.species_count + z];
    for (int first = 0; first < padded && begin < end; first += LANES) {
      Vec sum[M];
#pragma GCC unroll 8
      for (int mu = 0; mu < M; ++mu) sum[mu] = load(of_pair + mu * padded + first);
      for (int k = begin; k < end; ++k) {
        const Vec q = load(w.basis + k * padded + first), dq = load(w.slopes + k * padded + first);
        const Real *direct = w.direct + k, *turned = w.turned + k;
#pragma GCC unroll 8
        for (int mu = 0; mu < M; ++mu) sum[mu] += direct[mu * stride] * q + turned[mu * stride] * dq;
      }
#pragma GCC unroll 8
      for (int mu = 0; mu < M; ++mu) store(of_pair + mu * padded + first, sum[mu]);
    }
    begin = end;
  }
}

// gradient [z_i][z_j][μ][β] += the sums.
template <int D>
void write_radial(const Tables& t, const Work& w, double* gradient) {
  const int padded = round_up(t.radial_size);
  for (int pair = 0; pair < t.species_count * t.species_count; ++pair)
    for (int mu = 0; mu < t.n_mu; ++mu)
      for (int beta = 0; beta < t.radial_size; ++beta)
        *gradient++ += t.scaling * w.radial[(pair * radial_functions(D) + mu) * padded + beta];
}

}  // namespace
}  // namespace elyte::derivatives
