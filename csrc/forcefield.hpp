// What the native dynamics asks of any native potential.
//
// Python faces hand a force field over as a capsule (FORCE_FIELD_CAPSULE) made by their
// potential's `native()`, so that the modules need not share types.
#pragma once

#include <array>
#include <cstddef>
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

// What makes a grade of the row b of an atom of one species: the largest |c_j| of c = b A⁻¹, where b
// is ∂E_i/∂θ by its species' own parameters and, last, by the isolated atom's energy, which is 1.
struct GradeMap {
  struct alignas(64) Line {
    char bytes[64];
  };
  // A⁻¹ stands in panels of so many columns, (panel, row, column), filled up with zeros.
  static constexpr std::size_t PANEL = 48;
  std::int64_t number = 0;        // atomic number
  std::size_t width = 0;          // of b without its last
  std::size_t panels = 0;
  bool single = true;             // A⁻¹ is in single precision, or double
  std::vector<Line> inverse;
  std::vector<std::size_t> far;   // parameters that A has not: |b_k| times
  std::vector<double> far_scale;  // 1/(their pseudo rows) is a coefficient, too
  double least = 0;               // that of the isolated atom's energy, if A has not even this
};

// What makes a grade of the mean b of the rows of all atoms by all parameters. With R the true rows of
// the active set, F their places and p_j e_j the pseudo rows in the others,
//   c_F = b_F R_F⁻¹,  c_j = (b_j − (c_F R)_j) / p_j.
struct MeanMap {
  std::vector<std::size_t> columns;       // (species, width): which parameter a row's is
  std::vector<std::size_t> filled, open;  // parameters in F, and the others
  std::vector<double> inverse;            // R_F⁻¹, (filled, filled)
  std::vector<double> rows;               // the other columns of R, (filled, open)
  std::vector<double> pseudo;             // p_j, (open)
  std::size_t last_parameter = 0;         // of all that are named here
};

struct Evaluation {
  // Asked for: rows, and grades by these maps (an atom without one has an infinite grade; those of
  // which single precision makes no number are not a number), of these atoms only, ascending.
  Rows want_rows = Rows::none;
  const std::vector<GradeMap>* grading = nullptr;
  const MeanMap* mean = nullptr;  // asked for instead: one grade, of the mean of all rows
  const std::vector<std::int32_t>* only = nullptr;  // null: of all; sums of rows are always of all
  // A force field that has no such rows leaves row_width at 0.
  std::size_t row_width = 0;
  std::vector<double> rows;    // (atoms or species, row_width)
  std::vector<double> grades;  // (atoms), or one, where they are asked for and there are rows
  // The nearest pair below the distance from which on the potential is meant to be used, if any.
  double closest = std::numeric_limits<double>::infinity();  // Å
  std::array<std::int64_t, 2> closest_pair{-1, -1};
  double energy = 0;                        // eV
  std::vector<double> forces;               // (n, 3), eV/Å
  std::array<double, 9> strain_gradient{};  // ∂E/∂ε = V σ (ASE's sign), eV, rows
};

// What makes grades of an evaluation, of each atom or of the mean.
struct GradeMaps {
  bool by_atoms = true;
  std::vector<GradeMap> atoms;
  MeanMap mean;

  void ask(Evaluation& evaluation) const {
    evaluation.grading = by_atoms ? &atoms : nullptr;
    evaluation.mean = by_atoms ? nullptr : &mean;
  }
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
