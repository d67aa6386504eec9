// The passes over one structure, compiled once for each instruction set (namespace ELYTE_ISA).
//
// With one neighbour per lane:   M_m = Σ_j f_μ û^ν and, along displacements δ_j of the neighbours,
//   Ṁ_m = Σ_j f_μ D(û^ν) + f'_μ (û·δ) û^ν,     D(û) = (δ − û (û·δ)) / r.
// With one atom per lane: the products, their tangents, and both reverse passes, where
//   G = ∂E_i/∂M    and    H = ∂(λE_i + Ė_i)/∂M = λG + Ġ.
// docs/theory/training.md derives them.

#include "plan.hpp"

namespace elyte::derivatives {
namespace ELYTE_ISA {
namespace {

#include "vector.inl"

inline V broadcast(double value) { return V{} + value; }

inline double sum(V v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

inline V load(const double* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

inline void store(double* p, V v) { __builtin_memcpy(p, &v, sizeof v); }

inline V root(V v) {
  for (int l = 0; l < LANES; ++l) v[l] = __builtin_sqrt(v[l]);
  return v;
}

// One vector of neighbours: distances, unit vectors, radial functions.
struct Shell {
  V r, inverse, u[3];
  V q[MOST_RADIAL], dq[MOST_RADIAL];  // scaling T_β (r_max − r)² and its derivative
  V f[MOST_MU], df[MOST_MU];
};

inline void place(const Plan& p, const double* x, const double* y, const double* z, Shell& s) {
  s.u[0] = load(x);
  s.u[1] = load(y);
  s.u[2] = load(z);
  s.r = root(s.u[0] * s.u[0] + s.u[1] * s.u[1] + s.u[2] * s.u[2]);
  s.inverse = 1.0 / s.r;
  for (V& u : s.u) u *= s.inverse;
  const V zero = {};
  const double slope = 2 / (p.max_distance - p.min_distance);
  const V t = (s.r - p.min_distance) * slope - 1.0;
  const V cut = positive_part(p.max_distance - s.r);
  const V window = p.scaling * cut * cut, dwindow = (-2 * p.scaling) * cut;
  V before = zero, dbefore = zero, now = broadcast(1), dnow = zero;
  for (int b = 0; b < p.radial_size; ++b) {
    s.q[b] = now * window;
    s.dq[b] = dnow * window * slope + now * dwindow;
    const V next = b == 0 ? t : 2 * t * now - before;
    const V dnext = b == 0 ? broadcast(1) : 2 * now + 2 * t * dnow - dbefore;
    before = now, now = next, dbefore = dnow, dnow = dnext;
  }
}

inline void radial_functions(const Plan& p, const double* pair, Shell& s) {
  for (int mu = 0; mu < p.n_mu; ++mu) {
    V f = {}, df = {};
    for (int b = 0; b < p.radial_size; ++b) {
      const double c = pair[mu * p.radial_size + b];
      f += c * s.q[b];
      df += c * s.dq[b];
    }
    s.f[mu] = f;
    s.df[mu] = df;
  }
}

inline const double* pair_of(const Plan& p, int zi, int zj) {
  return p.radial + static_cast<std::size_t>(zi * p.species + zj) * (p.n_mu * p.radial_size);
}

inline void shell_of(const Plan& p, int type, const Block& block, Shell& s) {
  place(p, block.x, block.y, block.z, s);
  radial_functions(p, pair_of(p, type, block.type), s);
}

inline void monomials(const Plan& p, const Shell& s, V* mono) {
  mono[0] = broadcast(1);
  for (int k = 1; k < p.monomials; ++k) mono[k] = mono[p.parent[k]] * s.u[p.axis[k]];
}

inline void monomial_tangents(const Plan& p, const Shell& s, const V* du, const V* mono, V* dmono) {
  dmono[0] = V{};
  for (int k = 1; k < p.monomials; ++k) {
    const int parent = p.parent[k], axis = p.axis[k];
    dmono[k] = dmono[parent] * s.u[axis] + mono[parent] * du[axis];
  }
}

// Scratch, cut from one piece of memory.
struct Work {
  V *mono, *dmono, *adjoint, *moments, *tangent, *reverse, *pairs, *resolved, *rows;
  double *own_m, *own_g, *own_h, *times_a, *times_b, *times_g;

  Work(const Plan& p, double* memory) {
    const auto vectors = [&](std::size_t count) {
      V* start = reinterpret_cast<V*>(memory);
      memory += count * LANES;
      return start;
    };
    const auto numbers = [&](std::size_t count) {
      double* start = memory;
      memory += (count + LANES - 1) / LANES * LANES;
      return start;
    };
    const std::size_t nb = p.beta_vectors(), pair = static_cast<std::size_t>(p.n_mu) * p.radial_size;
    mono = vectors(p.monomials);
    dmono = vectors(3 * p.monomials);
    adjoint = vectors(p.monomials);
    moments = vectors(3 * p.basic);
    tangent = vectors(p.moments);
    reverse = vectors(p.moments);
    pairs = vectors(p.species * p.species * pair);
    resolved = vectors(p.monomials * p.species * nb);
    rows = vectors(LANES * (p.scalars / LANES + 1 + p.species * p.n_mu * nb));
    own_m = numbers(p.moments);
    own_g = numbers(p.moments);
    own_h = numbers(p.moments);
    times_a = numbers(p.products);
    times_b = numbers(p.products);
    times_g = numbers(p.products);
    end = memory;
  }
  double* end;
};

inline std::int64_t groups(std::int64_t n) { return (n + LANES - 1) / LANES; }

inline V* moments_of(const Plan& p, double* state, std::int64_t group) {
  return reinterpret_cast<V*>(state) + 2 * p.moments * group;
}

inline const V* moments_of(const Plan& p, const double* state, std::int64_t group) {
  return reinterpret_cast<const V*>(state) + 2 * p.moments * group;
}

// ---- energies and forces ---------------------------------------------------------------------

inline void add_moments(const Plan& p, const Structure& t, std::int64_t i, Work& w) {
  for (int m = 0; m < p.basic; ++m) w.moments[m] = V{};
  Shell s;
  for (std::int64_t b = t.first[i]; b < t.first[i + 1]; ++b) {
    shell_of(p, t.type[i], t.blocks[b], s);
    monomials(p, s, w.mono);
    for (int mu = 0; mu < p.n_mu; ++mu) {
      const V f = s.f[mu];
      for (int m = p.mu_first[mu]; m < p.mu_first[mu + 1]; ++m)
        w.moments[m] += f * w.mono[p.monomial_of[m]];
    }
  }
}

inline void contract(const Plan& p, V* M) {
  for (int m = p.basic; m < p.moments; ++m) M[m] = V{};
  for (int k = 0; k < p.products; ++k) {
    const Product& x = p.product[k];
    M[x.target] += x.coefficient * M[x.a] * M[x.b];
  }
}

inline void contract_backwards(const Plan& p, const V* M, V* G) {
  for (int m = 0; m < p.moments; ++m) G[m] = V{};
  for (int a = 0; a < p.scalars; ++a) G[p.mapping[a]] += p.moment_coefficients[a];
  for (int k = p.products - 1; k >= 0; --k) {
    const Product& x = p.product[k];
    const V g = x.coefficient * G[x.target];
    G[x.a] += g * M[x.b];
    G[x.b] += g * M[x.a];
  }
}

// ∂E_i/∂r_j of one vector of neighbours, with G of the atom as scalars.
inline void pull(const Plan& p, const Shell& s, const double* G, Work& w, V* force) {
  for (int k = 0; k < p.monomials; ++k) w.adjoint[k] = V{};
  V along = {};
  for (int mu = 0; mu < p.n_mu; ++mu) {
    const V f = s.f[mu];
    V q0 = {}, q1 = {};
    int m = p.mu_first[mu];
    for (; m + 1 < p.mu_first[mu + 1]; m += 2) {
      const int k0 = p.monomial_of[m], k1 = p.monomial_of[m + 1];
      w.adjoint[k0] += G[m] * f;
      w.adjoint[k1] += G[m + 1] * f;
      q0 += G[m] * w.mono[k0];
      q1 += G[m + 1] * w.mono[k1];
    }
    for (; m < p.mu_first[mu + 1]; ++m) {
      w.adjoint[p.monomial_of[m]] += G[m] * f;
      q0 += G[m] * w.mono[p.monomial_of[m]];
    }
    along += (q0 + q1) * s.df[mu];
  }
  for (int k = p.monomials - 1; k > 0; --k) w.adjoint[p.parent[k]] += w.adjoint[k] * s.u[p.axis[k]];
  V bar[3], radial = {};
  for (int a = 0; a < 3; ++a) {
    V b0 = {}, b1 = {};
    const int* list = p.by_axis[a];
    int l = 0;
    for (; l + 1 < p.by_axis_count[a]; l += 2) {
      b0 += w.adjoint[list[l]] * w.mono[p.parent[list[l]]];
      b1 += w.adjoint[list[l + 1]] * w.mono[p.parent[list[l + 1]]];
    }
    if (l < p.by_axis_count[a]) b0 += w.adjoint[list[l]] * w.mono[p.parent[list[l]]];
    bar[a] = b0 + b1;
    radial += bar[a] * s.u[a];
  }
  for (int a = 0; a < 3; ++a) force[a] = along * s.u[a] + (bar[a] - radial * s.u[a]) * s.inverse;
}

void evaluate(const Plan& p, const Structure& t, double* state, double* work, double* energies,
              double* forces, double* strain) {
  Work w(p, work);
  if (forces) {
    for (std::int64_t k = 0; k < 3 * t.n; ++k) forces[k] = 0;
    for (int k = 0; k < 9; ++k) strain[k] = 0;
  }
  V virial[9] = {};
  Shell s;
  for (std::int64_t g = 0; g < groups(t.n); ++g) {
    V *M = moments_of(p, state, g), *G = M + p.moments;
    const int lanes = static_cast<int>(t.n - g * LANES < LANES ? t.n - g * LANES : LANES);
    for (int m = 0; m < p.basic; ++m) M[m] = V{};
    for (int l = 0; l < lanes; ++l) {
      add_moments(p, t, g * LANES + l, w);
      for (int m = 0; m < p.basic; ++m) reinterpret_cast<double*>(M + m)[l] = sum(w.moments[m]);
    }
    contract(p, M);
    contract_backwards(p, M, G);
    V energy = {};
    for (int a = 0; a < p.scalars; ++a) energy += p.moment_coefficients[a] * M[p.mapping[a]];
    for (int l = 0; l < lanes; ++l) {
      const std::int64_t i = g * LANES + l;
      energies[i] = energy[l] + p.species_coefficients[t.type[i]];
      if (!forces) continue;
      for (int m = 0; m < p.basic; ++m) w.own_g[m] = G[m][l];
      for (std::int64_t b = t.first[i]; b < t.first[i + 1]; ++b) {
        const Block& block = t.blocks[b];
        shell_of(p, t.type[i], block, s);
        monomials(p, s, w.mono);
        V force[3];
        pull(p, s, w.own_g, w, force);
        const V at[3] = {load(block.x), load(block.y), load(block.z)};
        for (int a = 0; a < 3; ++a) {
          for (int c = 0; c < 3; ++c) virial[3 * a + c] += force[a] * at[c];
          for (int n = 0; n < block.count; ++n) {
            forces[3 * i + a] += force[a][n];
            forces[3 * block.index[n] + a] -= force[a][n];
          }
        }
      }
    }
  }
  if (!strain) return;
  for (int a = 0; a < 3; ++a)
    for (int c = 0; c < 3; ++c) strain[3 * a + c] = (sum(virial[3 * a + c]) + sum(virial[3 * c + a])) / 2;
}

// ---- gradient of λE + Σ v·F + S : ∂E/∂ε --------------------------------------------------------

// How the neighbours move relative to the centre, δ = −(v_j − v_i) + S r, and D(û).
inline void displace(const Block& block, const Shell& s, const double* own, const double* v,
                     const double* S, V& along, V* du) {
  const V at[3] = {load(block.x), load(block.y), load(block.z)};
  V delta[3];
  for (int a = 0; a < 3; ++a) {
    V other = broadcast(own[a]);
    for (int l = 0; l < block.count; ++l) other[l] = v[3 * block.index[l] + a];
    delta[a] = own[a] - other + S[3 * a] * at[0] + S[3 * a + 1] * at[1] + S[3 * a + 2] * at[2];
  }
  along = s.u[0] * delta[0] + s.u[1] * delta[1] + s.u[2] * delta[2];
  for (int a = 0; a < 3; ++a) du[a] = (delta[a] - s.u[a] * along) * s.inverse;
}

inline void add_moment_tangents(const Plan& p, const Structure& t, std::int64_t i, const double* v,
                                const double* S, Work& w) {
  for (int m = 0; m < p.basic; ++m) w.moments[m] = V{};
  Shell s;
  V along, du[3];
  for (std::int64_t b = t.first[i]; b < t.first[i + 1]; ++b) {
    shell_of(p, t.type[i], t.blocks[b], s);
    monomials(p, s, w.mono);
    displace(t.blocks[b], s, v + 3 * i, v, S, along, du);
    monomial_tangents(p, s, du, w.mono, w.dmono);
    for (int mu = 0; mu < p.n_mu; ++mu) {
      const V f = s.f[mu], df = s.df[mu] * along;
      for (int m = p.mu_first[mu]; m < p.mu_first[mu + 1]; ++m) {
        const int k = p.monomial_of[m];
        w.moments[m] += f * w.dmono[k] + df * w.mono[k];
      }
    }
  }
}

inline void contract_tangents(const Plan& p, const V* M, V* dM) {
  for (int m = p.basic; m < p.moments; ++m) dM[m] = V{};
  for (int k = 0; k < p.products; ++k) {
    const Product& x = p.product[k];
    dM[x.target] += x.coefficient * (dM[x.a] * M[x.b] + M[x.a] * dM[x.b]);
  }
}

inline void contract_tangents_backwards(const Plan& p, double lambda, const V* M, const V* G,
                                        const V* dM, V* H) {
  for (int m = 0; m < p.moments; ++m) H[m] = V{};
  for (int a = 0; a < p.scalars; ++a) H[p.mapping[a]] += lambda * p.moment_coefficients[a];
  for (int k = p.products - 1; k >= 0; --k) {
    const Product& x = p.product[k];
    const V h = x.coefficient * H[x.target], g = x.coefficient * G[x.target];
    H[x.a] += h * M[x.b] + g * dM[x.b];
    H[x.b] += h * M[x.a] + g * dM[x.a];
  }
}

// ∂Φ/∂c of the pairs (centre, block): Σ_β Q_β Σ_m (H_m û^ν + G_m D(û^ν)) + Q'_β (û·δ) Σ_m G_m û^ν
inline void add_radial(const Plan& p, const Shell& s, const double* H, const double* G, V along,
                       const Work& w, V* pairs) {
  for (int mu = 0; mu < p.n_mu; ++mu) {
    V h0 = {}, h1 = {}, d0 = {}, d1 = {}, q0 = {}, q1 = {};
    int m = p.mu_first[mu];
    for (; m + 1 < p.mu_first[mu + 1]; m += 2) {
      const int k0 = p.monomial_of[m], k1 = p.monomial_of[m + 1];
      h0 += H[m] * w.mono[k0];
      h1 += H[m + 1] * w.mono[k1];
      d0 += G[m] * w.dmono[k0];
      d1 += G[m + 1] * w.dmono[k1];
      q0 += G[m] * w.mono[k0];
      q1 += G[m + 1] * w.mono[k1];
    }
    for (; m < p.mu_first[mu + 1]; ++m) {
      const int k = p.monomial_of[m];
      h0 += H[m] * w.mono[k];
      d0 += G[m] * w.dmono[k];
      q0 += G[m] * w.mono[k];
    }
    const V direct = (h0 + h1) + (d0 + d1), turned = (q0 + q1) * along;
    for (int b = 0; b < p.radial_size; ++b)
      pairs[mu * p.radial_size + b] += s.q[b] * direct + s.dq[b] * turned;
  }
}

void gradient(const Plan& p, const Structure& t, const double* state, double* work, double lambda,
              const double* v, const double* S, double* gradient) {
  Work w(p, work);
  const std::size_t pair = static_cast<std::size_t>(p.n_mu) * p.radial_size;
  for (std::size_t k = 0; k < p.species * p.species * pair; ++k) w.pairs[k] = V{};
  Shell s;
  V along, du[3];
  for (std::int64_t g = 0; g < groups(t.n); ++g) {
    const V *M = moments_of(p, state, g), *G = M + p.moments;
    const int lanes = static_cast<int>(t.n - g * LANES < LANES ? t.n - g * LANES : LANES);
    for (int m = 0; m < p.basic; ++m) w.tangent[m] = V{};
    for (int l = 0; l < lanes; ++l) {
      add_moment_tangents(p, t, g * LANES + l, v, S, w);
      for (int m = 0; m < p.basic; ++m)
        reinterpret_cast<double*>(w.tangent + m)[l] = sum(w.moments[m]);
    }
    contract_tangents(p, M, w.tangent);
    contract_tangents_backwards(p, lambda, M, G, w.tangent, w.reverse);
    for (int a = 0; a < p.scalars; ++a) {
      const V value = lambda * M[p.mapping[a]] + w.tangent[p.mapping[a]];
      for (int l = 0; l < lanes; ++l) gradient[p.species + a] += value[l];
    }
    for (int l = 0; l < lanes; ++l) {
      const std::int64_t i = g * LANES + l;
      gradient[t.type[i]] += lambda;
      for (int m = 0; m < p.basic; ++m) w.own_g[m] = G[m][l], w.own_h[m] = w.reverse[m][l];
      for (std::int64_t b = t.first[i]; b < t.first[i + 1]; ++b) {
        const Block& block = t.blocks[b];
        shell_of(p, t.type[i], block, s);
        monomials(p, s, w.mono);
        displace(block, s, v + 3 * i, v, S, along, du);
        monomial_tangents(p, s, du, w.mono, w.dmono);
        add_radial(p, s, w.own_h, w.own_g, along, w,
                   w.pairs + (t.type[i] * p.species + block.type) * pair);
      }
    }
  }
  for (std::size_t k = 0; k < p.species * p.species * pair; ++k)
    gradient[p.species + p.scalars + k] += sum(w.pairs[k]);
}

// ---- rows of the Jacobian ----------------------------------------------------------------------

// resolved[z][k] = Σ_{j of species z} û^ν Q_β(r_j), one β per lane.
inline void resolve(const Plan& p, const Structure& t, std::int64_t i, Work& w) {
  const int nb = p.beta_vectors();
  for (int k = 0; k < p.species * p.monomials * nb; ++k) w.resolved[k] = V{};
  Shell s;
  for (std::int64_t b = t.first[i]; b < t.first[i + 1]; ++b) {
    const Block& block = t.blocks[b];
    place(p, block.x, block.y, block.z, s);
    monomials(p, s, w.mono);
    V* of_species = w.resolved + static_cast<std::size_t>(block.type) * p.monomials * nb;
    for (int l = 0; l < block.count; ++l)
      for (int v = 0; v < nb; ++v) {
        V q = {};
        for (int x = 0; x < LANES && v * LANES + x < p.radial_size; ++x) q[x] = s.q[v * LANES + x][l];
        for (int k = 0; k < p.monomials; ++k)
          of_species[k * nb + v] += reinterpret_cast<const double*>(w.mono + k)[l] * q;
      }
  }
}

inline int present_species(const Structure& t, std::int64_t i, int* list) {
  int count = 0;
  for (std::int64_t b = t.first[i]; b < t.first[i + 1]; ++b)
    if (count == 0 || list[count - 1] != t.blocks[b].type) list[count++] = t.blocks[b].type;
  return count;
}

inline void own_state(const Plan& p, const double* state, std::int64_t i, Work& w) {
  const V *M = moments_of(p, state, i / LANES), *G = M + p.moments;
  for (int m = 0; m < p.moments; ++m) w.own_m[m] = M[m][i % LANES], w.own_g[m] = G[m][i % LANES];
}

// Σ_m G_m resolved[z][k(m)] of one μ and one vector of β: ∂E_i/∂c[z][μ][β].
inline V energy_row(const Plan& p, const Work& w, int z, int mu, int v) {
  const int nb = p.beta_vectors();
  const V* of_species = w.resolved + static_cast<std::size_t>(z) * p.monomials * nb + v;
  V total = {};
  for (int m = p.mu_first[mu]; m < p.mu_first[mu + 1]; ++m)
    total += w.own_g[m] * of_species[p.monomial_of[m] * nb];
  return total;
}

void atom_gradients(const Plan& p, const Structure& t, const double* state, double* work,
                    double* rows) {
  Work w(p, work);
  const int nb = p.beta_vectors(), parameters = p.parameters();
  for (std::int64_t i = 0; i < t.n; ++i) {
    double* row = rows + i * parameters;
    for (int k = 0; k < parameters; ++k) row[k] = 0;
    own_state(p, state, i, w);
    resolve(p, t, i, w);
    row[t.type[i]] = 1;
    for (int a = 0; a < p.scalars; ++a) row[p.species + a] = w.own_m[p.mapping[a]];
    double* radial = row + p.species + p.scalars + static_cast<std::size_t>(t.type[i]) * p.species * p.n_mu * p.radial_size;
    int list[128];
    const int count = present_species(t, i, list);
    for (int c = 0; c < count; ++c)
      for (int mu = 0; mu < p.n_mu; ++mu)
        for (int v = 0; v < nb; ++v) {
          const V value = energy_row(p, w, list[c], mu, v);
          for (int x = 0; x < LANES && v * LANES + x < p.radial_size; ++x)
            radial[(list[c] * p.n_mu + mu) * p.radial_size + v * LANES + x] = value[x];
        }
  }
}

// Eight neighbours of any species: what `jacobian` moves at once along one axis.
struct Eight {
  double x[LANES], y[LANES], z[LANES];
  int type[LANES], index[LANES], count;
};

inline std::int64_t next_eight(const Structure& t, std::int64_t last, std::int64_t& b, int& lane,
                               Eight& e, double far) {
  e.count = 0;
  while (b < last && e.count < LANES) {
    const Block& block = t.blocks[b];
    if (lane >= block.count) {
      ++b, lane = 0;
      continue;
    }
    e.x[e.count] = block.x[lane], e.y[e.count] = block.y[lane], e.z[e.count] = block.z[lane];
    e.type[e.count] = block.type, e.index[e.count] = block.index[lane];
    ++e.count, ++lane;
  }
  for (int l = e.count; l < LANES; ++l)
    e.x[l] = far, e.y[l] = e.z[l] = 0, e.type[l] = 0, e.index[l] = 0;
  return e.count;
}

inline void mixed_radial_functions(const Plan& p, int type, const Eight& e, Shell& s) {
  const double* pair[LANES];
  for (int l = 0; l < LANES; ++l) pair[l] = pair_of(p, type, e.type[l]);
  for (int mu = 0; mu < p.n_mu; ++mu) {
    V f = {}, df = {};
    for (int b = 0; b < p.radial_size; ++b) {
      V c;
      for (int l = 0; l < LANES; ++l) c[l] = pair[l][mu * p.radial_size + b];
      f += c * s.q[b];
      df += c * s.dq[b];
    }
    s.f[mu] = f;
    s.df[mu] = df;
  }
}

// Tangents of all moments, then of all adjoints, eight displacements at once.
inline void sweep(const Plan& p, const V* basic, Work& w) {
  V *dM = w.tangent, *dG = w.reverse;
  for (int m = 0; m < p.basic; ++m) dM[m] = basic[m];
  for (int m = p.basic; m < p.moments; ++m) dM[m] = V{};
  for (int k = 0; k < p.products; ++k) {
    const Product& x = p.product[k];
    dM[x.target] += w.times_b[k] * dM[x.a] + w.times_a[k] * dM[x.b];
  }
  for (int m = 0; m < p.moments; ++m) dG[m] = V{};
  for (int k = p.products - 1; k >= 0; --k) {
    const Product& x = p.product[k];
    const V g = dG[x.target];
    dG[x.a] += w.times_b[k] * g + w.times_g[k] * dM[x.b];
    dG[x.b] += w.times_a[k] * g + w.times_g[k] * dM[x.a];
  }
}

// rows[l][(z, μ, β)] = Σ_m Ġ_m[l] resolved[z][k(m)]: COUNT vectors of β, four displacements.
template <int COUNT>
inline void multiply(const Plan& p, const Work& w, const int* columns, int mu, int lane, V (*out)[COUNT]) {
  V total[4][COUNT] = {};
  const V* base[COUNT];
  for (int c = 0; c < COUNT; ++c) base[c] = w.resolved + columns[c];
  const int nb = p.beta_vectors();
  for (int m = p.mu_first[mu]; m < p.mu_first[mu + 1]; ++m) {
    const double* g = reinterpret_cast<const double*>(w.reverse + m) + lane;
    const int k = p.monomial_of[m] * nb;
    for (int c = 0; c < COUNT; ++c) {
      const V q = base[c][k];
      for (int l = 0; l < 4; ++l) total[l][c] += g[l] * q;
    }
  }
  for (int l = 0; l < 4; ++l)
    for (int c = 0; c < COUNT; ++c) out[l][c] = total[l][c];
}

struct Layout {  // of one row, in vectors: scalars, then [z][μ][β vectors]
  int scalars, stride;
};

template <int COUNT>
inline void fill_columns(const Plan& p, Work& w, const int* columns, const int* targets, int mu, int stride) {
  for (int lane = 0; lane < LANES; lane += 4) {
    V out[4][COUNT];
    multiply<COUNT>(p, w, columns, mu, lane, out);
    for (int l = 0; l < 4; ++l)
      for (int c = 0; c < COUNT; ++c) w.rows[(lane + l) * stride + targets[c]] = out[l][c];
  }
}

inline void fill_radial(const Plan& p, Work& w, const int* list, int count, const Layout& layout) {
  const int nb = p.beta_vectors();
  for (int mu = 0; mu < p.n_mu; ++mu) {
    int columns[6], targets[6], filled = 0;
    for (int c = 0; c < count * nb; ++c) {
      columns[filled] = list[c / nb] * p.monomials * nb + c % nb;
      targets[filled] = layout.scalars + (list[c / nb] * p.n_mu + mu) * nb + c % nb;
      if (++filled < 6 && c + 1 < count * nb) continue;
      switch (filled) {
        case 6: fill_columns<6>(p, w, columns, targets, mu, layout.stride); break;
        case 5: fill_columns<5>(p, w, columns, targets, mu, layout.stride); break;
        case 4: fill_columns<4>(p, w, columns, targets, mu, layout.stride); break;
        case 3: fill_columns<3>(p, w, columns, targets, mu, layout.stride); break;
        case 2: fill_columns<2>(p, w, columns, targets, mu, layout.stride); break;
        default: fill_columns<1>(p, w, columns, targets, mu, layout.stride);
      }
      filled = 0;
    }
  }
}

// The moved neighbour's own part: ∂/∂r of its Q_β û^ν, against G.
inline void add_own(const Plan& p, const Shell& s, const Eight& e, int axis, const V* q, const V* d,
                    const Layout& layout, Work& w) {
  const int nb = p.beta_vectors();
  for (int l = 0; l < e.count; ++l) {
    for (int v = 0; v < nb; ++v) {
      V radial = {}, turned = {};
      for (int x = 0; x < LANES && v * LANES + x < p.radial_size; ++x)
        radial[x] = s.q[v * LANES + x][l], turned[x] = s.dq[v * LANES + x][l];
      turned *= s.u[axis][l];
      V* row = w.rows + l * layout.stride + layout.scalars + e.type[l] * p.n_mu * nb + v;
      for (int mu = 0; mu < p.n_mu; ++mu) row[mu * nb] += d[mu][l] * radial + q[mu][l] * turned;
    }
  }
}

// Force row of the neighbour −, of the centre +, strain rows × r, over the columns of one part.
inline void scatter(const Work& w, const Eight& e, int axis, std::int64_t centre, int from, int count,
                    int stride, V* rows, std::size_t row_stride, V* strain) {
  const double* at[3] = {e.x, e.y, e.z};
  for (int c = 0; c < count; ++c) {
    V total = {}, moment[3] = {};
    for (int l = 0; l < e.count; ++l) {
      const V value = w.rows[l * stride + from + c];
      rows[(3 * e.index[l] + axis) * row_stride + c] -= value;
      total += value;
      for (int b = 0; b < 3; ++b) moment[b] += at[b][l] * value;
    }
    rows[(3 * centre + axis) * row_stride + c] += total;
    for (int b = 0; b < 3; ++b) strain[(3 * axis + b) * row_stride + c] += moment[b];
  }
}

// Σ_m G_m û^ν and Σ_m G_m ∂û^ν/∂x_a of each μ.
inline void own_sums(const Plan& p, const Work& w, V* q, V (*d)[MOST_MU]) {
  for (int mu = 0; mu < p.n_mu; ++mu) {
    V total = {}, moved[3] = {};
    for (int m = p.mu_first[mu]; m < p.mu_first[mu + 1]; ++m) {
      const int k = p.monomial_of[m];
      total += w.own_g[m] * w.mono[k];
      for (int a = 0; a < 3; ++a) moved[a] += w.own_g[m] * w.dmono[a * p.monomials + k];
    }
    q[mu] = total;
    for (int a = 0; a < 3; ++a) d[a][mu] = moved[a];
  }
}

inline void basic_tangents(const Plan& p, const Shell& s, Work& w) {
  for (int a = 0; a < 3; ++a) {
    V du[3];
    for (int b = 0; b < 3; ++b) du[b] = ((a == b ? 1.0 : 0.0) - s.u[a] * s.u[b]) * s.inverse;
    V* dmono = w.dmono + a * p.monomials;
    monomial_tangents(p, s, du, w.mono, dmono);
    for (int mu = 0; mu < p.n_mu; ++mu) {
      const V f = s.f[mu], df = s.df[mu] * s.u[a];
      for (int m = p.mu_first[mu]; m < p.mu_first[mu + 1]; ++m) {
        const int k = p.monomial_of[m];
        w.moments[a * p.basic + m] = f * dmono[k] + df * w.mono[k];
      }
    }
  }
}

std::size_t workspace(const Plan& p) {
  double origin = 0;  // only distances from it are taken
  return static_cast<std::size_t>(Work(p, &origin).end - &origin);
}

void jacobian(const Plan& p, const Structure& t, const double* state, double* work, double* memory) {
  Work w(p, work);
  const int nb = p.beta_vectors();
  const Layout layout{(p.scalars + LANES - 1) / LANES,
                      (p.scalars + LANES - 1) / LANES + p.species * p.n_mu * nb};
  const int radial = p.species * p.n_mu * nb;  // vectors of one centre's species
  const std::size_t row_stride = layout.scalars + static_cast<std::size_t>(p.species) * radial;
  V* energy = reinterpret_cast<V*>(memory);
  V *forces = energy + row_stride, *strain = forces + 3 * t.n * row_stride;
  Shell s;
  V q[MOST_MU], d[3][MOST_MU];
  Eight e;
  for (int k = 0; k < LANES * layout.stride; ++k) w.rows[k] = V{};
  for (std::int64_t i = 0; i < t.n; ++i) {
    own_state(p, state, i, w);
    resolve(p, t, i, w);
    for (int k = 0; k < p.products; ++k) {
      const Product& x = p.product[k];
      w.times_a[k] = x.coefficient * w.own_m[x.a];
      w.times_b[k] = x.coefficient * w.own_m[x.b];
      w.times_g[k] = x.coefficient * w.own_g[x.target];
    }
    int list[128];
    const int count = present_species(t, i, list);
    const std::size_t own = layout.scalars + static_cast<std::size_t>(t.type[i]) * radial;
    for (int a = 0; a < p.scalars; ++a) reinterpret_cast<double*>(energy)[a] += w.own_m[p.mapping[a]];
    for (int c = 0; c < count; ++c)
      for (int mu = 0; mu < p.n_mu; ++mu)
        for (int v = 0; v < nb; ++v)
          energy[own + (list[c] * p.n_mu + mu) * nb + v] += energy_row(p, w, list[c], mu, v);
    std::int64_t b = t.first[i];
    int lane = 0;
    while (next_eight(t, t.first[i + 1], b, lane, e, 2 * p.max_distance)) {
      place(p, e.x, e.y, e.z, s);
      mixed_radial_functions(p, t.type[i], e, s);
      monomials(p, s, w.mono);
      basic_tangents(p, s, w);
      own_sums(p, w, q, d);
      for (int a = 0; a < 3; ++a) {
        sweep(p, w.moments + a * p.basic, w);
        for (int l = 0; l < e.count; ++l) {
          double* row = reinterpret_cast<double*>(w.rows + l * layout.stride);
          for (int k = 0; k < p.scalars; ++k)
            row[k] = reinterpret_cast<const double*>(w.tangent + p.mapping[k])[l];
        }
        fill_radial(p, w, list, count, layout);
        add_own(p, s, e, a, q, d[a], layout, w);
        scatter(w, e, a, i, 0, layout.scalars, layout.stride, forces, row_stride, strain);
        for (int c = 0; c < count; ++c) {
          const int from = layout.scalars + list[c] * p.n_mu * nb;
          scatter(w, e, a, i, from, p.n_mu * nb, layout.stride,
                  forces + own + list[c] * p.n_mu * nb, row_stride, strain + own + list[c] * p.n_mu * nb);
        }
      }
    }
  }
}

}  // namespace

const Passes& passes() {
  static constexpr Passes table{ELYTE_ISA_NAME, workspace, evaluate, gradient, atom_gradients, jacobian};
  return table;
}

}  // namespace ELYTE_ISA
}  // namespace elyte::derivatives
