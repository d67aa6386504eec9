// What the native dynamics asks of any native potential.
//
// Python faces hand a force field over as a capsule (FORCE_FIELD_CAPSULE) made by their
// potential's `native()`, so that the modules need not share types.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
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

// For extrapolation grades: ∂E_i/∂θ of each atom, or their sums over the atoms of each species.
enum class Rows { none, of_atoms, of_species };

// By what Python calls them.
inline Rows rows_named(const std::string& name) {
  if (name.empty()) return Rows::none;
  if (name == "atoms") return Rows::of_atoms;
  if (name == "species") return Rows::of_species;
  throw std::invalid_argument("rows are of 'atoms' or 'species', not of '" + name + "'");
}

struct Evaluation {
  Rows want_rows = Rows::none;  // asked for
  // A force field that has no such rows leaves row_width at 0.
  std::size_t row_width = 0;
  std::vector<double> rows;  // (n or species, row_width)
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
