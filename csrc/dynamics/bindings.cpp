#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "dynamics/model_fields.hpp"
#include "dynamics/simulation.hpp"
#include "dynamics/state_python.hpp"
#include "grade_map_python.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace elyte::dynamics {
namespace {

nb::capsule capsule_of(ForceField* field) {
  return nb::capsule(field, FORCE_FIELD_CAPSULE,
                     [](void* p) noexcept { delete static_cast<ForceField*>(p); });
}

const ForceField& field_of(const nb::capsule& capsule) {
  void* pointer = PyCapsule_GetPointer(capsule.ptr(), FORCE_FIELD_CAPSULE);
  if (!pointer) throw nb::python_error();
  return *static_cast<const ForceField*>(pointer);
}

// ---- the simulation as Python sees it --------------------------------------------------------

const char* name_of(Stop stop) {
  switch (stop) {
    case Stop::none: return "";
    case Stop::not_finite: return "not_finite";
    case Stop::force: return "force";
    case Stop::speed: return "speed";
    case Stop::temperature: return "temperature";
    case Stop::energy_jump: return "energy_jump";
    case Stop::volume: return "volume";
  }
  return "";
}

class PySimulation {
 public:
  PySimulation(nb::capsule capsule, const nb::dict& state, const nb::dict& settings)
      : capsule_(std::move(capsule)),
        simulation_(field_of(capsule_), settings_from(settings), state_from(state)) {}

  nb::dict run(std::int64_t steps, Input temperatures, Input pressures, nb::object volumes,
               const nb::dict& into, bool first, double pause_above) {
    Targets targets{temperatures.data(), pressures.data(), nullptr};
    const auto needed = static_cast<std::size_t>(std::max<std::int64_t>(steps, first ? 1 : 0));
    if (temperatures.size() < needed || pressures.size() < needed)
      throw std::invalid_argument("targets are needed for every step");
    Input volume_array;
    if (!volumes.is_none()) {
      volume_array = nb::cast<Input>(volumes);
      if (volume_array.size() < needed) throw std::invalid_argument("too few volumes");
      targets.volume = volume_array.data();
    } else if (simulation_.settings.barostat == Barostat::prescribed) {
      throw std::invalid_argument("a prescribed volume needs volumes");
    }
    Records records = records_from(into, steps, first);
    Report report;
    {
      nb::gil_scoped_release release;
      if (first) simulation_.record(targets, records);
      report = simulation_.run(steps, targets, records, pause_above);
    }
    nb::dict d;
    d["steps"] = report.steps;
    d["stop"] = name_of(report.stop);
    d["value"] = report.value;
    d["atom"] = report.atom;
    d["series"] = records.series_rows;
    d["frames"] = records.frame_rows;
    d["flux"] = records.flux_rows;
    d["grades"] = records.grade_rows;
    return d;
  }

  // Grade at steps that are multiples of `every`; `run` then needs grades (steps / every + 1, 2) in
  // `into`.
  void watch_grades(const nb::dict& maps, std::int64_t every, std::int64_t rotation, double margin) {
    simulation_.watch_grades(grade_maps_from(maps), every, rotation, margin);
    grades_every_ = every;
  }

  nb::dict state() { return state_to(simulation_.state); }

  // (distance, i, j, step) of the nearest pair below what the potential is meant for, or None.
  nb::object closest() const {
    const CloseContact& c = simulation_.closest();
    if (c.step < 0) return nb::none();
    return nb::make_tuple(c.distance, c.pair[0], c.pair[1], c.step);
  }

  void evaluate() {
    nb::gil_scoped_release release;
    simulation_.evaluate_if_needed();
  }

  double temperature() const {
    return 2 * simulation_.kinetic() / (simulation_.settings.degrees_of_freedom * BOLTZMANN);
  }

  nb::list history() const {
    nb::list list;
    const auto n = static_cast<std::size_t>(simulation_.state.n);
    for (const Snapshot& s : simulation_.history())
      list.append(nb::make_tuple(s.step, array_of(s.positions.data(), {n, 3}),
                                 array_of(s.cell.data(), {3, 3})));
    return list;
  }

 private:
  // Borrow the arrays of `into`; every one must have room for all rows of the block.
  Records records_from(const nb::dict& into, std::int64_t steps, bool first) {
    Records r;
    const auto n = static_cast<std::size_t>(simulation_.state.n);
    const auto rows = [&](std::int64_t every) {
      const std::int64_t start = simulation_.state.step;
      const std::int64_t count = (start + steps) / every - start / every;
      return static_cast<std::size_t>(count + (first && start % every == 0 ? 1 : 0));
    };
    const auto room = [&](const char* key, std::size_t size) {
      auto array = nb::cast<Output>(nb::object(into[key]), false);
      if (array.size() < size) throw std::invalid_argument(std::string(key) + ": too small");
      return array.data();
    };
    if (into.contains("series")) {
      r.series_every = nb::cast<std::int64_t>(into["series_every"]);
      r.series = room("series", rows(r.series_every) * Records::COLUMNS);
    }
    if (into.contains("positions")) {
      r.frames_every = nb::cast<std::int64_t>(into["frames_every"]);
      const std::size_t count = rows(r.frames_every);
      r.positions = room("positions", count * n * 3);
      if (into.contains("velocities")) r.velocities = room("velocities", count * n * 3);
      r.cells = room("cells", count * 9);
      r.frame_times = room("frame_times", count * 2);
    }
    if (into.contains("flux")) {
      r.flux_every = nb::cast<std::int64_t>(into["flux_every"]);
      const auto groups = nb::cast<InputInt>(nb::object(into["groups"]), false);
      const auto weights = nb::cast<Input>(nb::object(into["weights"]), false);
      if (groups.size() != n || weights.size() != n)
        throw std::invalid_argument("groups and weights need one value for each atom");
      r.n_groups = nb::cast<std::int64_t>(into["n_groups"]);
      for (std::size_t i = 0; i < n; ++i)
        if (groups.data()[i] >= r.n_groups) throw std::invalid_argument("a group is too large");
      r.groups = groups.data();
      r.weights = weights.data();
      r.flux = room("flux", rows(r.flux_every) * static_cast<std::size_t>(r.n_groups) * 3);
    }
    if (grades_every_ > 0) r.grades = room("grades", 2 * rows(grades_every_));
    return r;
  }

