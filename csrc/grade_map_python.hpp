// Maps from rows to grades, as Python gives them (GradeMap and MeanMap of forcefield.hpp): a dict with
//   atoms: a list of dicts, one for each species, with number: atomic number; inverse: A⁻¹,
//     (width + 1, columns) in double precision; single: whether single precision will do; far,
//     far_scale: parameters beyond A and their factors; least; or with
//   mean: a dict with columns, filled, open, inverse, rows, pseudo.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "forcefield.hpp"

namespace elyte {

// A⁻¹ in panels of columns, the last filled up with zeros.
template <typename T>
void pack(const double* inverse, std::size_t columns, GradeMap& map) {
  const std::size_t inputs = map.width + 1;
  map.panels = (columns + GradeMap::PANEL - 1) / GradeMap::PANEL;
  const std::size_t bytes = map.panels * inputs * GradeMap::PANEL * sizeof(T);
  map.inverse.assign(bytes / sizeof(GradeMap::Line), {});
  T* to = reinterpret_cast<T*>(map.inverse.data());
  for (std::size_t k = 0; k < inputs; ++k)
    for (std::size_t j = 0; j < columns; ++j)
      to[(j / GradeMap::PANEL * inputs + k) * GradeMap::PANEL + j % GradeMap::PANEL] =
          static_cast<T>(inverse[k * columns + j]);
}

inline GradeMap grade_map_from(const nanobind::dict& given) {
  namespace nb = nanobind;
  using Matrix = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
  using Vector = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
  using Indices = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
  const auto inverse = nb::cast<Matrix>(given["inverse"]);
  const auto far = nb::cast<Indices>(given["far"]);
  const auto scale = nb::cast<Vector>(given["far_scale"]);
  if (inverse.shape(0) < 1 || inverse.shape(1) < 1 || far.size() != scale.size())
    throw std::invalid_argument("a map to grades has arrays of the wrong size");
  GradeMap map;
  map.number = nb::cast<std::int64_t>(given["number"]);
  map.width = inverse.shape(0) - 1;
  map.single = nb::cast<bool>(given["single"]);
  map.least = nb::cast<double>(given["least"]);
  for (std::size_t k = 0; k < far.size(); ++k) {
    const std::int64_t place = far.data()[k];
    if (place < 0 || place >= static_cast<std::int64_t>(map.width))
      throw std::invalid_argument("a map to grades names a parameter that a row has not");
    map.far.push_back(static_cast<std::size_t>(place));
    map.far_scale.push_back(scale.data()[k]);
  }
  if (map.single)
    pack<float>(inverse.data(), inverse.shape(1), map);
  else
    pack<double>(inverse.data(), inverse.shape(1), map);
  return map;
}

namespace detail {

template <typename To, typename From>
std::vector<To> values_of(const nanobind::dict& given, const char* name, std::size_t count) {
  namespace nb = nanobind;
  const auto array = nb::cast<nb::ndarray<const From, nb::c_contig, nb::device::cpu>>(given[name]);
  if (count && array.size() != count)
    throw std::invalid_argument("a map to grades has arrays of the wrong size");
  return std::vector<To>(array.data(), array.data() + array.size());
}

}  // namespace detail

inline MeanMap mean_map_from(const nanobind::dict& given) {
  using detail::values_of;
  MeanMap map;
  map.columns = values_of<std::size_t, std::int64_t>(given, "columns", 0);
  map.filled = values_of<std::size_t, std::int64_t>(given, "filled", 0);
  map.open = values_of<std::size_t, std::int64_t>(given, "open", 0);
  const std::size_t filled = map.filled.size(), open = map.open.size();
  map.inverse = values_of<double, double>(given, "inverse", filled * filled);
  map.rows = values_of<double, double>(given, "rows", filled * open);
  map.pseudo = values_of<double, double>(given, "pseudo", open);
  for (const auto* places : {&map.columns, &map.filled, &map.open})
    for (const std::size_t place : *places) map.last_parameter = std::max(map.last_parameter, place);
  return map;
}

inline GradeMaps grade_maps_from(const nanobind::dict& given) {
  namespace nb = nanobind;
  GradeMaps maps;
  maps.by_atoms = given.contains("atoms");
  if (!maps.by_atoms) {
    maps.mean = mean_map_from(nb::cast<nb::dict>(given["mean"]));
    return maps;
  }
  for (nb::handle one : nb::cast<nb::list>(given["atoms"]))
    maps.atoms.push_back(grade_map_from(nb::cast<nb::dict>(one)));
  return maps;
}

}  // namespace elyte
