// elyte._native.mtp_derivatives: derivatives of a moment tensor potential by its parameters.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "mtp/model_python.hpp"
#include "mtp_derivatives/frames.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using elyte::derivatives::FrameSet;

namespace {

template <typename T>
using In = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <typename T>
using InOut = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
using Array = nb::ndarray<nb::numpy, double>;

Array array(std::vector<std::size_t> shape) {
  std::size_t count = 1;
  for (std::size_t extent : shape) count *= extent;
  auto* data = new double[count]();
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<double*>(p); });
  return Array(data, shape.size(), shape.data(), owner);
}

Array array(const std::vector<double>& values, std::vector<std::size_t> shape) {
  Array result = array(std::move(shape));
  std::copy(values.begin(), values.end(), result.data());
  return result;
}

void expect(bool good, const char* what) {
  if (!good) throw std::invalid_argument(what);
}

void add(FrameSet& set, const In<std::int64_t>& numbers, const In<double>& positions,
         const In<double>& cell, const In<bool>& pbc) {
  expect(positions.size() == 3 * numbers.size() && cell.size() == 9 && pbc.size() == 3, "shapes");
  elyte::Configuration c;
  c.n = static_cast<std::int64_t>(numbers.size());
  c.numbers = numbers.data();
  c.positions = positions.data();
  c.cell = cell.data();
  std::copy(pbc.data(), pbc.data() + 3, c.pbc.begin());
  set.add(c);
}

void set_target(FrameSet& set, std::int64_t k, double energy, const In<double>& forces,
                const In<double>& strain, const In<double>& weight) {
  const std::int64_t last = k;
  set.check(&last, 1);
  auto& target = set.target(k);
  expect(forces.size() == target.forces.size() && strain.size() == 9 && weight.size() == 3, "shapes");
  target.energy = energy;
  std::copy(forces.data(), forces.data() + forces.size(), target.forces.begin());
  std::copy(strain.data(), strain.data() + 9, target.strain.begin());
  std::copy(weight.data(), weight.data() + 3, target.weight.begin());
}

void check(const FrameSet& set, const In<double>& theta, const In<std::int64_t>& list) {
  expect(theta.size() == set.parameters(), "length of θ");
  set.check(list.data(), static_cast<std::int64_t>(list.size()));
}

std::size_t atoms_of(const FrameSet& set, const In<std::int64_t>& list) {
  std::size_t atoms = 0;
  for (std::size_t k = 0; k < list.size(); ++k) atoms += static_cast<std::size_t>(set.frame(list.data()[k]).size());
  return atoms;
}

nb::tuple evaluate(const FrameSet& set, const In<double>& theta, const In<std::int64_t>& list,
                   int threads) {
  check(set, theta, list);
  Array energies = array({list.size()}), forces = array({atoms_of(set, list), 3}),
        strain = array({list.size(), 3, 3});
  {
    nb::gil_scoped_release release;
    set.evaluate(theta.data(), list.data(), static_cast<std::int64_t>(list.size()),
                 std::max(threads, 1), energies.data(), forces.data(), strain.data());
  }
  return nb::make_tuple(energies, forces, strain);
}

Array gradient(const FrameSet& set, const In<double>& theta, const In<std::int64_t>& list,
               const In<double>& energy, const In<double>& forces, const In<double>& strain,
               int threads) {
  check(set, theta, list);
  expect(energy.size() == list.size() && forces.size() == 3 * atoms_of(set, list) &&
             strain.size() == 9 * list.size(), "shapes");
  std::vector<double> result;
  {
    nb::gil_scoped_release release;
    result = set.gradient(theta.data(), list.data(), static_cast<std::int64_t>(list.size()),
                          std::max(threads, 1), energy.data(), forces.data(), strain.data());
  }
  return array(result, {result.size()});
}

