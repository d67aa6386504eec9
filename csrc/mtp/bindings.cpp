// elyte._native.mtp: the kernel for Python (src/elyte/potentials/mtp/kernel.py).
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <memory>

#include "mtp/evaluator.hpp"
#include "mtp/model_python.hpp"

namespace nb = nanobind;
using elyte::Configuration;
using elyte::ForceField;
using elyte::mtp::Evaluator;
using elyte::mtp::Plan;

namespace {

template <typename T>
using Input = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;

nb::object array(std::vector<double> values, std::size_t columns) {
  auto* kept = new std::vector<double>(std::move(values));
  nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<double>*>(p); });
  if (columns == 1)
    return nb::cast(nb::ndarray<nb::numpy, double>(kept->data(), {kept->size()}, owner));
  return nb::cast(
      nb::ndarray<nb::numpy, double>(kept->data(), {kept->size() / columns, columns}, owner));
}

Configuration configuration_of(const Input<std::int64_t>& numbers, const Input<double>& positions,
                               const Input<double>& cell, const std::array<bool, 3>& pbc) {
  if (positions.size() != 3 * numbers.size() || cell.size() != 9)
    throw nb::value_error("positions or cell have another shape than the atoms ask for");
  return {static_cast<std::int64_t>(numbers.size()), numbers.data(), positions.data(), cell.data(),
          pbc};
}

// Energy, forces, strain gradient, atomic energies.
nb::tuple evaluate_with(Evaluator& evaluator, const Configuration& configuration) {
  elyte::Evaluation result;
  {
    nb::gil_scoped_release released;
    evaluator.evaluate(configuration, result);
  }
  std::vector<double> strain(result.strain_gradient.begin(), result.strain_gradient.end());
  return nb::make_tuple(result.energy, array(std::move(result.forces), 3),
                        array(std::move(strain), 3), array(evaluator.energies(), 1));
}

// One structure after the other of the same run: keeps its Verlet list.
class Follower {
 public:
  explicit Follower(std::unique_ptr<Evaluator> evaluator) : evaluator_(std::move(evaluator)) {}

  nb::tuple evaluate(Input<std::int64_t> numbers, Input<double> positions, Input<double> cell,
                     std::array<bool, 3> pbc) {
    return evaluate_with(*evaluator_, configuration_of(numbers, positions, cell, pbc));
  }
  std::int64_t builds() const { return evaluator_->builds(); }

 private:
  std::unique_ptr<Evaluator> evaluator_;
};

// A prepared potential; evaluations share nothing but the plan.
class Potential {
 public:
  Potential(const nb::dict& arrays, const std::string& isa)
      : plan_(std::make_shared<Plan>(elyte::mtp_model_from(arrays))),
        kernel_(&elyte::mtp::choose_kernel(isa)) {}

  nb::tuple evaluate(Input<std::int64_t> numbers, Input<double> positions, Input<double> cell,
                     std::array<bool, 3> pbc, int threads) const {
    Evaluator evaluator(plan_, 0.0, threads, *kernel_);
    return evaluate_with(evaluator, configuration_of(numbers, positions, cell, pbc));
  }

  std::unique_ptr<Follower> follower(double skin, int threads) const {
    return std::make_unique<Follower>(std::make_unique<Evaluator>(plan_, skin, threads, *kernel_));
  }

  nb::capsule force_field(double skin, int threads) const {
    ForceField* field = new Evaluator(plan_, skin, threads, *kernel_);
    return nb::capsule(field, elyte::FORCE_FIELD_CAPSULE,
                       [](void* p) noexcept { delete static_cast<ForceField*>(p); });
  }

  // Seconds for one list build and for one evaluation with the list at hand, best of `repeats`.
  nb::tuple time(Input<std::int64_t> numbers, Input<double> positions, Input<double> cell,
                 std::array<bool, 3> pbc, int threads, int repeats, double skin) const {
    const Configuration configuration = configuration_of(numbers, positions, cell, pbc);
    using Clock = std::chrono::steady_clock;
    const auto seconds = [](Clock::time_point from) {
      return std::chrono::duration<double>(Clock::now() - from).count();
    };
    double build = 1e300, forces = 1e300;
    elyte::Evaluation result;
    for (int repeat = 0; repeat < repeats; ++repeat) {
      Evaluator evaluator(plan_, skin, threads, *kernel_);
      auto start = Clock::now();
      evaluator.update_list(configuration);
      build = std::min(build, seconds(start));
      for (int k = 0; k < 3; ++k) {
        start = Clock::now();
        evaluator.evaluate(configuration, result);
        forces = std::min(forces, seconds(start));
      }
    }
    return nb::make_tuple(build, forces);
  }

  std::string isa() const { return kernel_->name; }

  // Multiply-adds (or operations of their cost) as docs/theory/mtp.md counts them.
  nb::dict operations() const {
    const auto counts = plan_->operations();
    nb::dict result;
    result["per_neighbour"] = counts.per_neighbour;
    result["per_atom"] = counts.per_atom;
    return result;
  }

 private:
  std::shared_ptr<Plan> plan_;
  const elyte::mtp::Kernel* kernel_;
};

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (const auto* kernel : elyte::mtp::available_kernels()) names.emplace_back(kernel->name);
  return names;
}

double multiply_adds_per_second(const std::string& isa) {
  const auto& kernel = elyte::mtp::choose_kernel(isa);
  double best = 0;
  for (int repeat = 0; repeat < 200; ++repeat) {  // short, between other programs' turns
    const auto start = std::chrono::steady_clock::now();
    const double operations = kernel.multiply_adds(200'000);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    best = std::max(best, operations / taken.count());
  }
  return best;
}

}  // namespace

NB_MODULE(mtp, m) {
  nb::class_<Follower>(m, "Follower")
      .def("evaluate", &Follower::evaluate, nb::arg("numbers"), nb::arg("positions"),
           nb::arg("cell"), nb::arg("pbc"), "Energy, forces, strain gradient and atomic energies.")
      .def_prop_ro("builds", &Follower::builds, "How often the neighbour list was built.");
  nb::class_<Potential>(m, "Potential")
      .def(nb::init<const nb::dict&, const std::string&>(), nb::arg("arrays"), nb::arg("isa") = "")
      .def("evaluate", &Potential::evaluate, nb::arg("numbers"), nb::arg("positions"),
           nb::arg("cell"), nb::arg("pbc"), nb::arg("threads") = 1,
           "Energy, forces, strain gradient and atomic energies.")
      .def("follower", &Potential::follower, nb::arg("skin") = 0.5, nb::arg("threads") = 1)
      .def("force_field", &Potential::force_field, nb::arg("skin") = 0.5, nb::arg("threads") = 1)
      .def("time", &Potential::time, nb::arg("numbers"), nb::arg("positions"), nb::arg("cell"),
           nb::arg("pbc"), nb::arg("threads") = 1, nb::arg("repeats") = 5, nb::arg("skin") = 0.0)
      .def("operations", &Potential::operations)
      .def_prop_ro("isa", &Potential::isa);
  m.def("instruction_sets", &instruction_sets, "Names of the kernels that this processor can run.");
  m.def("multiply_adds_per_second", &multiply_adds_per_second, nb::arg("isa") = "",
        "Measured peak of one core, floating-point operations per second.");
}
