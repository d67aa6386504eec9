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

struct Neighbourhood {  // of one atom of the block
  double* groups;       // (group, row, lane)
  std::int32_t* index;
  int count;
};

// One call's working memory, cut out of a single piece.
struct Scratch {
  Neighbourhood of[BLOCK];
  double *dx, *dy, *dz, *r2;  // of one atom, unpadded order
  double* radial;             // (2 n_mu, stride) f and f' of one atom
  double* monomials;          // (group, monomial, lane)
  double* sums;               // (slot, atom, lane)
  double* values;             // (slot, atom)
  double* adjoints;           // (slot, atom)
  double *gx, *gy, *gz;       // ∂E_i/∂r_ij of one atom
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
    neighbourhood.index = reinterpret_cast<std::int32_t*>(pieces.take((n + 1) / 2));
  }
  double** const of_neighbours[] = {&s.dx, &s.dy, &s.dz, &s.r2, &s.gx, &s.gy, &s.gz};
  for (double** piece : of_neighbours) *piece = pieces.take(n);
  s.radial = pieces.take(n * 2 * radial_functions(D));
  s.monomials = pieces.take(n * monomials_count(D));
  s.sums = pieces.take(static_cast<std::size_t>(primary_slots(D)) * BLOCK * LANES);
  s.values = pieces.take(static_cast<std::size_t>(tables.slots) * BLOCK);
  s.adjoints = pieces.take(static_cast<std::size_t>(tables.slots) * BLOCK);
  return pieces.used;
}

// ---- 1. neighbours within the cutoff -----------------------------------------------------------

