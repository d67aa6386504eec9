// Neighbours around one atom, one per lane: distances, radial functions, monomials; scratch.
// Included by passes.inl.

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