nb::tuple loss(const FrameSet& set, const In<double>& theta, const In<std::int64_t>& list,
               int threads, bool gradient) {
  check(set, theta, list);
  elyte::derivatives::Sums sums;
  {
    nb::gil_scoped_release release;
    sums = set.loss(theta.data(), list.data(), static_cast<std::int64_t>(list.size()),
                    std::max(threads, 1), gradient);
  }
  return nb::make_tuple(array(sums.squares, {list.size(), 3}),
                        array(sums.gradient, {sums.gradient.size()}));
}

template <typename Real>
void jacobian(const FrameSet& set, const In<double>& theta, const In<std::int64_t>& list,
              InOut<Real> rows, InOut<double> residuals, int threads) {
  check(set, theta, list);
  std::size_t needed = 0;
  for (std::size_t k = 0; k < list.size(); ++k) needed += static_cast<std::size_t>(set.rows(list.data()[k]));
  expect(rows.size() >= needed * theta.size() && residuals.size() >= needed, "room for the rows");
  nb::gil_scoped_release release;
  set.jacobian(theta.data(), list.data(), static_cast<std::int64_t>(list.size()),
               std::max(threads, 1), rows.data(), residuals.data());
}

Array atom_gradients(const FrameSet& set, const In<double>& theta, std::int64_t frame, int threads) {
  expect(theta.size() == set.parameters(), "length of θ");
  set.check(&frame, 1);
  Array rows = array({static_cast<std::size_t>(set.frame(frame).size()), theta.size()});
  nb::gil_scoped_release release;
  set.atom_gradients(theta.data(), frame, std::max(threads, 1), rows.data());
  return rows;
}

}  // namespace

NB_MODULE(mtp_derivatives, m) {
  m.def("instruction_sets", &elyte::derivatives::passes_available,
        "Instruction sets that this processor has, the fastest first.");
  nb::class_<FrameSet>(m, "FrameSet", "Structures with their neighbours, and sums over them.")
      .def("__init__",
           [](FrameSet* self, const nb::dict& arrays, const std::string& instruction_set) {
             new (self) FrameSet(elyte::mtp_model_from(arrays), instruction_set);
           },
           "arrays"_a, "instruction_set"_a = "")
      .def("__len__", &FrameSet::size)
      .def_prop_ro("instruction_set", [](const FrameSet& set) { return std::string(set.instruction_set()); })
      .def("add", &add, "numbers"_a, "positions"_a, "cell"_a, "pbc"_a,
           "Add a structure. std::domain_error names an atomic number that is not known.")
      .def("set_target", &set_target, "frame"_a, "energy"_a, "forces"_a, "strain_gradient"_a,
           "weights"_a, "Labels of a frame and the weights of their squared errors (3).")
      .def("rows", &FrameSet::rows, "frame"_a, "Rows of a frame in `jacobian`.")
      .def("evaluate", &evaluate, "theta"_a, "frames"_a, "threads"_a = 1,
           "Energies (k), forces (Σ n, 3), ∂E/∂ε (k, 3, 3).")
      .def("gradient", &gradient, "theta"_a, "frames"_a, "energy_weights"_a, "force_weights"_a,
           "strain_weights"_a, "threads"_a = 1, "∂/∂θ of Σ λ E + Σ v·F + Σ S : ∂E/∂ε, (P).")
      .def("loss", &loss, "theta"_a, "frames"_a, "threads"_a = 1, "gradient"_a = true,
           "Squared errors (k, 3) without weights, and the gradient of the weighted loss (P).")
      .def("jacobian", &jacobian<double>, "theta"_a, "frames"_a, "rows"_a, "residuals"_a, "threads"_a = 1,
           "Fill rows (R, P) and residuals (R), both times the roots of the weights.")
      .def("jacobian", &jacobian<float>, "theta"_a, "frames"_a, "rows"_a, "residuals"_a, "threads"_a = 1,
           "Fill rows (R, P) and residuals (R), both times the roots of the weights.")
      .def("atom_gradients", &atom_gradients, "theta"_a, "frame"_a, "threads"_a = 1,
           "∂E_i/∂θ, (n, P).");
}