  nb::capsule capsule_;  // keeps the original force field alive
  Simulation simulation_;
  std::int64_t grades_every_ = 0;  // 0: never
};

// A force field to be evaluated again and again: it keeps its neighbour list.
class PyField {
 public:
  explicit PyField(nb::capsule capsule)
      : capsule_(std::move(capsule)), field_(field_of(capsule_).clone()) {}

  nb::tuple evaluate(InputInt numbers, Input positions, Input cell, const std::vector<bool>& pbc) {
    Configuration c;
    c.n = static_cast<std::int64_t>(numbers.size());
    if (positions.size() != 3 * numbers.size() || cell.size() != 9)
      throw std::invalid_argument("positions or cell have the wrong size");
    c.numbers = numbers.data();
    c.positions = positions.data();
    c.cell = cell.data();
    for (int a = 0; a < 3; ++a) c.pbc[a] = pbc.at(a);
    Evaluation result;
    {
      nb::gil_scoped_release release;
      field_->evaluate(c, result);
    }
    return nb::make_tuple(result.energy, array_of(result.forces.data(), {numbers.size(), 3}),
                          array_of(result.strain_gradient.data(), {3, 3}));
  }

 private:
  nb::capsule capsule_;
  std::unique_ptr<ForceField> field_;
};

std::vector<double> random_numbers(std::uint64_t seed, const std::string& kind, std::size_t count,
                                   double parameter) {
  Random random(seed);
  std::vector<double> values(count);
  for (double& value : values)
    value = kind == "normal"  ? random.normal()
            : kind == "gamma" ? random.gamma(parameter)
                              : random.uniform();
  return values;
}

}  // namespace
}  // namespace elyte::dynamics

NB_MODULE(dynamics, m) {
  using namespace elyte::dynamics;
  m.doc() = "Native molecular dynamics over capsules of force fields.";
  nb::class_<PySimulation>(m, "Simulation")
      .def(nb::init<nb::capsule, const nb::dict&, const nb::dict&>(), "force_field"_a, "state"_a,
           "settings"_a)
      .def("run", &PySimulation::run, "steps"_a, "temperatures"_a, "pressures"_a,
           "volumes"_a.none(), "into"_a, "first"_a,
           "pause_above"_a = std::numeric_limits<double>::infinity())
      .def("watch_grades", &PySimulation::watch_grades, "maps"_a, "every"_a, "rotation"_a,
           "margin"_a)
      .def("closest", &PySimulation::closest)
      .def("state", &PySimulation::state)
      .def("evaluate", &PySimulation::evaluate)
      .def("history", &PySimulation::history)
      .def_prop_ro("temperature", &PySimulation::temperature);
  nb::class_<DueAtoms>(m, "DueAtoms")
      .def(nb::init<std::int64_t, std::int64_t, double>(), "n"_a, "rotation"_a, "margin"_a)
      .def("forget", &DueAtoms::forget)
      .def("choose", &DueAtoms::choose, "step"_a, "all"_a = false)
      .def("take", &DueAtoms::take, "grades"_a)
      .def_prop_ro("largest", &DueAtoms::largest)
      .def_prop_ro("atom", &DueAtoms::atom);
  nb::class_<PyField>(m, "Field")
      .def(nb::init<nb::capsule>(), "force_field"_a)
      .def("evaluate", &PyField::evaluate, "numbers"_a, "positions"_a, "cell"_a, "pbc"_a);
  m.def("random_numbers", &random_numbers, "seed"_a, "kind"_a, "count"_a, "parameter"_a = 1.0);
  m.def("ideal_gas", [] { return capsule_of(new IdealGas()); });
  m.def("harmonic_wells", [](Input centres, double stiffness) {
    return capsule_of(new HarmonicWells(
        std::vector<double>(centres.data(), centres.data() + centres.size()), stiffness));
  }, "centres"_a, "stiffness"_a);
  m.def("springs", [](InputInt pairs, double stiffness, double length) {
    return capsule_of(new Springs(
        std::vector<std::int64_t>(pairs.data(), pairs.data() + pairs.size()), stiffness, length));
  }, "pairs"_a, "stiffness"_a, "length"_a);
  m.def("lennard_jones", [](double epsilon, double sigma, double cutoff, double skin) {
    return capsule_of(new LennardJones(epsilon, sigma, cutoff, skin));
  }, "epsilon"_a, "sigma"_a, "cutoff"_a, "skin"_a = 1.0);
  m.def("faulty", [](const nb::capsule& base, std::int64_t good, double factor) {
    return capsule_of(new Faulty(field_of(base), good, factor));
  }, "base"_a, "good"_a, "factor"_a);
  m.def("python_field", [](nb::object function, double cutoff) {
    return capsule_of(new PythonField(std::move(function), cutoff));
  }, "function"_a, "cutoff"_a);
}
