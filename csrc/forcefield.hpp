// What the native dynamics asks of any native potential.
//
// Python faces hand a force field over as a capsule (FORCE_FIELD_CAPSULE) made by their
// potential's `native()`, so that the modules need not share types.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

namespace elyte {

inline constexpr const char* FORCE_FIELD_CAPSULE = "elyte::ForceField";

// A structure, borrowed: atomic numbers (n), positions (n, 3) in Å (wrapped or not), cell
// vectors as rows (3, 3) in Å.
struct Configuration {
  std::int64_t n = 0;
  const std::int64_t* numbers = nullptr;
  const double* positions = nullptr;
  const double* cell = nullptr;
  std::array<bool, 3> pbc{true, true, true};
};

struct Evaluation {
  // Asked for: ∂E_i/∂θ of each atom, for extrapolation grades. A force field that has no such rows
  // leaves row_width at 0.
  bool want_rows = false;
  std::size_t row_width = 0;
  std::vector<double> rows;  // (n, row_width)
  // The nearest pair below the distance from which on the potential is meant to be used, if any.
  double closest = std::numeric_limits<double>::infinity();  // Å
  std::array<std::int64_t, 2> closest_pair{-1, -1};
  double energy = 0;                        // eV
  std::vector<double> forces;               // (n, 3), eV/Å
  std::array<double, 9> strain_gradient{};  // ∂E/∂ε = V σ (ASE's sign), eV, rows
};

// Not thread-safe: each thread of dynamics clones its own (a clone has its own Verlet list).
class ForceField {
 public:
  virtual ~ForceField() = default;
  virtual double cutoff() const = 0;
  virtual void evaluate(const Configuration& configuration, Evaluation& result) = 0;
  virtual ForceField* clone() const = 0;
};

}  // namespace elyte
