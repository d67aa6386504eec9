// MtpModel from the mapping that Python's `MTP.native_arrays()` gives.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "mtp/model.hpp"

namespace elyte {

namespace detail {

template <typename T>
std::vector<T> vector_from(nanobind::handle value) {
  using Array = nanobind::ndarray<const T, nanobind::c_contig, nanobind::device::cpu>;
  const auto array = nanobind::cast<Array>(value);
  return std::vector<T>(array.data(), array.data() + array.size());
}

inline std::vector<std::array<int, 4>> rows_of_four(nanobind::handle value) {
  const auto flat = vector_from<std::int64_t>(value);
  std::vector<std::array<int, 4>> rows(flat.size() / 4);
  for (std::size_t i = 0; i < 4 * rows.size(); ++i) rows[i / 4][i % 4] = static_cast<int>(flat[i]);
  return rows;
}

}  // namespace detail

// Keys: level, min_distance, max_distance, scaling, radial_size, n_mu, moments_count (numbers);
// species (s), basic (m, 4), products (p, 4), mapping (A) int64 arrays; species_coefficients (s),
// moment_coefficients (A), radial (s, s, n_mu, radial_size) float64 arrays; and where there is a
// repulsive core, core_distance (s, s) and core_strength.
inline MtpModel mtp_model_from(const nanobind::dict& arrays) {
  namespace nb = nanobind;
  MtpModel model;
  model.level = nb::cast<int>(arrays["level"]);
  model.min_distance = nb::cast<double>(arrays["min_distance"]);
  model.max_distance = nb::cast<double>(arrays["max_distance"]);
  model.scaling = nb::cast<double>(arrays["scaling"]);
  model.radial_size = nb::cast<int>(arrays["radial_size"]);
  model.n_mu = nb::cast<int>(arrays["n_mu"]);
  model.moments_count = nb::cast<int>(arrays["moments_count"]);
  model.set_species(detail::vector_from<std::int64_t>(arrays["species"]));
  model.alpha_index_basic = detail::rows_of_four(arrays["basic"]);
  model.alpha_index_times = detail::rows_of_four(arrays["products"]);
  for (std::int64_t moment : detail::vector_from<std::int64_t>(arrays["mapping"]))
    model.alpha_moment_mapping.push_back(static_cast<int>(moment));
  model.species_coefficients = detail::vector_from<double>(arrays["species_coefficients"]);
  model.moment_coefficients = detail::vector_from<double>(arrays["moment_coefficients"]);
  model.radial = detail::vector_from<double>(arrays["radial"]);
  if (arrays.contains("core_distance")) {
    model.core_distance = detail::vector_from<double>(arrays["core_distance"]);
    model.core_strength = nb::cast<double>(arrays["core_strength"]);
  }
  model.check();
  return model;
}

}  // namespace elyte
