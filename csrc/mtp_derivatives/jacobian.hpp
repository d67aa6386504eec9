// Rows of the Jacobian: energy, forces and ∂E/∂ε of a structure by the parameters. Moving neighbour
// j of atom i along an axis a changes E_i's derivatives by
//   ∂²E_i/∂r_ja ∂ξ_α = Ḃ_α,
//   ∂²E_i/∂r_ja ∂c[μ][z][β] = Σ ġ R_z (over the moments of μ) + [z = z_j] (Q_β p_μ + Q'_β q_μ),
// with R_z the sums of Q_β x^(d−t) y^t, with z or without, over the neighbours of species z.
// Included by passes_body.hpp only, and so compiled once for each instruction set and precision.
#pragma once

#include "mtp_derivatives/radial.hpp"
#include "mtp_derivatives/sweep.hpp"
#include "mtp_derivatives/tangents.hpp"

namespace elyte::derivatives {
namespace {

// The primary moments of each μ, and the monomial x^(d−t) y^t, with z or without, that each has.
template <int D>
struct MomentsOf {
  struct Moment {
    int slot, monomial;
  };
  Moment list[primary_slots(D)];
  int first[radial_functions(D) + 1];

  MomentsOf() {
    int count = 0;
    for (int mu = 0; mu < radial_functions(D); ++mu) {
      first[mu] = count;
      for (int d = 0; d <= D; ++d)
        for (int t = 0; t <= d; ++t)
          for (int j = 2 * mu; j < 2 * mu + 2 && j < weights_at(D, d); ++j)
            list[count++] = {slot_of(D, d, t, j), 2 * (d * (d + 1) / 2 + t) + j % 2};
    }
    first[radial_functions(D)] = count;
  }
};

// What stays the same for all atoms.
template <int D>
struct Setting {
  const Tables& t;
  const Reversal& reversal;
  const Structure& structure;
  RowColumns columns;
  MomentsOf<D> moments{};
  Real* rows;  // of the whole structure: energy, forces, strain

