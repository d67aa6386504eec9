// elyte._native.mtp: the kernel for Python (src/elyte/potentials/mtp/kernel.py).
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <memory>
#include <optional>

#include "grade_map_python.hpp"
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

// What one evaluation leaves, to be handed to Python.
struct Found {
  elyte::Evaluation evaluation;
  std::vector<double> energies;
  std::string error;

  void check() const {
    if (!error.empty()) throw nb::value_error(error.c_str());
  }

  // The nearest pair below the potential's least distance (i, j, Å), or None.
  nb::object closest() const {
    if (evaluation.closest_pair[0] < 0) return nb::none();
    return nb::make_tuple(evaluation.closest_pair[0], evaluation.closest_pair[1], evaluation.closest);
  }

  // Energy, forces, strain gradient, atomic energies, nearest pair, and rows ∂E_i/∂θ, or sums of
  // them, where they were asked for.
  nb::tuple to_python() {
    check();
    const auto& strain = evaluation.strain_gradient;
    nb::object rows = nb::none();
    if (evaluation.row_width > 0) rows = array(std::move(evaluation.rows), evaluation.row_width);
    return nb::make_tuple(evaluation.energy, array(std::move(evaluation.forces), 3),
                          array(std::vector<double>(strain.begin(), strain.end()), 3),
                          array(std::move(energies), 1), closest(), rows);
  }
};

// An error is kept: it may not leave a parallel region.
void evaluate_into(Evaluator& evaluator, const Configuration& configuration, Found& found) {
  try {
    evaluator.evaluate(configuration, found.evaluation);
    found.energies = evaluator.energies();
  } catch (const std::exception& error) {
    found.error = error.what();
  }
}

nb::tuple evaluate_with(Evaluator& evaluator, const Configuration& configuration,
                        Found found = {}) {
  {
    nb::gil_scoped_release released;
    evaluate_into(evaluator, configuration, found);
  }
  return found.to_python();
}

// The arrays of a structure, kept alive, and what borrows them.
struct Structure {
  Input<std::int64_t> numbers;
  Input<double> positions, cell;
  Configuration configuration;

  static Structure of(nb::handle given) {
    const auto parts = nb::cast<nb::tuple>(given);
    Structure s{nb::cast<Input<std::int64_t>>(parts[0]), nb::cast<Input<double>>(parts[1]),
                nb::cast<Input<double>>(parts[2]), {}};
    s.configuration = configuration_of(s.numbers, s.positions, s.cell,
                                       nb::cast<std::array<bool, 3>>(parts[3]));
    return s;
  }
};

// One structure after the other of the same run: keeps its Verlet list.
class Follower {
 public:
  explicit Follower(std::unique_ptr<Evaluator> evaluator) : evaluator_(std::move(evaluator)) {}

  nb::tuple evaluate(Input<std::int64_t> numbers, Input<double> positions, Input<double> cell,
                     std::array<bool, 3> pbc, const std::string& rows,
                     std::optional<std::vector<std::int32_t>> only) {
    Found found;
    found.evaluation.want_rows = elyte::rows_named(rows);
    if (only) found.evaluation.only = &check(*only, numbers.size());
    return evaluate_with(*evaluator_, configuration_of(numbers, positions, cell, pbc),
                         std::move(found));
  }

  // The grades of some atoms, or of the mean, by maps (grade_map_python.hpp), made along with the
  // forces.
  nb::object grades(Input<std::int64_t> numbers, Input<double> positions, Input<double> cell,
                    std::array<bool, 3> pbc, const nb::dict& maps,
                    std::optional<std::vector<std::int32_t>> only) {
    const auto made = elyte::grade_maps_from(maps);
    Found found;
    made.ask(found.evaluation);
    if (only) found.evaluation.only = &check(*only, numbers.size());
    const Configuration configuration = configuration_of(numbers, positions, cell, pbc);
    {
      nb::gil_scoped_release released;
      evaluate_into(*evaluator_, configuration, found);
    }
    if (!found.error.empty()) throw nb::value_error(found.error.c_str());
    return array(std::move(found.evaluation.grades), 1);
  }
  std::int64_t builds() const { return evaluator_->builds(); }

 private:
  static const std::vector<std::int32_t>& check(const std::vector<std::int32_t>& only, std::size_t n) {
    for (std::size_t k = 0; k < only.size(); ++k)
      if (only[k] < (k ? only[k - 1] + 1 : 0) || only[k] >= static_cast<std::int64_t>(n))
        throw nb::value_error("rows are of atoms in ascending order, each once");
    return only;
  }

  std::unique_ptr<Evaluator> evaluator_;
};

// A prepared potential; evaluations share nothing but the plan.
class Potential {
 public:
  Potential(const nb::dict& arrays, const std::string& isa, const std::string& precision)
      : plan_(std::make_shared<Plan>(elyte::mtp_model_from(arrays))),
        kernel_(&elyte::mtp::choose_kernel(isa, precision)) {}

  nb::tuple evaluate(Input<std::int64_t> numbers, Input<double> positions, Input<double> cell,
                     std::array<bool, 3> pbc, int threads) const {
    Evaluator evaluator(plan_, 0.0, threads, *kernel_);
    return evaluate_with(evaluator, configuration_of(numbers, positions, cell, pbc));
  }

