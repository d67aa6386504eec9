// The gradient of Φ = λE + Σ v·F + S : ∂E/∂ε in the parameters: Ė forward along the displacements
// that v and S stand for, then back.
// Included by passes_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp_derivatives/forward.hpp"
#include "mtp_derivatives/radial.hpp"
#include "mtp_derivatives/tangents.hpp"

namespace elyte::derivatives {
namespace {

// ---- products, one atom per lane ---------------------------------------------------------------

// v̇ of the products from those of their factors; `to` is the first of them.
inline void products_forward(const Tables& t, const double* v, double* dv, double* to) {
  const Term<double>* term = t.in_double.terms;
  for (int g = 0; g < t.groups_count; ++g)
    for (int k = 0; k < t.groups[g].targets; ++k, to += BLOCK) {
      Vec sum[BLOCK_VECTORS] = {};
      for (const Term<double>* end = term + t.groups[g].terms; term < end; ++term)
        for (int l = 0; l < BLOCK_VECTORS; ++l) {
          const int lanes = l * LANES;
          sum[l] += term->weight * (load(at(dv, term->a) + lanes) * load(at(v, term->b) + lanes) +
                                    load(at(v, term->a) + lanes) * load(at(dv, term->b) + lanes));
        }
      for (int l = 0; l < BLOCK_VECTORS; ++l) store(to + l * LANES, sum[l]);
    }
}

// h = ∂(λE_i + Ė_i)/∂v of the energy's linear terms and of its quadratic form.
inline void form_backwards(const Tables& t, double lambda, const double* v, const double* dv,
                           double* h) {
  for (int k = 0; k < t.slots * BLOCK; k += LANES) store(h + k, Vec{});
  for (int k = 0; k < t.seeds_count; ++k)
    for (int l = 0; l < BLOCK; l += LANES)
      store(slot(h, t.seed_slot[k]) + l, all(lambda * t.in_double.seeds[k]));
  for (int row = 0; row < t.rows_count; ++row) {
    const int a = t.row_slot[row] * BLOCK;
    for (int l = 0; l < BLOCK; l += LANES) {
      const Vec mine = lambda * load(v + a + l) + load(dv + a + l);
      Vec sum{};
      for (int k = t.row_first[row]; k < t.row_first[row + 1]; ++k) {
        const double value = t.in_double.row_values[k];
        double* to = at(h, t.columns[k]) + l;
        sum += value * (lambda * load(at(v, t.columns[k]) + l) + load(at(dv, t.columns[k]) + l));
        store(to, load(to) + value * mine);
      }
      store(h + a + l, load(h + a + l) + sum);
    }
  }
}

// h of the factors from those of their products, the last of which begins below `end`.
inline void products_backwards(const Tables& t, const double* v, const double* g, const double* dv,
                               double* h) {
  const Term<double>* term = t.in_double.terms + terms_count(t);
  int target = t.slots * BLOCK;
  for (int group = t.groups_count - 1; group >= 0; --group)
    for (int k = 0; k < t.groups[group].targets; ++k) {
      target -= BLOCK;
      Vec above_h[BLOCK_VECTORS], above_g[BLOCK_VECTORS];
      for (int l = 0; l < BLOCK_VECTORS; ++l) {
        above_h[l] = load(h + target + l * LANES);
        above_g[l] = load(g + target + l * LANES);
      }
      for (const Term<double>* first = term - t.groups[group].terms; term > first;) {
        --term;
        for (int l = 0; l < BLOCK_VECTORS; ++l) {
          const int lanes = l * LANES;
          const Vec by_value = term->weight * above_h[l], by_rate = term->weight * above_g[l];
          double* const a = at(h, term->a) + lanes;
          double* const b = at(h, term->b) + lanes;
          store(a, load(a) + by_value * load(at(v, term->b) + lanes) +
                       by_rate * load(at(dv, term->b) + lanes));
          store(b, load(b) + by_value * load(at(v, term->a) + lanes) +
                       by_rate * load(at(dv, term->a) + lanes));
        }
      }
    }
}

// Add λB_α + Ḃ_α = ∂Φ/∂ξ_α of the atoms of a block.
inline void add_scalars(const Tables& t, double lambda, const double* v, const double* dv,
                        double* scalars) {
  const Term<double>* term = t.in_double.scalar_terms;
  for (int alpha = 0; alpha < t.scalars_count; ++alpha, scalars += BLOCK) {
    const std::int32_t stands = t.scalar_slot[alpha];
    const Term<double>* const end = term + t.scalar_terms_count[alpha];
    for (int l = 0; l < BLOCK; l += LANES) {
      Vec sum = load(scalars + l);
      if (stands >= 0) sum += lambda * load(at(v, stands) + l) + load(at(dv, stands) + l);
      for (const Term<double>* x = term; x < end; ++x) {
        const Vec a = load(at(v, x->a) + l), b = load(at(v, x->b) + l);
        sum += x->weight * ((lambda * a + load(at(dv, x->a) + l)) * b + a * load(at(dv, x->b) + l));
      }
      store(scalars + l, sum);
    }
    term = end;
  }
}

// From the sums of a block to h of its primary moments; adds to ∂Φ/∂ξ.
template <int D>
void contract_tangents(const Tables& t, double lambda, Work& w) {
  constexpr int P = primary_slots(D);
  const double* v = w.s.values;
  collect<D>(w.s.sums, w.tangents);
  derive(t, P, w.tangents);
  products_forward(t, v, w.tangents, slot(w.tangents, P + t.derived_count));
  add_scalars(t, lambda, v, w.tangents, w.scalars);
  form_backwards(t, lambda, v, w.tangents, w.reverse);
  products_backwards(t, v, w.s.adjoints, w.tangents, w.reverse);
  derive_backwards(t, P, w.reverse);
}

// ---- neighbours, one per lane ------------------------------------------------------------------

// Neighbours move by δ_ij = −(v_j − v_i) + S r_ij.
template <int D>
void move_neighbours(const Structure& structure, std::int64_t i, const double* v, const double* S,
                     const Neighbourhood& mine, double* rate) {
  const std::int64_t first = structure.first[i];
  const std::int32_t* index = structure.index + first;
  const double* group = mine.groups;
  for (int k = 0; k < mine.count; k += LANES) {
    Vec other[3], from[3], delta[3];
    load_rows(v, index + k, other[0], other[1], other[2]);
    for (int a = 0; a < 3; ++a) from[a] = load(structure.vectors[a] + first + k);
    for (int a = 0; a < 3; ++a)
      delta[a] = v[4 * i + a] - other[a] + S[3 * a] * from[0] + S[3 * a + 1] * from[1] +
                 S[3 * a + 2] * from[2];
    move<D>(group, delta, rate);
    group += rows<D>() * LANES, rate += rates<D>() * LANES;
  }
}

template <int D>
ELYTE_INLINE double* rates_of(const Work& w, int atom) {
  return w.rates + static_cast<std::ptrdiff_t>(atom) * w.s.stride * rates<D>();
}

// What the neighbours of an atom of the block contribute to ∂Φ/∂c.
template <int D>
void add_atom(const State<D>& state, std::int64_t i, int atom, Work& w) {
  constexpr int N = monomials_count(D);
  const Neighbourhood& mine = w.s.of[atom];
  const double* rate = rates_of<D>(w, atom);
  const double* by_weight = state.by_weights(i);
  make_monomials_and_rates<D>(mine, rate, w.s.monomials, w.monomial_rates);
  for (int k = 0; k < mine.count; k += LANES)
    by_radial_functions<D, true>(mine.groups + k * rows<D>(), rate + k * rates<D>(),
                                 by_weight + k * weights_at(D, 0), w.reverse + atom,
                                 w.s.adjoints + atom, w.s.monomials + k * N,
                                 w.monomial_rates + k * N, w.direct + k, w.turned + k, w.s.stride);
  add_radial<D>(state.tables, state.structure, i, mine, w);
}

template <int D>
void gradient_of_block(const State<D>& state, std::int64_t first, double lambda, const double* v,
                       const double* S, Work& w) {
  const Structure& structure = state.structure;
  const int members = members_of(structure, first);
  for (int atom = 0; atom < BLOCK; ++atom) {
    const Neighbourhood& mine = w.s.of[atom];
    double* rate = rates_of<D>(w, atom);
    if (atom < members) move_neighbours<D>(structure, first + atom, v, S, mine, rate);
    make_monomials_and_rates<D>(mine, rate, w.s.monomials, w.monomial_rates);
    sum_rates<D, 0>(mine, rate, w.s.monomials, w.monomial_rates, w.s.sums + atom * LANES);
  }
  contract_tangents<D>(state.tables, lambda, w);
  for (int atom = 0; atom < members; ++atom) add_atom<D>(state, first + atom, atom, w);
}

template <int D>
void gradient(const Tables& t, const Structure& structure, double* memory, double* work,
              double lambda, const double* v, const double* S, double* gradient) {
  Work w;
  lay_out_work<D>(t, structure.most_neighbours, work, w);
  const State<D> state{t, structure, memory};
  for (int k = 0; k < t.scalars_count * BLOCK; ++k) w.scalars[k] = 0;
  clear_radial<D>(t, w);
  for (std::int64_t first = 0; first < structure.n; first += BLOCK) {
    lend(state, first, w.s);
    gradient_of_block<D>(state, first, lambda, v, S, w);
  }
  for (std::int64_t i = 0; i < structure.n; ++i) gradient[structure.type[i]] += lambda;
  gradient += t.species_count;
  for (int alpha = 0; alpha < t.scalars_count; ++alpha)
    for (int k = 0; k < BLOCK; ++k) gradient[alpha] += w.scalars[alpha * BLOCK + k];
  write_radial<D>(t, w, gradient + t.scalars_count);
}

}  // namespace
}  // namespace elyte::derivatives
