// What a run writes down: series, frames, velocity sums of groups.
#include <algorithm>
#include <cmath>
#include <limits>

#include "dynamics/simulation.hpp"

namespace elyte::dynamics {

// ---- quantities ---------------------------------------------------------------------------

// Three sums that do not wait for each other.
double Simulation::kinetic() const {
  std::array<double, 3> sum{};
  for (std::int64_t i = 0; i < state.n; ++i)
    for (int k = 0; k < 3; ++k) {
      const double v = state.velocities[3 * i + k];
      sum[k] += state.masses[i] * v * v;
    }
  return 0.5 * MASS_VELOCITY2_TO_EV * (sum[0] + sum[1] + sum[2]);
}

double Simulation::strain_trace() const {
  const Matrix& s = state.strain_gradient;
  return s[0] + s[4] + s[8];
}

static constexpr int ROW[6] = {0, 1, 2, 1, 0, 0}, COLUMN[6] = {0, 1, 2, 2, 2, 1};

Simulation::Motion Simulation::motion() const {
  std::array<double, 6> of_velocities{}, of_forces{};
  for (std::int64_t i = 0; i < state.n; ++i) {
    const double *v = &state.velocities[3 * i], *f = &state.forces[3 * i];
    for (int k = 0; k < 6; ++k) {
      of_velocities[k] += state.masses[i] * v[ROW[k]] * v[COLUMN[k]];
      of_forces[k] += inverse_masses_[i] * f[ROW[k]] * f[COLUMN[k]];
    }
  }
  Motion motion;
  const double quarter = 0.25 * settings.timestep * settings.timestep;
  for (int k = 0; k < 6; ++k) {
    of_velocities[k] *= MASS_VELOCITY2_TO_EV;
    motion.middle[k] = of_velocities[k] + quarter * of_forces[k];
  }
  motion.kinetic = 0.5 * (of_velocities[0] + of_velocities[1] + of_velocities[2]);
  return motion;
}

double Simulation::strain_mass(double kT) const {
  return (settings.degrees_of_freedom + 3) * kT * settings.barostat_time * settings.barostat_time;
}

double Simulation::conserved(double kinetic, double kT, double pressure) const {
  double sum = kinetic + state.energy - state.heat;
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
  const Motion now = motion();
  const double v = volume();
  double* const pressures = row + 8;
  for (int k = 0; k < 6; ++k)
    pressures[k] = v > 0 ? (now.middle[k] - state.strain_gradient[3 * ROW[k] + COLUMN[k]]) / v
                         : std::numeric_limits<double>::quiet_NaN();
  row[0] = static_cast<double>(state.step);
  row[1] = state.time;
  row[2] = state.energy;
  row[3] = now.kinetic;
  row[4] = (now.middle[0] + now.middle[1] + now.middle[2]) / (settings.degrees_of_freedom * BOLTZMANN);
  row[5] = (pressures[0] + pressures[1] + pressures[2]) / 3;
  row[6] = v;
  row[7] = conserved(now.kinetic, kT, target);
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
