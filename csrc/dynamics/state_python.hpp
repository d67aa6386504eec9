// State and settings of the native dynamics as Python gives and takes them.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dynamics/simulation.hpp"

namespace elyte::dynamics {

namespace nb = nanobind;

using Input = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;
using InputInt = nb::ndarray<const std::int64_t, nb::c_contig, nb::device::cpu>;
using Output = nb::ndarray<double, nb::c_contig, nb::device::cpu>;

inline nb::object array_of(const double* values, std::vector<std::size_t> shape) {
  std::size_t size = 1;
  for (const std::size_t length : shape) size *= length;
  auto* copy = new double[size];
  std::copy(values, values + size, copy);
  nb::capsule owner(copy, [](void* p) noexcept { delete[] static_cast<double*>(p); });
  return nb::cast(
      nb::ndarray<nb::numpy, double>(copy, shape.size(), shape.data(), owner));
}

inline std::vector<double> doubles(nb::handle value, std::size_t size, const char* name) {
  const auto array = nb::cast<Input>(value);
  if (array.size() != size) throw std::invalid_argument(std::string(name) + ": wrong size");
  return std::vector<double>(array.data(), array.data() + size);
}

// ---- state ----------------------------------------------------------------------------------

// The variables of thermostat and barostat in one vector: heat, strain rate, then of the two
// chains the lengths, coordinates and velocities.
inline std::vector<double> extended_of(const State& s) {
  std::vector<double> values{s.heat, s.strain_rate};
  for (const Chain* chain : {&s.chain, &s.barostat_chain}) {
    values.push_back(chain->length());
    values.insert(values.end(), chain->eta.begin(), chain->eta.end());
    values.insert(values.end(), chain->velocity.begin(), chain->velocity.end());
  }
  return values;
}

inline void set_extended(State& s, const std::vector<double>& values) {
  std::size_t at = 0;
  const auto take = [&] {
    if (at >= values.size()) throw std::invalid_argument("extended variables are incomplete");
    return values[at++];
  };
  s.heat = take();
  s.strain_rate = take();
  for (Chain* chain : {&s.chain, &s.barostat_chain}) {
    const double length = take();
    if (!(length >= 1 && length < 100)) throw std::invalid_argument("a chain has a bad length");
    *chain = Chain(static_cast<int>(length));
    for (double& eta : chain->eta) eta = take();
    for (double& velocity : chain->velocity) velocity = take();
  }
}

inline State state_from(const nb::dict& d) {
  State s;
  const auto numbers = nb::cast<InputInt>(d["numbers"]);
  s.n = static_cast<std::int64_t>(numbers.size());
  const auto n = numbers.size();
  s.numbers.assign(numbers.data(), numbers.data() + n);
  const auto pbc = nb::cast<std::vector<bool>>(d["pbc"]);
  for (int a = 0; a < 3; ++a) s.pbc[a] = pbc.at(a);
  s.masses = doubles(d["masses"], n, "masses");
  s.positions = doubles(d["positions"], 3 * n, "positions");
  s.velocities = doubles(d["velocities"], 3 * n, "velocities");
  const auto cell = doubles(d["cell"], 9, "cell");
  std::copy(cell.begin(), cell.end(), s.cell.begin());
  s.step = nb::cast<std::int64_t>(d["step"]);
  s.time = nb::cast<double>(d["time"]);
  s.random = Random(nb::cast<std::uint64_t>(d["seed"]));
  s.forces.assign(3 * n, 0.0);
  if (d.contains("chain_length")) {
    s.chain = Chain(nb::cast<int>(d["chain_length"]));
    s.barostat_chain = s.chain;
  }
  if (d.contains("random")) {
    Random::Words words{};
    const auto given = nb::cast<std::vector<std::uint64_t>>(d["random"]);
    if (given.size() != words.size()) throw std::invalid_argument("random: wrong size");
    std::copy(given.begin(), given.end(), words.begin());
    s.random.set_words(words);
  }
  if (d.contains("extended")) {
    const auto array = nb::cast<Input>(d["extended"]);
    set_extended(s, std::vector<double>(array.data(), array.data() + array.size()));
  }
  if (d.contains("forces")) {
    s.forces = doubles(d["forces"], 3 * n, "forces");
    s.energy = nb::cast<double>(d["energy"]);
    const auto strain = doubles(d["strain_gradient"], 9, "strain_gradient");
    std::copy(strain.begin(), strain.end(), s.strain_gradient.begin());
    s.evaluated = true;
  }
  return s;
}

inline nb::dict state_to(const State& s) {
  const auto n = static_cast<std::size_t>(s.n);
  nb::dict d;
  d["positions"] = array_of(s.positions.data(), {n, 3});
  d["velocities"] = array_of(s.velocities.data(), {n, 3});
  d["forces"] = array_of(s.forces.data(), {n, 3});
  d["cell"] = array_of(s.cell.data(), {3, 3});
  d["energy"] = s.energy;
  d["strain_gradient"] = array_of(s.strain_gradient.data(), {3, 3});
  d["step"] = s.step;
  d["time"] = s.time;
  const auto extended = extended_of(s);
  d["extended"] = array_of(extended.data(), {extended.size()});
  const auto words = s.random.words();
  d["random"] = nb::cast(std::vector<std::uint64_t>(words.begin(), words.end()));
  return d;
}

inline Thermostat thermostat_named(const std::string& name) {
  if (name == "none") return Thermostat::none;
  if (name == "langevin") return Thermostat::langevin;
  if (name == "bussi") return Thermostat::bussi;
  if (name == "nose-hoover") return Thermostat::nose_hoover;
  throw std::invalid_argument("unknown thermostat " + name);
}

inline Barostat barostat_named(const std::string& name) {
  if (name == "none") return Barostat::none;
  if (name == "scr") return Barostat::stochastic;
  if (name == "mtk") return Barostat::mtk;
  if (name == "prescribed") return Barostat::prescribed;
  throw std::invalid_argument("unknown barostat " + name);
}

inline Settings settings_from(const nb::dict& d) {
  Settings s;
  const auto number = [&](const char* key, double& target) {
    if (d.contains(key)) target = nb::cast<double>(d[key]);
  };
  const auto whole = [&](const char* key, std::int64_t& target) {
    if (d.contains(key)) target = nb::cast<std::int64_t>(d[key]);
  };
  s.thermostat = thermostat_named(nb::cast<std::string>(d["thermostat"]));
  s.barostat = barostat_named(nb::cast<std::string>(d["barostat"]));
  number("timestep", s.timestep);
  number("thermostat_time", s.thermostat_time);
  number("barostat_time", s.barostat_time);
  number("compressibility", s.compressibility);
  number("degrees_of_freedom", s.degrees_of_freedom);
  number("max_force", s.max_force);
  number("max_temperature", s.max_temperature);
  number("max_energy_jump", s.max_energy_jump);
  number("max_strain", s.max_strain);
  whole("renew_every", s.renew_every);
  whole("history_every", s.history_every);
  whole("history_length", s.history_length);
  return s;
}

}  // namespace elyte::dynamics
