// The kernel itself; compiled once for each instruction set (kernel_*.cpp). Derived, with the
// count of its operations, in docs/theory/mtp.md. No standard library inside: inline functions
// compiled here could be chosen by the linker for the other instruction sets too.
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

// ---- 1. neighbours within the cutoff -----------------------------------------------------------

// Half of φ(r) = A (r_core/r − 1)³ and of its slope for each near pair; the other half is the
// other atom's.
void repel(const Tables& tables, int type, const int* ends, const Scratch& s,
           Neighbourhood& mine) {
  for (int z = 0, k = 0; z < tables.species_count; ++z)
    for (; k < ends[z]; ++k) {
      mine.core[k] = 0;
      if (tables.largest_core == 0) continue;
      const double begin = tables.core_distance[type * tables.species_count + z];
      if (!(s.r2[k] < begin * begin)) continue;
      const double r = __builtin_sqrt(s.r2[k]), excess = begin / r - 1;
      mine.core_energy += 0.5 * tables.core_strength * excess * excess * excess;
      mine.core[k] = -1.5 * tables.core_strength * excess * excess * begin / s.r2[k];
    }
}

// Keeps the order by species; `ends` receives where each species ends.
void gather(const Tables& tables, const Atoms& atoms, std::int64_t i, Scratch& s,
            Neighbourhood& mine, int* ends, Results& results) {
  const double cutoff2 = tables.cutoff * tables.cutoff;
  const Vec x0 = all(atoms.positions[3 * i]), y0 = all(atoms.positions[3 * i + 1]);
  const Vec z0 = all(atoms.positions[3 * i + 2]);
  int count = 0;
  for (int z = 0; z < tables.species_count; ++z) {
    const std::int64_t begin = atoms.species_first[i * tables.species_count + z];
    const std::int64_t end = z + 1 < tables.species_count
                                 ? atoms.species_first[i * tables.species_count + z + 1]
                                 : atoms.first[i + 1];
    for (std::int64_t k = begin; k < end; k += LANES) {
      const std::int32_t* index = atoms.neighbours + k;
      Vec dx, dy, dz;
      load_rows(atoms.ghosts, index, dx, dy, dz);
      dx -= x0, dy -= y0, dz -= z0;
      const Vec r2 = dx * dx + dy * dy + dz * dz;
      const int valid = static_cast<int>(end - k < LANES ? end - k : LANES);
      count = keep_near(dx, dy, dz, r2, index, valid, cutoff2, s.dx, s.dy, s.dz, s.r2,
                        mine.ghosts, count);
    }
    ends[z] = count;
  }
  mine.count = count;
  for (int k = count; k < round_up(count); ++k) {  // harmless values for the lanes left over
    s.dx[k] = s.dy[k] = s.dz[k] = 0;
    s.r2[k] = 1;
  }
  constexpr double POINT = 1e-12;
  const double core2 = tables.largest_core * tables.largest_core;
  Mask near{};
  for (int k = 0; k < count; k += LANES) near |= load(s.r2 + k) < (core2 > POINT ? core2 : POINT);
  mine.near = false;
  mine.core_energy = 0;
  for (int lane = 0; lane < LANES; ++lane) mine.near |= near[lane] != 0;
  if (!mine.near) return;
  for (int k = 0; k < count; ++k)
    if (s.r2[k] < POINT) {
      results.coincident[0] = i;
      results.coincident[1] = atoms.ghost_atom[mine.ghosts[k]];
    }
  repel(tables, atoms.type[i], ends, s, mine);
}

// ---- 2. radial functions -----------------------------------------------------------------------

// f_μ(r) = (r_max − r)² Σ_β c_μβ T_β(x) and its derivative, for LANES neighbours of one species.
template <int D>
ELYTE_INLINE void radial_functions_of(const Tables& tables, const double* c, Vec r, double* f,
                                      int stride) {
  constexpr int M = radial_functions(D);
  const Vec x = r * tables.x_scale + tables.x_shift;
  const Vec two_x = x + x;
  Vec t = all(1), t_last = x, dt = all(0), dt_last = all(1);  // T_{−1} = x, T'_{−1} = 1
  Vec value[M], slope[M];
  for (int mu = 0; mu < M; ++mu) value[mu] = slope[mu] = Vec{};
  for (int beta = 0; beta < tables.radial_size; ++beta, c += M) {
    for (int mu = 0; mu < M; ++mu) {
      value[mu] += c[mu] * t;
      slope[mu] += c[mu] * dt;
    }
    const Vec t_next = two_x * t - t_last;
    const Vec dt_next = two_x * dt + (t + t) - dt_last;
    t_last = t, t = t_next;
    dt_last = dt, dt = dt_next;
  }
  const Vec left = tables.cutoff - r;
  const Vec smooth = left * left, smooth_slope = left + left, scaled = smooth * tables.x_scale;
  for (int mu = 0; mu < M; ++mu) {
    store_unaligned(f + mu * stride, value[mu] * smooth);
    store_unaligned(f + (M + mu) * stride, slope[mu] * scaled - value[mu] * smooth_slope);
  }
}

