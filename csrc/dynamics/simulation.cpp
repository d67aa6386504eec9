#include "dynamics/simulation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

namespace elyte::dynamics {

double determinant(const Matrix& m) {
  return std::abs(m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
                  m[2] * (m[3] * m[7] - m[4] * m[6]));
}

Simulation::Simulation(const ForceField& force_field, const Settings& settings_, State state_)
    : state(std::move(state_)), settings(settings_), origin_(&force_field) {
  if (!(settings.degrees_of_freedom > 0)) throw std::invalid_argument("no degrees of freedom");
  field_.reset(origin_->clone());
  for (const double m : state.masses) inverse_masses_.push_back(1 / (m * MASS_VELOCITY2_TO_EV));
}

// ---- quantities ---------------------------------------------------------------------------

double Simulation::kinetic() const {
  double sum = 0;
  for (std::int64_t i = 0; i < state.n; ++i) {
    const double* v = &state.velocities[3 * i];
    sum += state.masses[i] * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  }
  return 0.5 * MASS_VELOCITY2_TO_EV * sum;
}

// The mean of ½m|v ± ½a dt|² is K + dt²/8 Σ F²/m. Unlike K at the step it has the right mean
// for stiff vibrations: it is this one that obeys the virial theorem with the forces.
double Simulation::middle_kinetic() const {
  double sum = 0;
  for (std::int64_t i = 0; i < state.n; ++i) {
    const double* f = &state.forces[3 * i];
    sum += inverse_masses_[i] * (f[0] * f[0] + f[1] * f[1] + f[2] * f[2]);
  }
  return kinetic() + 0.125 * settings.timestep * settings.timestep * sum;
}

double Simulation::strain_trace() const {
  const Matrix& s = state.strain_gradient;
  return s[0] + s[4] + s[8];
}

double Simulation::pressure() const {
  const double v = volume();
  if (!(v > 0)) return std::numeric_limits<double>::quiet_NaN();
  return (2 * middle_kinetic() - strain_trace()) / (3 * v);
}

std::array<double, 6> Simulation::pressure_tensor() const {
  static constexpr int A[6] = {0, 1, 2, 1, 0, 0}, B[6] = {0, 1, 2, 2, 2, 1};
  const double quarter = 0.25 * settings.timestep * settings.timestep;
  std::array<double, 6> sum{};
  for (std::int64_t i = 0; i < state.n; ++i) {
    const double *v = &state.velocities[3 * i], *f = &state.forces[3 * i];
    const double mass = MASS_VELOCITY2_TO_EV * state.masses[i], mobility = quarter * inverse_masses_[i];
    for (int k = 0; k < 6; ++k) sum[k] += mass * v[A[k]] * v[B[k]] + mobility * f[A[k]] * f[B[k]];
  }
  const double v = volume();
  for (int k = 0; k < 6; ++k)
    sum[k] = v > 0 ? (sum[k] - state.strain_gradient[3 * A[k] + B[k]]) / v
                   : std::numeric_limits<double>::quiet_NaN();
  return sum;
}

double Simulation::strain_mass(double kT) const {
  return (settings.degrees_of_freedom + 3) * kT * settings.barostat_time * settings.barostat_time;
}

double Simulation::conserved(double kT, double pressure) const {
  double sum = kinetic() + state.energy - state.heat;
  const double g = settings.degrees_of_freedom, tau = settings.thermostat_time;
  if (settings.thermostat == Thermostat::nose_hoover) sum += state.chain.energy(g, kT, tau);
  if (settings.barostat == Barostat::stochastic || settings.barostat == Barostat::mtk)
    sum += pressure * volume();
  if (settings.barostat == Barostat::mtk) {
    sum += 0.5 * strain_mass(kT) * state.strain_rate * state.strain_rate;
    if (settings.thermostat == Thermostat::nose_hoover)
      sum += state.barostat_chain.energy(1, kT, tau);
  }
  return sum;
}

// ---- elementary moves -----------------------------------------------------------------------

void Simulation::kick(double dt) {
  for (std::int64_t i = 0; i < state.n; ++i) {
    const double factor = dt * inverse_masses_[i];
    for (int k = 0; k < 3; ++k) state.velocities[3 * i + k] += factor * state.forces[3 * i + k];
  }
}

void Simulation::drift(double dt) {
  for (std::int64_t i = 0; i < 3 * state.n; ++i) state.positions[i] += dt * state.velocities[i];
}

void Simulation::scale_velocities(double factor) {
  for (double& v : state.velocities) v *= factor;
}

// Scale positions about the centre of mass, which so keeps still: unwrapped positions far from
// the origin would otherwise be carried along with every fluctuation of the volume.
void Simulation::scale_box(double factor) {
  std::array<double, 3> centre{};
  double total = 0;
  for (std::int64_t i = 0; i < state.n; ++i) {
    total += state.masses[i];
    for (int k = 0; k < 3; ++k) centre[k] += state.masses[i] * state.positions[3 * i + k];
  }
  for (double& c : centre) c /= total;
  for (std::int64_t i = 0; i < state.n; ++i)
    for (int k = 0; k < 3; ++k) {
      double& x = state.positions[3 * i + k];
      x = centre[k] + factor * (x - centre[k]);
    }
  for (double& h : state.cell) h *= factor;
}

void Simulation::evaluate() {
  Configuration configuration;
  configuration.n = state.n;
  configuration.numbers = state.numbers.data();
  configuration.positions = state.positions.data();
  configuration.cell = state.cell.data();
  configuration.pbc = state.pbc;
  field_->evaluate(configuration, evaluation_);
  state.energy = evaluation_.energy;
  state.forces.assign(evaluation_.forces.begin(), evaluation_.forces.end());
  state.strain_gradient = evaluation_.strain_gradient;
  state.evaluated = true;
  if (evaluation_.closest < closest_.distance)
    closest_ = {evaluation_.closest, evaluation_.closest_pair, state.step};
}

// In an explosion atoms may be where no neighbour list can hold them, or at one point. What the
// force field throws then is no error of the user's: the forces are not finite, and check() ends
// the run. (Errors of Python callbacks are neither of these types and go on.)
void Simulation::evaluate_moved() {
  try {
    evaluate();
    return;
  } catch (const std::bad_alloc&) {
  } catch (const std::logic_error&) {
  }
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  state.energy = nan;
  std::fill(state.forces.begin(), state.forces.end(), nan);
  state.strain_gradient.fill(nan);
}

void Simulation::evaluate_if_needed() {
  if (!state.evaluated) evaluate();
}

// ---- thermostats ----------------------------------------------------------------------------

// v ← c v + √((1 − c²) kT/m) R with c = exp(−dt/τ): the O of BAOAB.
void Simulation::langevin(double kT) {
  const double c = std::exp(-settings.timestep / settings.thermostat_time);
  for (std::int64_t i = 0; i < state.n; ++i) {
    const double width = std::sqrt((1 - c * c) * kT * inverse_masses_[i]);
    for (int k = 0; k < 3; ++k) {
      double& v = state.velocities[3 * i + k];
      v = c * v + width * state.random.normal();
    }
  }
}

void Simulation::apply_thermostat(double kT) {
  const double g = settings.degrees_of_freedom, dt = settings.timestep;
  const double tau = settings.thermostat_time;
  const bool mtk = settings.barostat == Barostat::mtk;
  if (settings.thermostat == Thermostat::none) return;
  const double before = kinetic();
  if (settings.thermostat == Thermostat::nose_hoover) {
    scale_velocities(state.chain.propagate(2 * before, g, kT, tau, dt));
    if (mtk) {
      const double two = strain_mass(kT) * state.strain_rate * state.strain_rate;
      state.strain_rate *= state.barostat_chain.propagate(two, 1, kT, tau, dt);
    }
    return;
  }
  if (settings.thermostat == Thermostat::langevin) {
    langevin(kT);
  } else {
    scale_velocities(velocity_rescaling(before, g, kT, tau, dt, state.random));
  }
  state.heat += kinetic() - before;
  if (mtk) {
    const double c = std::exp(-dt / tau), mass = strain_mass(kT), old = state.strain_rate;
    state.strain_rate = c * old + std::sqrt((1 - c * c) * kT / mass) * state.random.normal();
    state.heat += 0.5 * mass * (state.strain_rate * state.strain_rate - old * old);
  }
}

// ---- barostats ------------------------------------------------------------------------------

// Stochastic cell rescaling, isotropic, in λ = √V, whose noise does not depend on λ
// (Bernetti and Bussi, doi:10.1063/5.0020514):
//   dλ = −(β λ/2τ)(P₀ − P − kT/2V) dt + √(kT β/2τ) dW.
// It stands right after the first half kick: the virial belongs to the present positions, and
// the kinetic energy is the one of the half step, which obeys the virial theorem.
void Simulation::stochastic_cell_rescaling(double kT, double target) {
  const double v = volume(), dt = settings.timestep, beta = settings.compressibility;
  const double before = kinetic();
  const double present = (2 * before - strain_trace()) / (3 * v);
  const double lambda = std::sqrt(v), rate = beta / (2 * settings.barostat_time);
  const double noise = std::sqrt(kT * rate * dt) * state.random.normal();
  const double moved = lambda - rate * lambda * (target - present - kT / (2 * v)) * dt + noise;
  const double strain = 2 * std::log(moved / lambda);
  stopped_strain_ = moved > 0 ? strain : std::numeric_limits<double>::quiet_NaN();
  if (!(std::abs(stopped_strain_) <= settings.max_strain)) return;
  const double factor = std::exp(strain / 3);
  scale_box(factor);
  scale_velocities(1 / factor);
  // To first order in the strain; the change of the kinetic energy is exact.
  state.heat += strain_trace() * strain / 3 + (kinetic() - before) + target * (volume() - v);
}

// W dν/dt = 3V(P − P₀) + (3/g) 2K (Martyna, Tobias and Klein, doi:10.1063/1.467468).
void Simulation::kick_strain_rate(double kT, double target, double dt) {
  const double two_kinetic = 2 * kinetic();
  const double driving = two_kinetic - strain_trace() - 3 * volume() * target +
                         3 / settings.degrees_of_freedom * two_kinetic;
  state.strain_rate += dt * driving / strain_mass(kT);
}

// dr/dt = ν r, dv/dt = −(1 + 3/g) ν v, dV/dt = 3 ν V over dt.
void Simulation::dilate(double dt) {
  const double strain = state.strain_rate * dt;
  stopped_strain_ = 3 * strain;
  if (!(std::abs(stopped_strain_) <= settings.max_strain)) return;
  scale_box(std::exp(strain));
  scale_velocities(std::exp(-(1 + 3 / settings.degrees_of_freedom) * strain));
}

// ---- the step -------------------------------------------------------------------------------

// Half kick, [barostat], half drift, thermostat, half drift, forces, [barostat], half kick: the
// thermostat stands in the middle, so that positions are sampled to high order in the time step
// (Leimkuhler and Matthews, doi:10.1093/amrx/abs010; Zhang et al., doi:10.1021/acs.jpca.9b02771).
void Simulation::advance(double kT, double target, double volume_target) {
  const double dt = settings.timestep;
  const bool mtk = settings.barostat == Barostat::mtk;
  kick(0.5 * dt);
  if (mtk) {
    kick_strain_rate(kT, target, 0.5 * dt);
    dilate(0.5 * dt);
  } else if (settings.barostat == Barostat::stochastic) {
    stochastic_cell_rescaling(kT, target);
  } else if (settings.barostat == Barostat::prescribed) {
    stopped_strain_ = std::log(volume_target / volume());
    if (std::abs(stopped_strain_) <= settings.max_strain) scale_box(std::exp(stopped_strain_ / 3));
  }
  drift(0.5 * dt);
  apply_thermostat(kT);
  drift(0.5 * dt);
  if (mtk) dilate(0.5 * dt);
  evaluate_moved();
  if (mtk) kick_strain_rate(kT, target, 0.5 * dt);
  kick(0.5 * dt);
}

Report Simulation::check(double previous_energy) {
  Report report;
  const auto fail = [&](Stop stop, double value, std::int64_t atom = -1) {
    report.stop = stop;
    report.value = value;
    report.atom = atom;
    return report;
  };
  const double limit = settings.max_force * settings.max_force;
  double largest = -1;
  std::int64_t atom = -1;
  for (std::int64_t i = 0; i < state.n; ++i) {
    const double* f = &state.forces[3 * i];
    const double square = f[0] * f[0] + f[1] * f[1] + f[2] * f[2];
    if (!std::isfinite(square)) return fail(Stop::not_finite, square, i);
    if (square > limit && square > largest) largest = square, atom = i;
  }
  if (!std::isfinite(state.energy)) return fail(Stop::not_finite, state.energy);
  if (atom >= 0) return fail(Stop::force, std::sqrt(largest), atom);
  if (!(std::abs(stopped_strain_) <= settings.max_strain))
    return fail(Stop::volume, stopped_strain_);
  const double farthest = settings.max_move / settings.timestep;
  for (std::int64_t i = 0; i < state.n; ++i) {
    const double* v = &state.velocities[3 * i];
    const double square = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
    if (!(square <= farthest * farthest))
      return fail(Stop::speed, std::sqrt(square) * settings.timestep, i);
  }
  const double jump = (state.energy - previous_energy) / static_cast<double>(state.n);
  if (std::abs(jump) > settings.max_energy_jump) return fail(Stop::energy_jump, jump);
  const double temperature = 2 * kinetic() / (settings.degrees_of_freedom * BOLTZMANN);
  if (!(temperature <= settings.max_temperature)) return fail(Stop::temperature, temperature);
  return report;
}

// ---- grades ---------------------------------------------------------------------------------

void Simulation::watch_grades(GradeMaps maps, std::int64_t rotation, double margin) {
  if (rotation < 1 || !(margin >= 0)) throw std::invalid_argument("rotation or margin of grades");
  const std::int64_t graded = maps.by_atoms ? state.n : 1;
  grading_.emplace(Grading{std::move(maps), DueAtoms(graded, rotation, margin)});
}

// Of the next step. Rows of all atoms hold those of the ones that are due.
void Simulation::ask_for_rows(Rows rows) {
  evaluation_.want_rows = rows;
  if (!grading_) return;
  grading_->maps.ask(evaluation_);
  const auto& due = grading_->due.choose(state.step + 1, rows != Rows::none);
  evaluation_.only = grading_->maps.by_atoms ? &due : nullptr;
  evaluation_.grades.clear();
}

void Simulation::take_grades(Records& records) {
  DueAtoms& due = grading_->due;
  if (evaluation_.grades.size() != due.atoms().size())
    throw std::invalid_argument("this force field makes no grades");
  due.take(evaluation_.grades);
  double* row = records.grades + 2 * records.grade_rows++;
  row[0] = due.largest();
  row[1] = static_cast<double>(due.atom());
}

Report Simulation::run(std::int64_t steps, const Targets& targets, Records& records, Rows rows,
                       double pause_above) {
  evaluate_if_needed();
  Report report;
  for (std::int64_t index = 0; index < steps; ++index) {
    // A fresh force field at fixed steps: what follows then depends on the state alone, not on
    // when a neighbour list happened to be built, or an atom to be graded.
    if (settings.renew_every > 0 && state.step % settings.renew_every == 0) {
      field_.reset(origin_->clone());
      if (grading_) grading_->due.forget();
    }
    if (settings.history_every > 0 && state.step % settings.history_every == 0) {
      history_.push_back({state.step, state.positions, state.cell});
      while (static_cast<std::int64_t>(history_.size()) > settings.history_length)
        history_.pop_front();
    }
    const double energy = state.energy;
    ask_for_rows(index + 1 == steps ? rows : Rows::none);
    advance(BOLTZMANN * targets.temperature[index], targets.pressure[index],
            targets.volume ? targets.volume[index] : 0);
    ++state.step;
    state.time += settings.timestep;
    report = check(energy);
    report.steps = index + 1;
    if (report.stop != Stop::none) return report;
    write_due(targets, index, records);
    if (!grading_) continue;
    take_grades(records);
    if (!(grading_->due.largest() <= pause_above)) return report;
  }
  return report;
}

// ---- records --------------------------------------------------------------------------------

void Simulation::record(const Targets& targets, Records& records) {
  evaluate_if_needed();
  write_due(targets, 0, records);
}

void Simulation::write_due(const Targets& targets, std::int64_t index, Records& records) {
  const auto due = [&](std::int64_t every) { return every > 0 && state.step % every == 0; };
  if (due(records.series_every))
    write_series(BOLTZMANN * targets.temperature[index], targets.pressure[index], records);
  if (due(records.frames_every)) write_frame(records);
  if (due(records.flux_every)) write_flux(records);
}

void Simulation::write_series(double kT, double target, Records& records) {
  double* row = records.series + Records::COLUMNS * records.series_rows++;
  row[0] = static_cast<double>(state.step);
  row[1] = state.time;
  row[2] = state.energy;
  row[3] = kinetic();
  row[4] = 2 * middle_kinetic() / (settings.degrees_of_freedom * BOLTZMANN);
  row[5] = pressure();
  row[6] = volume();
  row[7] = conserved(kT, target);
  const auto tensor = pressure_tensor();
  std::copy(tensor.begin(), tensor.end(), row + 8);
}

void Simulation::write_frame(Records& records) {
  const std::int64_t row = records.frame_rows++, size = 3 * state.n;
  std::copy(state.positions.begin(), state.positions.end(), records.positions + row * size);
  if (records.velocities)
    std::copy(state.velocities.begin(), state.velocities.end(), records.velocities + row * size);
  std::copy(state.cell.begin(), state.cell.end(), records.cells + row * 9);
  records.frame_times[2 * row] = static_cast<double>(state.step);
  records.frame_times[2 * row + 1] = state.time;
}

void Simulation::write_flux(Records& records) {
  double* row = records.flux + 3 * records.n_groups * records.flux_rows++;
  std::fill(row, row + 3 * records.n_groups, 0.0);
  for (std::int64_t i = 0; i < state.n; ++i) {
    if (records.groups[i] < 0) continue;
    double* sum = row + 3 * records.groups[i];
    for (int k = 0; k < 3; ++k) sum[k] += records.weights[i] * state.velocities[3 * i + k];
  }
}

}  // namespace elyte::dynamics
