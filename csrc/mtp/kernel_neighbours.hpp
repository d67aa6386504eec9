// From the neighbour list to geometry and radial functions.
// Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel_scratch.hpp"

namespace elyte::mtp {
namespace {

// ---- 1. neighbours within the cutoff -----------------------------------------------------------

// Half of φ(r) = A (r_core/r − 1)³ and of its slope for each near pair; the other half is the
// other atom's.
void repel(const Tables& tables, int type, const Scratch& s, Neighbourhood& mine) {
  for (int z = 0, k = 0; z < tables.species_count; ++z)
    for (; k < mine.ends[z]; ++k) {
      mine.core[k] = 0;
      if (tables.largest_core == 0) continue;
      const double begin = tables.core_distance[type * tables.species_count + z];
      if (!(s.r2[k] < begin * begin)) continue;
      const double r = __builtin_sqrt(s.r2[k]), excess = begin / r - 1;
      mine.core_energy += 0.5 * tables.core_strength * excess * excess * excess;
      mine.core[k] = -1.5 * tables.core_strength * excess * excess * begin / s.r2[k];
    }
}

// Keeps the order, which is by species.
void gather(const Tables& tables, const Atoms& atoms, std::int64_t i, Scratch& s,
            Neighbourhood& mine, Results& results) {
  const Real cutoff2 = static_cast<Real>(tables.cutoff * tables.cutoff);
  const double* position = atoms.positions + 4 * i;
  const Wide x0 = all_wide(position[0]), y0 = all_wide(position[1]), z0 = all_wide(position[2]);
  const std::int64_t* bounds = atoms.bounds + i * (tables.species_count + 1);
  const std::int32_t* listed = atoms.neighbours + bounds[0];
  const int length = static_cast<int>(bounds[tables.species_count] - bounds[0]);
  int count = 0, group = 0;
  for (int k = 0; k < length; k += LANES, ++group) {
    Wide x[PARTS], y[PARTS], z[PARTS];
    for (int part = 0; part < PARTS; ++part) {
      load_rows(atoms.ghosts, listed + k + part * WIDE, x[part], y[part], z[part]);
      x[part] -= x0, y[part] -= y0, z[part] -= z0;
    }
    Wide exact[PARTS], rest[PARTS];  // r²
    for (int part = 0; part < PARTS; ++part)
      exact[part] = x[part] * x[part] + y[part] * y[part] + z[part] * z[part];
    const Vec r2 = narrow(exact);
    for (int part = 0; part < PARTS; ++part) rest[part] = exact[part] - widen(r2, part);
    const Lanes near = lanes_below(r2, cutoff2) & first_lanes<LANES>(length - k);
    s.kept[group] = {near, count};
    keep(s.dx + count, narrow(x), near);
    keep(s.dy + count, narrow(y), near);
    keep(s.dz + count, narrow(z), near);
    keep(s.r2 + count, r2, near);
    if constexpr (rounded<Real>()) keep(s.rest + count, narrow(rest), near);
    keep_words(mine.ghosts + count, load_words(listed + k), near);
    count += __builtin_popcount(near);
  }
  s.kept[group] = {0, count};
  for (int z = 0; z < tables.species_count; ++z) {
    const int end = static_cast<int>(bounds[z + 1] - bounds[0]);
    const Kept& last = s.kept[end / LANES];
    mine.ends[z] = last.before + __builtin_popcount(last.lanes & first_lanes<LANES>(end % LANES));
  }
  mine.count = count;
  for (int k = count; k < round_up(count); ++k) {  // harmless values for the lanes left over
    s.dx[k] = s.dy[k] = s.dz[k] = 0;
    s.r2[k] = 1;
    s.rest[k] = 0;
  }
  const double least = tables.largest_core > tables.min_distance ? tables.largest_core
                                                                 : tables.min_distance;
  Lanes near = 0;
  for (int k = 0; k < count; k += LANES)
    near |= lanes_below(load(s.r2 + k), static_cast<Real>(least * least));
  mine.near = near != 0;
  mine.core_energy = 0;
  if (!mine.near) return;
  for (int k = 0; k < count; ++k) {
    const double r = __builtin_sqrt(s.r2[k]);
    if (!(r < tables.min_distance && r < results.closest)) continue;
    results.closest = r;
    results.closest_pair[0] = i;
    results.closest_pair[1] = atoms.ghost_atom[mine.ghosts[k]];
  }
  repel(tables, atoms.type[i], s, mine);
}

// ---- 2. radial functions -----------------------------------------------------------------------

// f_μ(r) = (r_max − r)² Σ_β v_μβ U_β(x) and its derivative, for LANES neighbours of one species, from
// the k-th on. In single precision energies take care: r carries what rounding has left of it into x,
// and so do the coefficients, whose rests are added where there are bits for them, when the product
// with (r_max − r)² is rounded. (Coefficients are the same for all neighbours: without their rests
// all energies would be shifted by up to 1e−6.) Forces are not so delicate.
template <int D>
ELYTE_INLINE void radial_functions_of(const Tables& tables, const Real* c, const Scratch& s, int k) {
  constexpr int M = radial_functions(D), PIECES = radial_pieces<Real>();
  const Vec r = load_unaligned(s.r2 + k);
  Wide x[PARTS], squared[PARTS];
  for (int part = 0; part < PARTS; ++part) {
    Wide exact = widen(r, part);
    if constexpr (rounded<Real>()) exact += widen(load_unaligned(s.rest + k), part);
    const Wide left = tables.cutoff - exact;
    x[part] = exact * tables.x_scale + tables.x_shift;
    squared[part] = left * left;
  }
  const Vec two_x = narrow(x) + narrow(x), smooth = narrow(squared);
  Vec u = all(1), u_last = all(0);  // U_0, U_{−1}
  Vec sum[PIECES][M];
  for (int piece = 0; piece < PIECES; ++piece)
    for (int mu = 0; mu < M; ++mu) sum[piece][mu] = Vec{};
  for (int beta = 0; beta < tables.radial_size; ++beta) {
    for (int piece = 0; piece < PIECES; ++piece)
      for (int mu = 0; mu < M; ++mu, ++c) sum[piece][mu] += *c * u;
    const Vec u_next = two_x * u - u_last;
    u_last = u, u = u_next;
  }
  const Vec left = static_cast<Real>(tables.cutoff) - r, smooth_slope = left + left;
  const Vec scaled = smooth * static_cast<Real>(tables.x_scale);
  Real* f = s.radial + k;
  for (int mu = 0; mu < M; ++mu, f += s.stride) {
    const Vec value = sum[RADIAL_VALUE][mu];
    Vec rest{};
    if constexpr (rounded<Real>()) rest = sum[RADIAL_REST][mu] * smooth;
    store_unaligned(f, fused(value, smooth, rest));
    store_unaligned(f + M * s.stride, sum[RADIAL_SLOPE][mu] * scaled - value * smooth_slope);
  }
}

// Geometry, weights and derivatives of all neighbours of one atom, in groups of LANES.
template <int D>
void prepare(const Tables& tables, int type, Scratch& s, Neighbourhood& mine) {
  constexpr int M = radial_functions(D), W = weights_at(D, 0);
  const int of_pair = tables.radial_size * radial_pieces<Real>() * M;
  const Real* c = coefficients_of(tables).radial +
                  static_cast<std::ptrdiff_t>(type) * tables.species_count * of_pair;
  const int padded = round_up(mine.count);
  Real* group = mine.groups;
  for (int k = 0; k < padded; k += LANES, group += rows<D>() * LANES) {
    const Vec r2 = load(s.r2 + k), inverse = inverse_square_root(r2), r = r2 * inverse;
    store(s.r2 + k, r);
    if constexpr (rounded<Real>()) {
      const Vec rest = load(s.rest + k) + fused(-r, r, r2);  // of r²
      store(s.rest + k, static_cast<Real>(0.5) * inverse * rest);
    }
    store(group + UNIT_X * LANES, load(s.dx + k) * inverse);
    store(group + UNIT_Y * LANES, load(s.dy + k) * inverse);
    store(group + UNIT_Z * LANES, load(s.dz + k) * inverse);
    store(group + INVERSE * LANES, inverse);
    store(group + DISTANCE * LANES, r);
  }
  int begin = 0;
  for (int z = 0; z < tables.species_count; ++z, c += of_pair) {
    // the last group of a species runs over into the next, which is written after it
    for (int k = begin; k < mine.ends[z]; k += LANES)
      radial_functions_of<D>(tables, c, s, k);
    begin = mine.ends[z];
  }
  for (int row = 0; row < 2 * M; ++row)
    for (int k = mine.count; k < padded; ++k) s.radial[row * s.stride + k] = 0;
  group = mine.groups;
  for (int k = 0; k < padded; k += LANES, group += rows<D>() * LANES) {
    const Vec z = load(group + UNIT_Z * LANES);
    for (int mu = 0; mu < M; ++mu) {
      const Vec f = load(s.radial + mu * s.stride + k);
      store(group + (WEIGHT + 2 * mu) * LANES, f);
      if (2 * mu + 1 < W) store(group + (WEIGHT + 2 * mu + 1) * LANES, f * z);
      store(group + (WEIGHT + W + mu) * LANES, load(s.radial + (M + mu) * s.stride + k));
    }
  }
}

}  // namespace
}  // namespace elyte::mtp