// Geometry, weights and derivatives of all neighbours of one atom, in groups of LANES.
template <int D>
void prepare(const Tables& tables, int type, const int* ends, Scratch& s, Neighbourhood& mine) {
  constexpr int M = radial_functions(D), W = weights_at(D, 0);
  const double* c = tables.radial +
                    static_cast<std::ptrdiff_t>(type) * tables.species_count * tables.radial_size * M;
  const int padded = round_up(mine.count);
  double* group = mine.groups;
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
  for (int z = 0; z < tables.species_count; ++z, c += tables.radial_size * M) {
    // the last group of a species runs over into the next, which is written after it
    for (int k = begin; k < ends[z]; k += LANES)
      radial_functions_of<D>(tables, c, load_unaligned(s.r2 + k), s.radial + k, s.stride);
    begin = ends[z];
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

// ---- 3. moments --------------------------------------------------------------------------------

// x^(d−t) y^t for all t ≤ d ≤ D, degree by degree, for G groups side by side.
template <int D, int G>
ELYTE_INLINE void make_monomials(const double* group, double* m) {
  constexpr int R = rows<D>() * LANES, N = monomials_count(D) * LANES;
  for (int g = 0; g < G; ++g) {
    const Vec x = load(group + g * R + UNIT_X * LANES), y = load(group + g * R + UNIT_Y * LANES);
    double* to = m + g * N;
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
ELYTE_INLINE void sum_tile(const double* group, const double* m, int groups, int t, double* sums) {
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
ELYTE_INLINE void sum_degrees(const double* group, const double* m, int groups, double* sums) {
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

// ---- 4. contractions, one atom per lane --------------------------------------------------------

ELYTE_INLINE double* slot(double* base, int index) { return base + index * BLOCK; }

template <int D>
void contract(const Tables& tables, Scratch& s, double* energies) {
  constexpr int P = primary_slots(D);
  double *v = s.values, *adjoint = s.adjoints;
  for (int p = 0; p < P; ++p)
    for (int b = 0; b < BLOCK_VECTORS; ++b) {
      Vec lanes[LANES];
      for (int k = 0; k < LANES; ++k)
        lanes[k] = load(s.sums + (p * BLOCK + b * LANES + k) * LANES);
      store(slot(v, p) + b * LANES, sums_of_rows(lanes));
    }
  const int* derived = tables.derived;
  const int first_target = P + tables.derived_count;
  for (int k = 0; k < tables.derived_count; ++k)
    for (int b = 0; b < BLOCK; b += LANES)
      store(slot(v, P + k) + b, load(slot(v, derived[3 * k]) + b) -
                                    load(slot(v, derived[3 * k + 1]) + b) -
                                    load(slot(v, derived[3 * k + 2]) + b));
  const Term* const terms = tables.terms;
  const Term* term = terms;
  double* target = slot(v, first_target);
  for (int g = 0; g < tables.groups_count; ++g) {
    const Group group = tables.groups[g];
    for (int t = 0; t < group.targets; ++t, target += BLOCK) {
      Vec sum[BLOCK_VECTORS] = {};
      for (const Term* end = term + group.terms; term < end; ++term)
        for (int l = 0; l < BLOCK_VECTORS; ++l)
          sum[l] += term->weight * load(v + term->a + l * LANES) * load(v + term->b + l * LANES);
      for (int l = 0; l < BLOCK_VECTORS; ++l) store(target + l * LANES, sum[l]);
    }
  }

  const int values_count = tables.slots * BLOCK;
  for (int k = 0; k < values_count; k += LANES) store(adjoint + k, Vec{});
  Vec energy[BLOCK_VECTORS] = {};
  for (int k = 0; k < tables.seeds_count; ++k)
    for (int l = 0; l < BLOCK_VECTORS; ++l) {
      const int at = tables.seed_slot[k] * BLOCK + l * LANES;
      energy[l] += tables.seeds[k] * load(v + at);
      store(adjoint + at, all(tables.seeds[k]));
    }
  const int rows_count = tables.rows_count;
  const int* const columns = tables.columns;
  const double* const row_values = tables.row_values;
  for (int row = 0; row < rows_count; ++row) {
    const int a = tables.row_slot[row] * BLOCK, end = tables.row_first[row + 1];
    Vec mine[BLOCK_VECTORS], gradient[BLOCK_VECTORS] = {};
    for (int l = 0; l < BLOCK_VECTORS; ++l) mine[l] = load(v + a + l * LANES);
    for (int k = tables.row_first[row]; k < end; ++k)
      for (int l = 0; l < BLOCK_VECTORS; ++l) {
        const int b = columns[k] * BLOCK + l * LANES;
        gradient[l] += row_values[k] * load(v + b);
        store(adjoint + b, load(adjoint + b) + row_values[k] * mine[l]);
      }
    for (int l = 0; l < BLOCK_VECTORS; ++l) {
      energy[l] += mine[l] * gradient[l];
      store(adjoint + a + l * LANES, load(adjoint + a + l * LANES) + gradient[l]);
    }
  }
  for (int l = 0; l < BLOCK_VECTORS; ++l) store(energies + l * LANES, energy[l]);

  target = slot(adjoint, tables.slots);
  for (int g = tables.groups_count - 1; g >= 0; --g) {
    const Group group = tables.groups[g];
    for (int t = 0; t < group.targets; ++t) {
      target -= BLOCK;
      Vec above[BLOCK_VECTORS];
      for (int l = 0; l < BLOCK_VECTORS; ++l) above[l] = load(target + l * LANES);
      for (const Term* end = term - group.terms; term > end;) {
        --term;
        for (int l = 0; l < BLOCK_VECTORS; ++l) {
          const int a = term->a + l * LANES, b = term->b + l * LANES;
          const Vec scaled = term->weight * above[l];
          store(adjoint + a, load(adjoint + a) + scaled * load(v + b));
          store(adjoint + b, load(adjoint + b) + scaled * load(v + a));
        }
      }
    }
  }
  for (int k = tables.derived_count - 1; k >= 0; --k)
    for (int b = 0; b < BLOCK; b += LANES) {
      const Vec above = load(slot(adjoint, P + k) + b);
      for (int part = 0; part < 3; ++part) {
        double* to = slot(adjoint, derived[3 * k + part]) + b;
        store(to, part == 0 ? load(to) + above : load(to) - above);
      }
    }
}

// ---- 5. forces ---------------------------------------------------------------------------------

// Reverse pass for G groups of neighbours of one atom. With A the adjoints of its moments,
//   E' = Σ A_dtj w_j x^(d−t) y^t,
// column by column in t: along a column Horner's rule in x, from column to column in y.
template <int D, int G>
ELYTE_INLINE void gradient_of(const double* group, const double* adjoint, double* m, Vec* sums,
                              double* gradients) {
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
      const double* a = adjoint + slot_of(D, d, t, 0) * BLOCK;
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
    const double* rows_of = group + g * R;
    const Vec x = load(rows_of + UNIT_X * LANES), y = load(rows_of + UNIT_Y * LANES);
    const Vec z = load(rows_of + UNIT_Z * LANES);
    Vec gz{}, along{};  // ∂/∂z, and ∂/∂r through the radial functions
#pragma GCC unroll 16
    for (int mu = 0; mu < radial_functions(D); ++mu) {
      const Vec slope = load(rows_of + (WEIGHT + W + mu) * LANES);
      if (2 * mu + 1 < W) {
        gz += load(rows_of + (WEIGHT + 2 * mu) * LANES) * by_weight[g][2 * mu + 1];
        along += slope * (by_weight[g][2 * mu] + z * by_weight[g][2 * mu + 1]);
      } else {
        along += slope * by_weight[g][2 * mu];
      }
    }
    const Vec inverse = load(rows_of + INVERSE * LANES), r = load(rows_of + DISTANCE * LANES);
    // ∂û/∂r = (1 − û û) / r
    const Vec radial = along - (x * gx[g] + y * gy[g] + z * gz) * inverse;
    const Vec fx = x * radial + gx[g] * inverse, fy = y * radial + gy[g] * inverse;
    const Vec fz = z * radial + gz * inverse;
    store_rows(gradients + 4 * g * LANES, fx, fy, fz);
    const Vec rx = x * r, ry = y * r, rz = z * r;
    sums[0] += rx * fx, sums[1] += ry * fy, sums[2] += rz * fz;
    sums[3] += ry * fz, sums[4] += rx * fz, sums[5] += rx * fy;
    sums[6] += fx, sums[7] += fy, sums[8] += fz;
  }
}

// Add the repulsion to the gradients and their sums.
template <int D>
void add_core(const Scratch& s, const Neighbourhood& mine, Vec* sums) {
  for (int k = 0; k < mine.count; ++k) {
    if (mine.core[k] == 0) continue;
    const double* row = mine.groups + k / LANES * rows<D>() * LANES + k % LANES;
    const double r = row[DISTANCE * LANES];
    const double u[3] = {row[UNIT_X * LANES], row[UNIT_Y * LANES], row[UNIT_Z * LANES]};
    for (int x = 0; x < 3; ++x) {
      const double g = mine.core[k] * u[x];
      s.gradients[4 * k + x] += g;
      sums[x][0] += r * u[x] * g;
      sums[3 + x][0] += r * u[(x + 1) % 3] * u[(x + 2) % 3] * mine.core[k];
      sums[6 + x][0] += g;
    }
  }
}

template <int D>
void add_forces(const Atoms& atoms, Scratch& s, int atom, std::int64_t i, Vec* strain,
                double* forces) {
  constexpr int R = rows<D>() * LANES;
  constexpr int G = 2;
  const Neighbourhood& mine = s.of[atom];
  const double* adjoint = s.adjoints + atom;
  const int groups = round_up(mine.count) / LANES;
  Vec sums[9] = {};  // of the strain gradient, then of the gradient
  int g = 0;
  for (; g + G <= groups; g += G)
    gradient_of<D, G>(mine.groups + g * R, adjoint, s.monomials, sums,
                      s.gradients + 4 * g * LANES);
  for (; g < groups; ++g)
    gradient_of<D, 1>(mine.groups + g * R, adjoint, s.monomials, sums,
                      s.gradients + 4 * g * LANES);
  if (mine.near) add_core<D>(s, mine, sums);
  for (int k = 0; k < 6; ++k) strain[k] += sums[k];
  for (int x = 0; x < 3; ++x) forces[4 * i + x] += sum_of(sums[6 + x]);
  for (int k = 0; k < mine.count; ++k) {
    double* other = forces + 4 * static_cast<std::ptrdiff_t>(atoms.ghost_atom[mine.ghosts[k]]);
    store_quad(other, load_quad(other) - load_quad(s.gradients + 4 * k));
  }
}

// ---- the whole ---------------------------------------------------------------------------------

template <int D>
void range_of(const Tables& tables, const Atoms& atoms, std::int64_t begin, std::int64_t end,
              double* memory, Results& results) {
  Scratch s;
  lay_out<D>(tables, atoms, memory, s);
  Vec strain[6] = {};
  results.coincident[0] = results.coincident[1] = -1;
  int ends[128];
  for (std::int64_t block = begin; block < end; block += BLOCK) {
    const int members = static_cast<int>(end - block < BLOCK ? end - block : BLOCK);
    for (int atom = 0; atom < BLOCK; ++atom) {
      s.of[atom].count = 0;
      if (atom < members) {
        gather(tables, atoms, block + atom, s, s.of[atom], ends, results);
        prepare<D>(tables, atoms.type[block + atom], ends, s, s.of[atom]);
      }
      sum_moments<D>(s, atom);
    }
    alignas(64) double energies[BLOCK];
    contract<D>(tables, s, energies);
    for (int atom = 0; atom < members; ++atom) {
      results.energies[block + atom] =
          energies[atom] + tables.isolated[atoms.type[block + atom]] + s.of[atom].core_energy;
      add_forces<D>(atoms, s, atom, block + atom, strain, results.forces);
    }
  }
  for (int k = 0; k < 6; ++k) results.strain[k] = sum_of(strain[k]);
}

template <int D>
std::size_t scratch_of(const Tables& tables, const Atoms& atoms) {
  Scratch s;
  return lay_out<D>(tables, atoms, nullptr, s);
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

// Twelve independent chains of multiply-adds; returns the operations done (2 for each).
double multiply_adds(std::int64_t rounds) {
  Vec sum[12];
  for (int k = 0; k < 12; ++k) sum[k] = all(k);
  Vec factor = all(0.999999), addend = all(1e-9);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int k = 0; k < 12; ++k) sum[k] = sum[k] * factor + addend;
  }
  Vec total{};
  for (int k = 0; k < 12; ++k) total += sum[k];
  volatile double kept = sum_of(total);  // so that the loop is not left out
  (void)kept;
  return 2.0 * 12 * LANES * static_cast<double>(rounds);
}

}  // namespace
}  // namespace elyte::mtp
