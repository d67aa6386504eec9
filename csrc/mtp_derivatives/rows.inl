// Rows ∂E_i/∂θ of atoms. Included by passes.inl.

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
