// What the passes read, as plain pointers: no standard templates, so that code compiled for one
// instruction set cannot leak into another through shared inline functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace elyte::derivatives {

inline constexpr int LANES = 8;       // doubles in a vector
inline constexpr int MOST_RADIAL = 32;  // Chebyshev polynomials
inline constexpr int MOST_MU = 16;      // radial functions of a pair

// Up to eight neighbours of one atom that are of one species; lanes beyond `count` lie outside the
// cutoff and add nothing.
struct alignas(64) Block {
  double x[LANES], y[LANES], z[LANES];  // Å, from the central atom
  std::int32_t index[LANES];
  std::int32_t type, count;
};

// Blocks of atom i are blocks[first[i]] … blocks[first[i + 1]], ascending in species.
struct Structure {
  std::int64_t n;
  const std::int32_t* type;
  const std::int64_t* first;
  const Block* blocks;
};

struct Product {
  std::int32_t a, b, target;
  double coefficient;
};

// Basic moments are numbered by ascending μ here: those of μ are mu_first[μ] … mu_first[μ + 1].
// monomial k = monomial parent[k] × û[axis[k]], monomial 0 is 1.
struct Plan {
  int species, n_mu, radial_size, basic, moments, products, scalars, monomials;
  double min_distance, max_distance, scaling;
  const int *parent, *axis;    // (monomials)
  const int* by_axis[3];       // monomials ≥ 1 with this axis
  int by_axis_count[3];
  const int *mu_first, *monomial_of;  // (n_mu + 1), (basic)
  const Product* product;
  const int* mapping;
  const double *species_coefficients, *moment_coefficients, *radial;

  int width() const { return scalars + species * n_mu * radial_size; }  // of one atom's row
  int parameters() const { return species + scalars + species * species * n_mu * radial_size; }
  int beta_vectors() const { return (radial_size + LANES - 1) / LANES; }
};

// Moments and adjoints ∂E_i/∂M of all atoms: moments × LANES doubles each, per eight atoms.
inline std::size_t state_size(const Plan& plan, std::int64_t n) {
  return static_cast<std::size_t>((n + LANES - 1) / LANES) * 2 * plan.moments * LANES;
}

// One row of `jacobian`, in doubles: scalars and every pair's β padded to whole vectors.
inline std::size_t padded_width(const Plan& plan) {
  const int scalars = (plan.scalars + LANES - 1) / LANES;
  return static_cast<std::size_t>(scalars + plan.species * plan.species * plan.n_mu *
                                                plan.beta_vectors()) * LANES;
}

// One instruction set's passes over one structure. `state` holds what `evaluate` left; it and
// `work` (`workspace` doubles) are aligned to 64 bytes.
struct Passes {
  const char* name;
  std::size_t (*workspace)(const Plan&);
  // E_i (n), F (n, 3) and ∂E/∂ε (9); the last two may be null together.
  void (*evaluate)(const Plan&, const Structure&, double* state, double* work, double* energies,
                   double* forces, double* strain);
  // gradient (P) += ∂/∂θ of λ E + Σ v·F + S : ∂E/∂ε, with v (n, 3) and S (9).
  void (*gradient)(const Plan&, const Structure&, const double* state, double* work, double lambda,
                   const double* v, const double* S, double* gradient);
  // rows (n, P) = ∂E_i/∂θ.
  void (*atom_gradients)(const Plan&, const Structure&, const double* state, double* work,
                         double* rows);
  // rows (1 + 3n + 9, padded_width) += ∂/∂θ of E, F and the 9 of Σ_j (∂E/∂r_j) r_j.
  void (*jacobian)(const Plan&, const Structure&, const double* state, double* work, double* rows);
};

const Passes& portable_passes();
const Passes& avx2_passes();
const Passes& avx512_passes();

}  // namespace elyte::derivatives
