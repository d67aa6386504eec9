// The gradient of Φ = λE + Σ v·F + S : ∂E/∂ε in the parameters. Included by passes.inl.

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
