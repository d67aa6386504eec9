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

// Keeps the order by species.
void gather(const Tables& tables, const Atoms& atoms, std::int64_t i, Scratch& s,
            Neighbourhood& mine, Results& results) {
  const double cutoff2 = tables.cutoff * tables.cutoff;
  const double* position = atoms.positions + 4 * i;
  const Wide x0 = all_wide(position[0]), y0 = all_wide(position[1]), z0 = all_wide(position[2]);
  const std::int64_t* bounds = atoms.bounds + i * (tables.species_count + 1);
  int count = 0;
  for (int z = 0; z < tables.species_count; ++z) {
    const std::int64_t begin = bounds[z], end = bounds[z + 1];
    for (std::int64_t k = begin; k < end; k += WIDE) {
      const std::int32_t* index = atoms.neighbours + k;
      Wide dx, dy, dz;
      load_rows(atoms.ghosts, index, dx, dy, dz);
      dx -= x0, dy -= y0, dz -= z0;
      const Wide r2 = dx * dx + dy * dy + dz * dz;
      const int valid = static_cast<int>(end - k < WIDE ? end - k : WIDE);
      count = keep_near(dx, dy, dz, r2, index, valid, cutoff2, s.dx, s.dy, s.dz, s.r2,
                        mine.ghosts, count);
    }
    mine.ends[z] = count;
  }
  mine.count = count;
  for (int k = count; k < round_up(count); ++k) {  // harmless values for the lanes left over
    s.dx[k] = s.dy[k] = s.dz[k] = 0;
    s.r2[k] = 1;
  }
  const double least = tables.largest_core > tables.min_distance ? tables.largest_core
                                                                 : tables.min_distance;
  const Vec limit = all(static_cast<Real>(least * least));
  Mask near{};
  for (int k = 0; k < count; k += LANES) near |= load(s.r2 + k) < limit;
  mine.near = false;
  mine.core_energy = 0;
  for (int lane = 0; lane < LANES; ++lane) mine.near |= near[lane] != 0;
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

// f_μ(r) = (r_max − r)² Σ_β c_μβ T_β(x) and its derivative, for LANES neighbours of one species.
// f_μ is made in double precision: rounding of x and of the coefficients, which are the same for all
// neighbours, would shift all energies by up to 1e−6 in single precision. Forces are not so delicate.
template <int D>
ELYTE_INLINE void radial_functions_of(const Tables& tables, const double* c, const Real* rough_c,
                                      Vec r, Real* f, int stride) {
  constexpr int M = radial_functions(D);
  Wide x[PARTS], smooth[PARTS], t[PARTS], t_last[PARTS], value[PARTS][M] = {};
  for (int part = 0; part < PARTS; ++part) {
    const Wide exact = widen(r, part), left = tables.cutoff - exact;
    x[part] = t_last[part] = exact * tables.x_scale + tables.x_shift;  // T_{−1} = x
    smooth[part] = left * left;
    t[part] = all_wide(1);
  }
  const Vec two_x = narrow(x) + narrow(x);
  Vec dt = all(0), dt_last = all(1), slope[M];  // T'_{−1} = 1
  for (int mu = 0; mu < M; ++mu) slope[mu] = Vec{};
  for (int beta = 0; beta < tables.radial_size; ++beta, c += M, rough_c += M) {
    for (int mu = 0; mu < M; ++mu) {
      for (int part = 0; part < PARTS; ++part) value[part][mu] += c[mu] * t[part];
      slope[mu] += rough_c[mu] * dt;
    }
    const Vec rough_t = narrow(t), dt_next = two_x * dt + (rough_t + rough_t) - dt_last;
    dt_last = dt, dt = dt_next;
    for (int part = 0; part < PARTS; ++part) {
      const Wide t_next = (x[part] + x[part]) * t[part] - t_last[part];
      t_last[part] = t[part], t[part] = t_next;
    }
  }
  const Vec left = static_cast<Real>(tables.cutoff) - r, smooth_slope = left + left;
  const Vec scaled = narrow(smooth) * static_cast<Real>(tables.x_scale);
  for (int mu = 0; mu < M; ++mu) {
    Wide of_mu[PARTS], product[PARTS];
    for (int part = 0; part < PARTS; ++part) {
      of_mu[part] = value[part][mu];
      product[part] = value[part][mu] * smooth[part];
    }
    store_unaligned(f + mu * stride, narrow(product));
    store_unaligned(f + (M + mu) * stride, slope[mu] * scaled - narrow(of_mu) * smooth_slope);
  }
}

// Geometry, weights and derivatives of all neighbours of one atom, in groups of LANES.
template <int D>
void prepare(const Tables& tables, int type, Scratch& s, Neighbourhood& mine) {
  constexpr int M = radial_functions(D), W = weights_at(D, 0);
  const int of_pair = tables.radial_size * M;
  const auto first = static_cast<std::ptrdiff_t>(type) * tables.species_count * of_pair;
  const double* c = tables.in_double.radial + first;
  const Real* rough_c = coefficients_of(tables).radial + first;
  const int padded = round_up(mine.count);
  Real* group = mine.groups;
  for (int k = 0; k < padded; k += LANES, group += rows<D>() * LANES) {
    const Vec r2 = load(s.r2 + k), inverse = inverse_square_root(r2), r = r2 * inverse;
    store(s.r2 + k, r);
    store(group + UNIT_X * LANES, load(s.dx + k) * inverse);
    store(group + UNIT_Y * LANES, load(s.dy + k) * inverse);
    store(group + UNIT_Z * LANES, load(s.dz + k) * inverse);
    store(group + INVERSE * LANES, inverse);
    store(group + DISTANCE * LANES, r);
  }
  int begin = 0;
  for (int z = 0; z < tables.species_count; ++z, c += of_pair, rough_c += of_pair) {
    // the last group of a species runs over into the next, which is written after it
    for (int k = begin; k < mine.ends[z]; k += LANES)
      radial_functions_of<D>(tables, c, rough_c, load_unaligned(s.r2 + k), s.radial + k,
                             s.stride);
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