  Real* force_row(std::int64_t j, int axis) const { return rows + (1 + 3 * j + axis) * columns.all; }
  Real* strain_row(int a, int b) const {
    return rows + (1 + 3 * structure.n + 3 * a + b) * columns.all;
  }
};

// ---- one atom ------------------------------------------------------------------------------------

ELYTE_INLINE void add_unaligned(Real* to, Vec v) { store_unaligned(to, load_unaligned(to) + v); }

// resolved[monomial, with z or without][z][β]
template <int D>
void resolve(const Setting<D>& setting, const Neighbourhood& mine, Work& w) {
  constexpr int N = monomials_count(D);
  const Tables& t = setting.t;
  const int padded = round_up(t.radial_size), width = setting.columns.of_function;
  for (int k = 0; k < 2 * N * width; k += LANES) store(w.resolved + k, Vec{});
  for (int k = 0, z = 0; k < mine.count; ++k) {
    while (k >= mine.ends[z]) ++z;
    const Real* m = w.s.monomials + k / LANES * N * LANES + k % LANES;
    const Real unit_z = mine.groups[(k / LANES * rows<D>() + UNIT_Z) * LANES + k % LANES];
    for (int first = 0; first < padded; first += LANES) {
      const Vec q = static_cast<Real>(t.scaling) * load(w.basis + k * padded + first);
      const Vec q_z = unit_z * q;
      Real* to = w.resolved + z * t.radial_size + first;
      for (int n = 0; n < N; ++n, to += 2 * width) {
        add_unaligned(to, m[n * LANES] * q);
        add_unaligned(to + width, m[n * LANES] * q_z);
      }
    }
  }
}

// Which vectors of columns [z][β] have a species that is there.
inline int present_vectors(const Tables& t, const Neighbourhood& mine, int width, int* list) {
  int count = 0;
  for (int first = 0; first < width; first += LANES) {
    const int z = first / t.radial_size, last = (first + LANES - 1) / t.radial_size;
    const int end = mine.ends[last < t.species_count ? last : t.species_count - 1];
    if (z < t.species_count && end > (z > 0 ? mine.ends[z - 1] : 0)) list[count++] = first;
  }
  return count;
}

// ∂E_i/∂θ, added to the energy's row.
template <int D>
void add_energy_row(const Setting<D>& setting, const Real* values, const Real* adjoints,
                    const Real* resolved, Real* radial) {
  const Tables& t = setting.t;
  const Term<Real>* term = coefficients_of(t).scalar_terms;
  for (int alpha = 0; alpha < t.scalars_count; ++alpha) {
    Real sum = t.scalar_slot[alpha] < 0 ? 0 : values[t.scalar_slot[alpha] / SLOT_BYTES];
    for (int k = 0; k < t.scalar_terms_count[alpha]; ++k, ++term)
      sum += term->weight * values[term->a / SLOT_BYTES] * values[term->b / SLOT_BYTES];
    setting.rows[alpha] += sum;
  }
  const int width = setting.columns.of_function;
  for (int mu = 0; mu < t.n_mu; ++mu, radial += width)
    for (int k = setting.moments.first[mu]; k < setting.moments.first[mu + 1]; ++k) {
      const auto& moment = setting.moments.list[k];
      const Real* of_moment = resolved + moment.monomial * width;
      for (int c = 0; c < width; c += LANES)
        store(radial + c, load(radial + c) + adjoints[moment.slot] * load(of_moment + c));
    }
}

// ---- displacements of a block of neighbours, one per lane ----------------------------------------

// Ȧ of the primary moments: w_j ṁ + ẇ_j m.
template <int D>
void moment_rates(const Real* group, const Real* rate, const Real* m, const Real* dm, Real* dv) {
  for (int d = 0; d <= D; ++d)
    for (int t = 0; t <= d; ++t) {
      const int J = weights_at(D, d), at = (d * (d + 1) / 2 + t) * LANES;
      const Vec value = load(m + at), change = load(dm + at);
      for (int j = 0; j < J; ++j)
        store(dv + slot_of(D, d, t, j) * SWEEP, load(group + (WEIGHT + j) * LANES) * change +
                                                    load(rate + (WEIGHT_RATE + j) * LANES) * value);
    }
}

// The neighbours from `begin` on, moved along one axis: Ȧ, and what stands before Q and Q'.
template <int D>
void move_along(const Neighbourhood& mine, int begin, int end, int axis, Work& w) {
  constexpr int N = monomials_count(D), W = weights_at(D, 0);
  const std::ptrdiff_t of_axis = axis * radial_functions(D) * w.s.stride;
  Vec delta[3] = {};
  delta[axis] = all(1);
  for (int k = begin; k < end; k += LANES) {
    const Real *group = mine.groups + k * rows<D>(), *m = w.s.monomials + k * N;
    move<D>(group, delta, w.rates);
    make_monomial_rates<D>(group, w.rates, m, w.monomial_rates);
    moment_rates<D>(group, w.rates, m, w.monomial_rates,
                    w.tangents + axis * BLOCK + (k - begin));
    by_radial_functions<D, false>(group, w.rates, w.by_weights + k * W, nullptr, w.adjoints, m,
                                  w.monomial_rates, w.direct + of_axis + k, w.turned + of_axis + k,
                                  w.s.stride);
  }
}

// Ḃ_α of displacements along one axis, put down as rows.
inline void fill_scalars(const Tables& t, const Real* values, const Real* dv, Real* rows,
                         int stride) {
  const Term<Real>* term = coefficients_of(t).scalar_terms;
  for (int first = 0; first < t.scalars_count; first += LANES) {
    Vec sums[BLOCK_VECTORS][LANES] = {};
    for (int k = 0; k < LANES && first + k < t.scalars_count; ++k) {
      const std::int32_t stands = t.scalar_slot[first + k];
      const Term<Real>* const end = term + t.scalar_terms_count[first + k];
      for (int l = 0; l < BLOCK_VECTORS; ++l)
        sums[l][k] = stands < 0 ? Vec{} : load(of_sweep(dv, stands) + l * LANES);
      for (; term < end; ++term) {
        const Real a = term->weight * values[term->a / SLOT_BYTES];
        const Real b = term->weight * values[term->b / SLOT_BYTES];
        for (int l = 0; l < BLOCK_VECTORS; ++l)
          sums[l][k] += b * load(of_sweep(dv, term->a) + l * LANES) +
                        a * load(of_sweep(dv, term->b) + l * LANES);
      }
    }
    for (int l = 0; l < BLOCK_VECTORS; ++l) {
      transpose(sums[l]);
      for (int lane = 0; lane < LANES; ++lane)
        store(rows + (l * LANES + lane) * stride + first, sums[l][lane]);
    }
  }
}

// Σ ġ R over the moments of one μ: COUNT vectors of columns of four displacements.
template <int COUNT, typename Moment>
void multiply(const Moment* moment, const Moment* end, const Real* dg, const Real* resolved,
              int width, const int* columns, Real* to, int stride) {
  constexpr int L = 4;
  Vec total[L][COUNT] = {};
  for (; moment < end; ++moment) {
    const Real *g = dg + moment->slot * SWEEP, *of_moment = resolved + moment->monomial * width;
#pragma GCC unroll 8
    for (int c = 0; c < COUNT; ++c) {
      const Vec r = load(of_moment + columns[c]);
#pragma GCC unroll 8
      for (int l = 0; l < L; ++l) total[l][c] += g[l] * r;
    }
  }
#pragma GCC unroll 8
  for (int l = 0; l < L; ++l)
#pragma GCC unroll 8
    for (int c = 0; c < COUNT; ++c) store(to + l * stride + columns[c], total[l][c]);
}

constexpr int MOST_COLUMNS = MOST_ACCUMULATORS / 4;

template <int COUNT = MOST_COLUMNS, typename... Given>
ELYTE_INLINE void multiply_some(int count, Given... given) {
  if constexpr (COUNT > 1)
    if (count < COUNT) return multiply_some<COUNT - 1>(count, given...);
  multiply<COUNT>(given...);
}

// Some vectors of columns of all displacements along one axis.
template <int D>
void fill_radial(const Setting<D>& setting, const int* list, int list_count, const Real* dg,
                 int count, const Real* resolved, Real* rows, int stride) {
  const int width = setting.columns.of_function;
  for (int mu = 0; mu < setting.t.n_mu; ++mu, rows += width) {
    const auto* moments = setting.moments.list;
    const int *first = setting.moments.first + mu;
    for (int c = 0; c < list_count; c += MOST_COLUMNS)
      for (int lane = 0; lane < count; lane += 4)
        multiply_some(list_count - c, moments + first[0], moments + first[1], dg + lane, resolved,
                      width, list + c, rows + lane * stride, stride);
  }
}

// The moved neighbours' own part.
template <int D>
void add_own(const Setting<D>& setting, const Neighbourhood& mine, int begin, int end, int axis,
             int stride, const Work& w, Real* rows) {
  const Tables& t = setting.t;
  const int padded = round_up(t.radial_size), width = setting.columns.of_function;
  const std::ptrdiff_t of_axis = axis * radial_functions(D) * w.s.stride;
  for (int k = begin, z = 0; k < end; ++k, rows += stride) {
    while (k >= mine.ends[z]) ++z;
    const Real *direct = w.direct + of_axis + k, *turned = w.turned + of_axis + k;
    for (int first = 0; first < padded; first += LANES) {
      const Vec q = static_cast<Real>(t.scaling) * load(w.basis + k * padded + first);
      const Vec dq = static_cast<Real>(t.scaling) * load(w.slopes + k * padded + first);
      Real* to = rows + z * t.radial_size + first;
      for (int mu = 0; mu < t.n_mu; ++mu)
        add_unaligned(to + mu * width, direct[mu * w.s.stride] * q + turned[mu * w.s.stride] * dq);
    }
  }
}

// One vector of columns of the displacements along one axis: force rows of the neighbours −, of the
// centre +, strain rows × r. `from` is where the vector stands in their rows, `to` in all rows.
template <int D>
ELYTE_INLINE void scatter(const Setting<D>& setting, std::int64_t i, int begin, int count, int axis,
                          const Real* from, int stride, std::ptrdiff_t to) {
  const Structure& structure = setting.structure;
  const std::int64_t first = structure.first[i] + begin;
  Vec total{}, moment[3] = {};
  for (int k = 0; k < count; ++k) {
    const Vec value = load(from + k * stride);
    Real* row = setting.force_row(structure.index[first + k], axis) + to;
    store(row, load(row) - value);
    total += value;
    for (int b = 0; b < 3; ++b)
      moment[b] += static_cast<Real>(structure.vectors[b][first + k]) * value;
  }
  Real* centre = setting.force_row(i, axis) + to;
  store(centre, load(centre) + total);
  for (int b = 0; b < 3; ++b) {
    Real* strain = setting.strain_row(axis, b) + to;
    store(strain, load(strain) + moment[b]);
  }
}

// Neighbours of atom i from `begin` on, a block of them, moved along each axis.
template <int D>
void displace(const Setting<D>& setting, std::int64_t i, const Neighbourhood& mine, int begin,
              const int* list, int list_count, Work& w) {
  constexpr int P = primary_slots(D);
  const Tables& t = setting.t;
  const RowColumns& columns = setting.columns;
  const int end = mine.count - begin < BLOCK ? mine.count : begin + BLOCK, count = end - begin;
  for (int axis = 0; axis < 3; ++axis)
    move_along<D>(mine, begin, end, axis, w);
  derive<SWEEP>(t, P, w.tangents);
  sweep_forward(t, w.factors, w.tangents, w.tangents + (P + t.derived_count) * SWEEP);
  sweep_backwards(t, setting.reversal, w.factors, w.pairs, w.tangents, w.reverse);
  derive_backwards<SWEEP>(t, P, w.reverse);
  const int stride = columns.scalars + columns.of_centre;
  Real* radial = w.rows + columns.scalars;
  for (int axis = 0; axis < 3; ++axis) {
    fill_scalars(t, w.values, w.tangents + axis * BLOCK, w.rows, stride);
    fill_radial<D>(setting, list, list_count, w.reverse + axis * BLOCK, count, w.resolved, radial,
                   stride);
    add_own<D>(setting, mine, begin, end, axis, stride, w, radial);
    for (int c = 0; c < columns.scalars; c += LANES)
      scatter<D>(setting, i, begin, count, axis, w.rows + c, stride, c);
    for (int mu = 0; mu < t.n_mu; ++mu)
      for (int c = 0; c < list_count; ++c) {
        const int from = mu * columns.of_function + list[c];
        scatter<D>(setting, i, begin, count, axis, radial + from, stride,
                   columns.of_type(setting.structure.type[i]) + from);
      }
  }
}

// Rows of groups of WIDE neighbours, as the state has them, in groups of LANES; the last one stands
// for those that fill them up.
inline void regroup(const double* from, int of_neighbour, int count, Real* to) {
  for (int k = 0; k < round_up(count); ++k) {
    const int source = k < count ? k : count - 1;
    const double* numbers = from + source / WIDE * of_neighbour * WIDE + source % WIDE;
    Real* put = to + k / LANES * of_neighbour * LANES + k % LANES;
    for (int n = 0; n < of_neighbour; ++n) put[n * LANES] = static_cast<Real>(numbers[n * WIDE]);
  }
}

// What the state has of atom i, in the precision of the rows.
template <int D>
Neighbourhood& take_over(const State<D>& state, std::int64_t i, Work& w) {
  const Tables& t = state.tables;
  Neighbourhood& mine = w.s.of[0];
  mine.count = state.count(i);
  for (int z = 0; z < t.species_count; ++z)
    mine.ends[z] = state.structure.ends[i * t.species_count + z];
  regroup(state.groups(i), rows<D>(), mine.count, mine.groups);
  regroup(state.by_weights(i), weights_at(D, 0), mine.count, w.by_weights);
  const double* values = state.values(i / EIGHT) + i % EIGHT;
  const double* adjoints = state.adjoints(i / EIGHT) + i % EIGHT;
  for (int k = 0; k < t.slots; ++k) {
    w.values[k] = static_cast<Real>(values[k * EIGHT]);
    w.adjoints[k] = static_cast<Real>(adjoints[k * EIGHT]);
  }
  return mine;
}

template <int D>
void rows_of_atom(const Setting<D>& setting, const State<D>& state, std::int64_t i, Work& w) {
  const Tables& t = setting.t;
  const Neighbourhood& mine = take_over(state, i, w);
  own_factors(t, setting.reversal, w);
  for (int k = 0; k < mine.count; k += LANES)
    make_monomials<D, 1>(mine.groups + k * rows<D>(), w.s.monomials + k * monomials_count(D));
  make_basis_and_slopes<D>(t, mine, w);
  resolve<D>(setting, mine, w);
  add_energy_row<D>(setting, w.values, w.adjoints, w.resolved,
                    setting.rows + setting.columns.of_type(setting.structure.type[i]));
  const int list_count = present_vectors(t, mine, setting.columns.of_function, w.present);
  for (int begin = 0; begin < mine.count; begin += BLOCK)
    displace<D>(setting, i, mine, begin, w.present, list_count, w);
}

// Atoms of one species after the other: they touch the same columns, which stay in the cache.
template <int D>
void jacobian(const Tables& t, const Reversal& reversal, const Structure& structure, double* memory,
              double* work, Real* rows) {
  Work w;
  lay_out_work<D>(t, structure.most_neighbours, work, w);
  const State<D> state{t, structure, memory};
  const Setting<D> setting{t, reversal, structure, RowColumns(t), {}, rows};
  for (int k = 0; k < t.slots * SWEEP; k += LANES) store(w.tangents + k, Vec{});
  const int stride = setting.columns.scalars + setting.columns.of_centre;
  for (int k = 0; k < BLOCK * stride; k += LANES) store(w.rows + k, Vec{});
  for (int z = 0; z < t.species_count; ++z)
    for (std::int64_t i = 0; i < structure.n; ++i)
      if (structure.type[i] == z) rows_of_atom<D>(setting, state, i, w);
}

}  // namespace
}  // namespace elyte::derivatives
