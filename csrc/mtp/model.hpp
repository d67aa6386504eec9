// A moment tensor potential as plain numbers: what every native module about MTP starts from.
//
//   E_i = c_species(z_i) + Σ_α ξ_α B_α,                B_α = M[moment_mapping[α]]
//   M_{μν} = Σ_j f_μ(r_ij) û_x^νx û_y^νy û_z^νz        (basic moments, unit vectors û)
//   M[target] += coefficient · M[a] · M[b]             (products, in the order of the table)
//   f_μ(r) = scaling Σ_β c[z_i][z_j][μ][β] T_β(x) (r_max − r)²,   r < r_max
//   x = (2r − r_min − r_max) / (r_max − r_min)
//
// A. V. Shapeev, doi:10.1137/15M1054183; I. S. Novikov et al., doi:10.1088/2632-2153/abc9fe.
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace elyte {

struct MtpModel {
  int level = 0;                             // 0 where a file does not say
  double min_distance = 0, max_distance = 0; // Å; the Chebyshev polynomials live between them
  double scaling = 1;
  int radial_size = 0;                       // Chebyshev polynomials T_0 … T_{radial_size−1}
  int n_mu = 0;                              // radial functions per pair of species
  int moments_count = 0;                     // basic ones first
  std::vector<std::int64_t> species;         // atomic number of each type
  std::vector<int> type_of;                  // atomic number → type, −1 where unknown

  std::vector<std::array<int, 4>> alpha_index_basic;  // μ, νx, νy, νz of each basic moment
  std::vector<std::array<int, 4>> alpha_index_times;  // a, b, coefficient, target
  std::vector<int> alpha_moment_mapping;              // moment of each scalar

  std::vector<double> species_coefficients;  // (s), eV
  std::vector<double> moment_coefficients;   // (A), eV
  std::vector<double> radial;                // [z_i][z_j][μ][β]

  // Repulsion that is no parameter: core_strength (r_core/r − 1)³ for each pair nearer than r_core.
  std::vector<double> core_distance;  // [z_i][z_j], Å; empty without
  double core_strength = 0;           // eV

  int species_count() const { return static_cast<int>(species.size()); }
  int basic_count() const { return static_cast<int>(alpha_index_basic.size()); }
  int scalars_count() const { return static_cast<int>(alpha_moment_mapping.size()); }
  std::size_t parameters_count() const {
    return species_coefficients.size() + moment_coefficients.size() + radial.size();
  }
  // Coefficients [μ][β] of the pair of types.
  const double* pair(int zi, int zj) const {
    return radial.data() + static_cast<std::size_t>(zi * species_count() + zj) * n_mu * radial_size;
  }
  // Type of an atomic number, −1 where unknown.
  int type(std::int64_t number) const {
    return number >= 0 && number < static_cast<std::int64_t>(type_of.size())
               ? type_of[static_cast<std::size_t>(number)]
               : -1;
  }

  // θ = [species coefficients, moment coefficients, radial coefficients], parameters_count() of them.
  void set_parameters(const double* theta) {
    for (auto* part : {&species_coefficients, &moment_coefficients, &radial})
      for (double& value : *part) value = *theta++;
  }

  void set_species(std::vector<std::int64_t> numbers) {
    species = std::move(numbers);
    type_of.clear();
    for (std::size_t type = 0; type < species.size(); ++type) {
      if (species[type] < 0 || species[type] > 1000) throw std::invalid_argument("atomic number");
      const auto needed = static_cast<std::size_t>(species[type]) + 1;
      if (type_of.size() < needed) type_of.resize(needed, -1);
      type_of[static_cast<std::size_t>(species[type])] = static_cast<int>(type);
    }
  }

  // Every index within its table and every product after its factors; throws otherwise.
  void check() const {
    const auto bad = [](const char* what) { throw std::invalid_argument(what); };
    const auto s = static_cast<std::size_t>(species_count());
    if (s == 0 || radial_size < 1 || n_mu < 1 || !(max_distance > min_distance)) bad("sizes");
    if (radial.size() != s * s * static_cast<std::size_t>(n_mu * radial_size)) bad("radial");
    if (species_coefficients.size() != s) bad("species_coefficients");
    if (!core_distance.empty() && core_distance.size() != s * s) bad("core_distance");
    if (moment_coefficients.size() != alpha_moment_mapping.size()) bad("moment_coefficients");
    for (const auto& basic : alpha_index_basic)
      if (basic[0] < 0 || basic[0] >= n_mu || basic[1] < 0 || basic[2] < 0 || basic[3] < 0)
        bad("alpha_index_basic");
    for (const auto& product : alpha_index_times)
      if (product[0] < 0 || product[1] < 0 || product[0] >= product[3] ||
          product[1] >= product[3] || product[3] < basic_count() || product[3] >= moments_count)
        bad("alpha_index_times");
    for (int moment : alpha_moment_mapping)
      if (moment < 0 || moment >= moments_count) bad("alpha_moment_mapping");
  }
};

}  // namespace elyte
