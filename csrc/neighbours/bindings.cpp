// elyte._native.neighbours: neighbour lists for Python (src/elyte/core/neighbours.py).
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>

#include "neighbours.hpp"

namespace nb = nanobind;

namespace {

template <typename T>
using Input = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;

template <typename T>
nb::object take(const T* values, std::size_t rows, std::size_t columns) {
  auto* copy = new T[rows * columns];
  std::copy(values, values + rows * columns, copy);
  nb::capsule owner(copy, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  if (columns == 1) return nb::cast(nb::ndarray<nb::numpy, T>(copy, {rows}, owner));
  return nb::cast(nb::ndarray<nb::numpy, T>(copy, {rows, columns}, owner));
}

nb::tuple neighbour_list(Input<std::int64_t> numbers, Input<double> positions, Input<double> cell,
                         std::array<bool, 3> pbc, double cutoff) {
  const elyte::Configuration configuration{static_cast<std::int64_t>(numbers.size()),
                                           numbers.data(), positions.data(), cell.data(), pbc};
  if (positions.size() != 3 * numbers.size() || cell.size() != 9)
    throw nb::value_error("positions or cell have another shape than the atoms ask for");
  elyte::NeighbourList list;
  {
    nb::gil_scoped_release released;
    elyte::build_neighbours(configuration, cutoff, list);
  }
  std::vector<std::int64_t> counts(numbers.size());
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = list.first[i + 1] - list.first[i];
  const auto* shifts = list.shift.empty() ? nullptr : list.shift.front().data();
  return nb::make_tuple(take(counts.data(), counts.size(), 1),
                        take(list.index.data(), list.index.size(), 1),
                        take(shifts, list.shift.size(), 3));
}

}  // namespace

NB_MODULE(neighbours, m) {
  m.def("neighbour_list", &neighbour_list, nb::arg("numbers"), nb::arg("positions"),
        nb::arg("cell"), nb::arg("pbc"), nb::arg("cutoff"),
        "Counts per atom, neighbour indices and shifts of a full neighbour list.");
}
