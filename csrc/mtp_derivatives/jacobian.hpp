// Rows of the Jacobian: forces and ∂E/∂ε of a structure by the parameters. Moving neighbour j of
// atom i along an axis a changes E_i's derivatives by
//   ∂²E_i/∂r_ja ∂ξ_α = Ḃ_α,
//   ∂²E_i/∂r_ja ∂c[z][μ][β] = Σ ġ R_z (over the moments of μ) + [z = z_j] (Q_β p_μ + Q'_β q_μ),
// with R_z the sums of Q_β x^(d−t) y^t, with z or without, over the neighbours of species z.
// Included by passes_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp_derivatives/gradient.hpp"

namespace elyte::derivatives {
namespace {

// Where columns stand, in doubles: of all rows, and of those that one species of centre touches.
template <int D>
struct Columns {
  int scalars, beta, of_species, count;  // β filled up; of one species of neighbour; of all
  std::ptrdiff_t row;                    // from one row to the next

  explicit Columns(const Tables& t)
      : scalars(static_cast<int>(whole_eights(t.scalars_count))),
        beta(static_cast<int>(whole_eights(t.radial_size))),
        of_species(t.n_mu * beta),
        count(scalars + t.species_count * of_species),
        row(static_cast<std::ptrdiff_t>(padded_width(t))) {}
};

// ---- products, one displacement per lane; the factors are those of one atom ----------------------

// The factors w v_a and w v_b of all products, and C_ab.
inline void own_factors(const Tables& t, const Reversal& reversal, Work& w, int atom) {
  double *values = w.own, *adjoints = w.own + t.slots;
  for (int k = 0; k < t.slots; ++k) {
    values[k] = w.s.values[k * BLOCK + atom];
    adjoints[k] = w.s.adjoints[k * BLOCK + atom];
  }
  const auto number = [](std::int32_t offset) { return offset / SLOT_BYTES; };
  const int terms = static_cast<int>(terms_count(t));
  for (int k = 0; k < terms; ++k) {
    const Term<double>& term = t.in_double.terms[k];
    w.factors[2 * k] = term.weight * values[number(term.a)];
    w.factors[2 * k + 1] = term.weight * values[number(term.b)];
  }
  for (int k = 0; k < reversal.pairs; ++k) {
    double sum = reversal.form[k] < 0 ? 0 : t.in_double.row_values[reversal.form[k]];
    for (int x = reversal.shares_first[k]; x < reversal.shares_first[k + 1]; ++x)
      sum += reversal.shares[x].weight * adjoints[reversal.shares[x].slot];
    w.pairs[k] = sum;
  }
}

inline void sweep_forward(const Tables& t, const double* factors, double* dv, double* to) {
  const Term<double>* term = t.in_double.terms;
  for (int g = 0; g < t.groups_count; ++g)
    for (int k = 0; k < t.groups[g].targets; ++k, to += EIGHT) {
      Vec sum[BLOCK_VECTORS] = {};
      for (const Term<double>* end = term + t.groups[g].terms; term < end; ++term, factors += 2)
        for (int l = 0; l < BLOCK_VECTORS; ++l)
          sum[l] += factors[1] * load(at(dv, term->a) + l * LANES) +
                    factors[0] * load(at(dv, term->b) + l * LANES);
      for (int l = 0; l < BLOCK_VECTORS; ++l) store(to + l * LANES, sum[l]);
    }
}

inline void sweep_backwards(const Tables& t, const Reversal& reversal, const double* factors,
                            const double* pairs, const double* dv, double* dg) {
  const Reversal::Above* above = reversal.above;
  const Reversal::Beside* beside = reversal.beside;
  const Reversal::Factor* factor = reversal.factors;
  for (int slot = t.slots - 1; slot >= 0; --slot, ++factor) {
    Vec sum[BLOCK_VECTORS] = {};
    for (const Reversal::Above* end = above + factor->above; above < end; ++above)
      for (int l = 0; l < BLOCK_VECTORS; ++l)
        sum[l] += factors[above->factor] * load(at(dg, above->target) + l * LANES);
    for (const Reversal::Beside* end = beside + factor->beside; beside < end; ++beside)
      for (int l = 0; l < BLOCK_VECTORS; ++l)
        sum[l] += pairs[beside->pair] * load(at(dv, beside->other) + l * LANES);
    for (int l = 0; l < BLOCK_VECTORS; ++l) store(dg + slot * EIGHT + l * LANES, sum[l]);
  }
}

// ---- what the rows of eight displacements hold ---------------------------------------------------

// resolved[z][monomial, with z or without][β]
template <int D>
void resolve(const Tables& t, const Neighbourhood& mine, const Columns<D>& columns, Work& w) {
  constexpr int N = monomials_count(D);
  const int padded = round_up(t.radial_size);
  double* sums = w.resolved;
  int begin = 0;
  for (int z = 0; z < t.species_count; ++z, sums += 2 * N * columns.beta) {
    for (int k = 0; k < 2 * N * columns.beta && begin < mine.ends[z]; ++k) sums[k] = 0;
    for (int k = begin; k < mine.ends[z]; ++k) {
      const double* m = w.s.monomials + k / LANES * N * LANES + k % LANES;
      const double unit_z = mine.groups[(k / LANES * rows<D>() + UNIT_Z) * LANES + k % LANES];
      for (int first = 0; first < padded; first += LANES) {
        const Vec q = t.scaling * load(w.basis + k * padded + first), q_z = unit_z * q;
        double* to = sums + first;
        for (int n = 0; n < N; ++n, to += 2 * columns.beta) {
          store(to, load(to) + m[n * LANES] * q);
          store(to + columns.beta, load(to + columns.beta) + m[n * LANES] * q_z);
        }
      }
    }
    begin = mine.ends[z];
  }
}

// Ḃ_α of eight displacements, put down as rows.
inline void fill_scalars(const Tables& t, const double* values, const double* dv, double* rows,
                         int stride) {
  const Term<double>* term = t.in_double.scalar_terms;
  for (int first = 0; first < t.scalars_count; first += LANES) {
    Vec sums[BLOCK_VECTORS][LANES] = {};
    for (int k = 0; k < LANES && first + k < t.scalars_count; ++k) {
      const std::int32_t stands = t.scalar_slot[first + k];
      const Term<double>* const end = term + t.scalar_terms_count[first + k];
      for (int l = 0; l < BLOCK_VECTORS; ++l)
        sums[l][k] = stands < 0 ? Vec{} : load(at(dv, stands) + l * LANES);
      for (; term < end; ++term) {
        const double a = term->weight * values[term->a / SLOT_BYTES];
        const double b = term->weight * values[term->b / SLOT_BYTES];
        for (int l = 0; l < BLOCK_VECTORS; ++l)
          sums[l][k] += b * load(at(dv, term->a) + l * LANES) + a * load(at(dv, term->b) + l * LANES);
      }
    }
    for (int l = 0; l < BLOCK_VECTORS; ++l) {
      transpose(sums[l]);
      for (int lane = 0; lane < LANES; ++lane)
        store(rows + (l * LANES + lane) * stride + first, sums[l][lane]);
    }
  }
}

// Σ ġ R over the moments of μ: COUNT vectors of columns for four displacements.
template <int D, int COUNT>
ELYTE_INLINE void multiply(int mu, const double* dg, const double* const* resolved, int beta,
                           double* const* to, int stride) {
  constexpr int L = 4;
  Vec total[L][COUNT] = {};
  for (int d = 0; d <= D; ++d) {
    const int J = weights_at(D, d), end = J < 2 * mu + 2 ? J : 2 * mu + 2;
    for (int t = 0; t <= d; ++t)
      for (int j = 2 * mu; j < end; ++j) {
        const double* g = dg + slot_of(D, d, t, j) * EIGHT;
        const std::ptrdiff_t from = (2 * (d * (d + 1) / 2 + t) + j % 2) * beta;
#pragma GCC unroll 8
        for (int c = 0; c < COUNT; ++c) {
          const Vec q = load(resolved[c] + from);
#pragma GCC unroll 8
          for (int l = 0; l < L; ++l) total[l][c] += g[l] * q;
        }
      }
  }
#pragma GCC unroll 8
  for (int l = 0; l < L; ++l)
#pragma GCC unroll 8
    for (int c = 0; c < COUNT; ++c) store(to[c] + l * stride, total[l][c]);
}

// The columns of all present species of neighbours, `COUNT` vectors at once.
template <int D, int COUNT>
ELYTE_INLINE void multiply_some(int filled, int mu, const double* dg, const double* const* resolved,
                                int beta, double* const* to, int stride) {
  if constexpr (COUNT > 1)
    if (filled < COUNT)
      return multiply_some<D, COUNT - 1>(filled, mu, dg, resolved, beta, to, stride);
  for (int lane = 0; lane < EIGHT; lane += 4) {
    double* rows[COUNT];
    for (int c = 0; c < COUNT; ++c) rows[c] = to[c] + lane * stride;
    multiply<D, COUNT>(mu, dg + lane, resolved, beta, rows, stride);
  }
}

template <int D>
void fill_radial(const Tables& t, const Neighbourhood& mine, const Columns<D>& columns, Work& w) {
  constexpr int MOST = MOST_ACCUMULATORS / 4;
  const int padded = round_up(t.radial_size);
  for (int mu = 0; mu < t.n_mu; ++mu) {
    const double* resolved[MOST];
    double* to[MOST];
    int filled = 0;
    const auto flush = [&] {
      if (filled > 0)
        multiply_some<D, MOST>(filled, mu, w.reverse, resolved, columns.beta, to, columns.count);
      filled = 0;
    };
    for (int z = 0; z < t.species_count; ++z)
      for (int first = 0; first < padded; first += LANES) {
        if (mine.ends[z] == (z > 0 ? mine.ends[z - 1] : 0)) continue;
        resolved[filled] = w.resolved + z * 2 * monomials_count(D) * columns.beta + first;
        to[filled++] = w.rows + columns.scalars + z * columns.of_species + mu * columns.beta + first;
        if (filled == MOST) flush();
      }
    flush();
  }
}

// Ȧ of the primary moments, a neighbour in each lane: w_j ṁ + ẇ_j m.
template <int D>
void moment_rates(const double* group, const double* rate, const double* m, const double* dm,
                  double* dv) {
#pragma GCC unroll 16
  for (int d = 0; d <= D; ++d)
    for (int t = 0; t <= d; ++t) {
      const int J = weights_at(D, d), at = (d * (d + 1) / 2 + t) * LANES;
      const Vec value = load(m + at), change = load(dm + at);
#pragma GCC unroll 16
      for (int j = 0; j < J; ++j)
        store(dv + slot_of(D, d, t, j) * EIGHT, load(group + (WEIGHT + j) * LANES) * change +
                                                    load(rate + (WEIGHT_RATE + j) * LANES) * value);
    }
}

// The moved neighbours' own part.
inline void add_own(const Tables& t, const Neighbourhood& mine, int begin, int end, int scalars,
                    int of_species, int beta, int stride, Work& w) {
  const int padded = round_up(t.radial_size);
  double* row = w.rows + scalars;
  for (int k = begin, z = 0; k < end; ++k, row += stride) {
    while (k >= mine.ends[z]) ++z;
    for (int first = 0; first < padded; first += LANES) {
      const Vec q = t.scaling * load(w.basis + k * padded + first);
      const Vec dq = t.scaling * load(w.slopes + k * padded + first);
      for (int mu = 0; mu < t.n_mu; ++mu) {
        double* to = row + z * of_species + mu * beta + first;
        store(to, load(to) + w.direct[mu * w.s.stride + k] * q + w.turned[mu * w.s.stride + k] * dq);
      }
    }
  }
}

// ---- putting them down ---------------------------------------------------------------------------

// Force rows of the neighbours −, of the centre +, strain rows × r, over some columns.
struct Target {
  double *rows, *strain;   // at the first of these columns
  std::ptrdiff_t stride;   // from row to row
};

inline void scatter(const Structure& structure, std::int64_t i, int begin, int count, int axis,
                    const double* from, int columns, int stride, const Target& target) {
  const std::int64_t first = structure.first[i] + begin;
  for (int c = 0; c < columns; c += LANES) {
    Vec total{}, moment[3] = {};
    for (int k = 0; k < count; ++k) {
      const Vec value = load(from + k * stride + c);
      double* row = target.rows + (3 * structure.index[first + k] + axis) * target.stride + c;
      store(row, load(row) - value);
      total += value;
      for (int b = 0; b < 3; ++b) moment[b] += structure.vectors[b][first + k] * value;
    }
    double* centre = target.rows + (3 * i + axis) * target.stride + c;
    store(centre, load(centre) + total);
    for (int b = 0; b < 3; ++b) {
      double* strain = target.strain + (3 * axis + b) * target.stride + c;
      store(strain, load(strain) + moment[b]);
    }
  }
}

template <int D>
void scatter_all(const State<D>& state, const Columns<D>& columns, std::int64_t i, int begin,
                 int count, int axis, const Neighbourhood& mine, const Work& w, double* rows) {
  const Structure& structure = state.structure;
  double* strain = rows + 3 * structure.n * columns.row;
  scatter(structure, i, begin, count, axis, w.rows, columns.scalars, columns.count,
          {rows, strain, columns.row});
  const int of_centre = columns.count - columns.scalars;
  for (int z = 0, last = 0; z < state.tables.species_count; last = mine.ends[z++]) {
    if (mine.ends[z] == last) continue;
    const int from = columns.scalars + z * columns.of_species;
    const std::ptrdiff_t to = from + static_cast<std::ptrdiff_t>(structure.type[i]) * of_centre;
    scatter(structure, i, begin, count, axis, w.rows + from, columns.of_species, columns.count,
            {rows + to, strain + to, columns.row});
  }
}

// Eight neighbours of atom i from `begin` on, moved along one axis.
template <int D>
void displace(const State<D>& state, const Reversal& reversal, const Columns<D>& columns,
              std::int64_t i, int atom, int begin, int axis, Work& w, double* to) {
  constexpr int R = rows<D>() * LANES, N = monomials_count(D) * LANES;
  const Tables& t = state.tables;
  const Neighbourhood& mine = w.s.of[atom];
  const int count = mine.count - begin < EIGHT ? mine.count - begin : EIGHT;
  Vec delta[3] = {};
  delta[axis] = all(1);
  for (int k = begin; k < begin + count; k += LANES) {
    const double* group = mine.groups + k / LANES * R;
    const double* m = w.s.monomials + k / LANES * N;
    move<D>(group, delta, w.rates);
    make_monomial_rates<D>(group, w.rates, m, w.monomial_rates);
    moment_rates<D>(group, w.rates, m, w.monomial_rates, w.tangents + (k - begin));
    by_radial_functions<D>(group, w.rates, state.by_weights(i) + k * weights_at(D, 0), nullptr,
                           w.s.adjoints + atom, m, w.monomial_rates, w.direct + k, w.turned + k,
                           w.s.stride);
  }
  derive(t, primary_slots(D), w.tangents);
  sweep_forward(t, w.factors, w.tangents, slot(w.tangents, primary_slots(D) + t.derived_count));
  sweep_backwards(t, reversal, w.factors, w.pairs, w.tangents, w.reverse);
  derive_backwards(t, primary_slots(D), w.reverse);
  fill_scalars(t, w.own, w.tangents, w.rows, columns.count);
  fill_radial<D>(t, mine, columns, w);
  add_own(t, mine, begin, begin + count, columns.scalars, columns.of_species, columns.beta,
          columns.count, w);
  scatter_all<D>(state, columns, i, begin, count, axis, mine, w, to);
}

template <int D>
void jacobian(const Tables& t, const Reversal& reversal, const Structure& structure, double* memory,
              double* work, double* to) {
  Work w;
  lay_out_work<D>(t, structure.most_neighbours, work, w);
  const State<D> state{t, structure, memory};
  const Columns<D> columns(t);
  for (int k = 0; k < EIGHT * columns.count; ++k) w.rows[k] = 0;
  for (std::int64_t i = 0; i < structure.n; ++i) {
    const int atom = static_cast<int>(i % BLOCK);
    if (atom == 0) state.lend(w.s, i, members_of(structure, i));
    Neighbourhood& mine = w.s.of[atom];
    for (int z = 0; z < t.species_count; ++z)
      mine.ends[z] = structure.ends[i * t.species_count + z];
    own_factors(t, reversal, w, atom);
    for (int k = 0; k < mine.count; k += LANES)
      make_monomials<D, 1>(mine.groups + k * rows<D>(), w.s.monomials + k * monomials_count(D));
    make_basis_and_slopes<D>(t, mine, w);
    resolve<D>(t, mine, columns, w);
    for (int begin = 0; begin < mine.count; begin += EIGHT)
      for (int axis = 0; axis < 3; ++axis)
        displace<D>(state, reversal, columns, i, atom, begin, axis, w, to);
  }
}

}  // namespace
}  // namespace elyte::derivatives