  // Of a list of (numbers, positions, cell, pbc), threads over them: energies, forces of all atoms,
  // strain gradients (frames, 9), energies of all atoms, and (frame, (i, j, Å)) where a pair is
  // nearer than the potential's least distance. (Whole arrays, since Python makes one thing at a time.)
  nb::tuple evaluate_all(const nb::list& structures, int threads) const {
    std::vector<Structure> given;
    for (nb::handle structure : structures) given.push_back(Structure::of(structure));
    std::vector<Found> found(given.size());
    {
      nb::gil_scoped_release released;
      const int used = std::max(1, std::min(threads, static_cast<int>(given.size())));
#pragma omp parallel num_threads(used) if (used > 1)
      {
        Evaluator evaluator(plan_, 0.0, 1, *kernel_);
#pragma omp for schedule(dynamic, 1)
        for (std::size_t k = 0; k < given.size(); ++k)
          evaluate_into(evaluator, given[k].configuration, found[k]);
      }
    }
    std::vector<double> energies, forces, strains, of_atoms;
    nb::list closest;
    for (std::size_t k = 0; k < found.size(); ++k) {
      found[k].check();
      const elyte::Evaluation& one = found[k].evaluation;
      energies.push_back(one.energy);
      forces.insert(forces.end(), one.forces.begin(), one.forces.end());
      strains.insert(strains.end(), one.strain_gradient.begin(), one.strain_gradient.end());
      of_atoms.insert(of_atoms.end(), found[k].energies.begin(), found[k].energies.end());
      const nb::object pair = found[k].closest();
      if (!pair.is_none()) closest.append(nb::make_tuple(k, pair));
    }
    return nb::make_tuple(array(std::move(energies), 1), array(std::move(forces), 3),
                          array(std::move(strains), 9), array(std::move(of_atoms), 1), closest);
  }

  std::unique_ptr<Follower> follower(double skin, int threads) const {
    return std::make_unique<Follower>(std::make_unique<Evaluator>(plan_, skin, threads, *kernel_));
  }

  nb::capsule force_field(double skin, int threads) const {
    ForceField* field = new Evaluator(plan_, skin, threads, *kernel_);
    return nb::capsule(field, elyte::FORCE_FIELD_CAPSULE,
                       [](void* p) noexcept { delete static_cast<ForceField*>(p); });
  }

  // Seconds for building the list anew, as in a run, and for one evaluation with the list at hand,
  // best of `repeats`.
  nb::tuple time(Input<std::int64_t> numbers, Input<double> positions, Input<double> cell,
                 std::array<bool, 3> pbc, int threads, int repeats, double skin) const {
    Configuration configuration = configuration_of(numbers, positions, cell, pbc);
    std::vector<double> moved(configuration.positions, configuration.positions + 3 * configuration.n);
    configuration.positions = moved.data();
    using Clock = std::chrono::steady_clock;
    const auto seconds = [](Clock::time_point from) {
      return std::chrono::duration<double>(Clock::now() - from).count();
    };
    double build = 1e300, forces = 1e300;
    elyte::Evaluation result;
    Evaluator evaluator(plan_, skin, threads, *kernel_);
    for (int repeat = 0; repeat < repeats; ++repeat) {
      for (double& x : moved) x += repeat % 2 ? -skin - 0.1 : skin + 0.1;  // the list is of no use now
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
  std::string precision() const { return kernel_->precision; }

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
           nb::arg("cell"), nb::arg("pbc"), nb::arg("rows") = "", nb::arg("only") = nb::none(),
           "Energy, forces, strain gradient, atomic energies, nearest pair, rows.")
      .def("grades", &Follower::grades, nb::arg("numbers"), nb::arg("positions"), nb::arg("cell"),
           nb::arg("pbc"), nb::arg("maps"), nb::arg("only") = nb::none())
      .def_prop_ro("builds", &Follower::builds, "How often the neighbour list was built.");
  nb::class_<Potential>(m, "Potential")
      .def(nb::init<const nb::dict&, const std::string&, const std::string&>(), nb::arg("arrays"),
           nb::arg("isa") = "", nb::arg("precision") = "double")
      .def("evaluate", &Potential::evaluate, nb::arg("numbers"), nb::arg("positions"),
           nb::arg("cell"), nb::arg("pbc"), nb::arg("threads") = 1,
           "Energy, forces, strain gradient, atomic energies, nearest pair, None.")
      .def("evaluate_all", &Potential::evaluate_all, nb::arg("structures"), nb::arg("threads") = 1)
      .def("follower", &Potential::follower, nb::arg("skin"), nb::arg("threads"))
      .def("force_field", &Potential::force_field, nb::arg("skin"), nb::arg("threads"))
      .def("time", &Potential::time, nb::arg("numbers"), nb::arg("positions"), nb::arg("cell"),
           nb::arg("pbc"), nb::arg("threads") = 1, nb::arg("repeats") = 5, nb::arg("skin") = 0.0)
      .def("operations", &Potential::operations)
      .def_prop_ro("isa", &Potential::isa)
      .def_prop_ro("precision", &Potential::precision);
  m.attr("highest_level") = 2 * elyte::mtp::LARGEST_SHAPE + 4;
  m.def("instruction_sets", &instruction_sets, "Names of the kernels that this processor can run.");
  m.def("multiply_adds_per_second", &multiply_adds_per_second, nb::arg("isa") = "",
        "Measured peak of one core, floating-point operations per second.");
}
