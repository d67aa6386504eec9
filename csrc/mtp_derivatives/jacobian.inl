// Rows of the Jacobian: energy, forces and ∂E/∂ε of a structure by the parameters. Included by
// passes.inl.

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