// Keeps the order by species; `ends` receives where each species ends.
void gather(const Tables& tables, const Atoms& atoms, std::int64_t i, Scratch& s,
            Neighbourhood& mine, int* ends, Results& results) {
  const double* here = atoms.positions + 3 * i;
  const double cutoff2 = tables.cutoff * tables.cutoff;
  int count = 0;
  for (int z = 0; z < tables.species_count; ++z) {
    const std::int64_t begin = atoms.species_first[i * tables.species_count + z];
    const std::int64_t end = z + 1 < tables.species_count
                                 ? atoms.species_first[i * tables.species_count + z + 1]
                                 : atoms.first[i + 1];
    for (std::int64_t k = begin; k < end; ++k) {
      const double* there = atoms.positions + 3 * static_cast<std::int64_t>(atoms.index[k]);
      const double* offset = atoms.image_offsets + 3 * static_cast<std::int64_t>(atoms.image[k]);
      const double dx = there[0] - here[0] + offset[0];
      const double dy = there[1] - here[1] + offset[1];
      const double dz = there[2] - here[2] + offset[2];
      const double r2 = dx * dx + dy * dy + dz * dz;
      s.dx[count] = dx;
      s.dy[count] = dy;
      s.dz[count] = dz;
      s.r2[count] = r2;
      mine.index[count] = atoms.index[k];
      count += r2 < cutoff2;
    }
    ends[z] = count;
  }
  mine.count = count;
  for (int k = 0; k < count; ++k)
    if (s.r2[k] < 1e-12) {
      results.coincident[0] = i;
      results.coincident[1] = mine.index[k];
    }
  for (int k = count; k < count + LANES; ++k) {  // harmless values for the lanes left over
    s.dx[k] = s.dy[k] = s.dz[k] = 0;
    s.r2[k] = 1;
  }
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
  int begin = 0;
  for (int z = 0; z < tables.species_count; ++z, c += tables.radial_size * M) {
    // the last group of a species runs over into the next, which is written after it
    for (int k = begin; k < ends[z]; k += LANES)
      radial_functions_of<D>(tables, c, square_root(load_unaligned(s.r2 + k)), s.radial + k,
                             s.stride);
    begin = ends[z];
  }
  const int padded = round_up(mine.count);
  for (int row = 0; row < 2 * M; ++row)
    for (int k = mine.count; k < padded; ++k) s.radial[row * s.stride + k] = 0;
  double* group = mine.groups;
  for (int k = 0; k < padded; k += LANES, group += rows<D>() * LANES) {
    const Vec r = square_root(load(s.r2 + k));
    const Vec inverse = 1.0 / r;
    const Vec z = load(s.dz + k) * inverse;
    store(group + UNIT_X * LANES, load(s.dx + k) * inverse);
    store(group + UNIT_Y * LANES, load(s.dy + k) * inverse);
    store(group + UNIT_Z * LANES, z);
    store(group + INVERSE * LANES, inverse);
    store(group + DISTANCE * LANES, r);
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
  for (int t = 0; t < tables.targets_count; ++t) {
    Vec sum[BLOCK_VECTORS] = {};
    for (int k = tables.target_first[t]; k < tables.target_first[t + 1]; ++k) {
      const double *a = slot(v, tables.factors[2 * k]), *b = slot(v, tables.factors[2 * k + 1]);
      const double weight = tables.weights[k];
      for (int l = 0; l < BLOCK_VECTORS; ++l)
        sum[l] += weight * load(a + l * LANES) * load(b + l * LANES);
    }
    for (int l = 0; l < BLOCK_VECTORS; ++l)
      store(slot(v, first_target + t) + l * LANES, sum[l]);
  }

  Vec energy[BLOCK_VECTORS] = {};
  for (int k = 0; k < tables.slots; ++k)
    for (int l = 0; l < BLOCK_VECTORS; ++l) {
      const Vec seed = all(tables.seed[k]);
      energy[l] += seed * load(slot(v, k) + l * LANES);
      store(slot(adjoint, k) + l * LANES, seed);
    }
  for (int row = 0; row < tables.rows_count; ++row) {
    const int a = tables.row_slot[row];
    Vec mine[BLOCK_VECTORS], gradient[BLOCK_VECTORS] = {};
    for (int l = 0; l < BLOCK_VECTORS; ++l) mine[l] = load(slot(v, a) + l * LANES);
    for (int k = tables.row_first[row]; k < tables.row_first[row + 1]; ++k) {
      const int b = tables.columns[k];
      const double value = tables.row_values[k];
      for (int l = 0; l < BLOCK_VECTORS; ++l) {
        gradient[l] += value * load(slot(v, b) + l * LANES);
        double* other = slot(adjoint, b) + l * LANES;
        store(other, load(other) + value * mine[l]);
      }
    }
    for (int l = 0; l < BLOCK_VECTORS; ++l) {
      energy[l] += mine[l] * gradient[l];
      double* own = slot(adjoint, a) + l * LANES;
      store(own, load(own) + gradient[l]);
    }
  }
  for (int l = 0; l < BLOCK_VECTORS; ++l) store(energies + l * LANES, energy[l]);

  for (int t = tables.targets_count - 1; t >= 0; --t) {
    Vec above[BLOCK_VECTORS];
    for (int l = 0; l < BLOCK_VECTORS; ++l)
      above[l] = load(slot(adjoint, first_target + t) + l * LANES);
    for (int k = tables.target_first[t]; k < tables.target_first[t + 1]; ++k) {
      const int a = tables.factors[2 * k], b = tables.factors[2 * k + 1];
      const double weight = tables.weights[k];
      for (int l = 0; l < BLOCK_VECTORS; ++l) {
        const Vec scaled = weight * above[l];
        double *to_a = slot(adjoint, a) + l * LANES, *to_b = slot(adjoint, b) + l * LANES;
        store(to_a, load(to_a) + scaled * load(slot(v, b) + l * LANES));
        store(to_b, load(to_b) + scaled * load(slot(v, a) + l * LANES));
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
ELYTE_INLINE void gradient_of(const double* group, const double* adjoint, double* m, Vec* strain,
                              double* gx_out, double* gy_out, double* gz_out) {
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
#pragma GCC unroll 4
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
    store(gx_out + g * LANES, fx);
    store(gy_out + g * LANES, fy);
    store(gz_out + g * LANES, fz);
    const Vec rx = x * r, ry = y * r, rz = z * r;
    strain[0] += rx * fx, strain[1] += ry * fy, strain[2] += rz * fz;
    strain[3] += ry * fz, strain[4] += rx * fz, strain[5] += rx * fy;
  }
}

template <int D>
void add_forces(Scratch& s, int atom, std::int64_t i, Vec* strain, double* forces) {
  constexpr int R = rows<D>() * LANES;
  constexpr int G = 2;
  const Neighbourhood& mine = s.of[atom];
  const double* adjoint = s.adjoints + atom;
  const int groups = round_up(mine.count) / LANES;
  int g = 0;
  for (; g + G <= groups; g += G)
    gradient_of<D, G>(mine.groups + g * R, adjoint, s.monomials, strain, s.gx + g * LANES,
                      s.gy + g * LANES, s.gz + g * LANES);
  for (; g < groups; ++g)
    gradient_of<D, 1>(mine.groups + g * R, adjoint, s.monomials, strain, s.gx + g * LANES,
                      s.gy + g * LANES, s.gz + g * LANES);
  double own[3] = {0, 0, 0};
  for (int k = 0; k < mine.count; ++k) {
    double* other = forces + 3 * static_cast<std::ptrdiff_t>(mine.index[k]);
    other[0] -= s.gx[k];
    other[1] -= s.gy[k];
    other[2] -= s.gz[k];
    own[0] += s.gx[k];
    own[1] += s.gy[k];
    own[2] += s.gz[k];
  }
  for (int x = 0; x < 3; ++x) forces[3 * i + x] += own[x];
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
          energies[atom] + tables.isolated[atoms.type[block + atom]];
      add_forces<D>(s, atom, block + atom, strain, results.forces);
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

// Sixteen independent chains of multiply-adds; returns the operations done (2 for each).
double multiply_adds(std::int64_t rounds) {
  Vec sum[16];
  for (int k = 0; k < 16; ++k) sum[k] = all(k);
  Vec factor = all(0.999999), addend = all(1e-9);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int k = 0; k < 16; ++k) sum[k] = sum[k] * factor + addend;
  }
  Vec total{};
  for (int k = 0; k < 16; ++k) total += sum[k];
  volatile double kept = sum_of(total);  // so that the loop is not left out
  (void)kept;
  return 2.0 * 16 * LANES * static_cast<double>(rounds);
}

}  // namespace
}  // namespace elyte::mtp
