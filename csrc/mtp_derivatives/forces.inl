// Energies and forces. Included by passes.inl.

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
