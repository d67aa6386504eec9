// A step: elementary moves, thermostats, barostats.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "dynamics/simulation.hpp"

namespace elyte::dynamics {

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

// ---- thermostats ----------------------------------------------------------------------------

// v ← c v + √((1 − c²) kT/m) R with c = exp(−dt/τ): the O of BAOAB. Returns the energy it brings.
double Simulation::langevin(double kT) {
  const double c = std::exp(-settings.timestep / settings.thermostat_time);
  const double kick = std::sqrt((1 - c * c) * kT);
  std::array<double, 3> heat{};
  for (std::int64_t i = 0; i < state.n; ++i) {
    const double width = kick * thermal_speeds_[i];
    for (int k = 0; k < 3; ++k) {
      double& v = state.velocities[3 * i + k];
      const double before = v;
      v = c * v + width * state.random.normal();
      heat[k] += state.masses[i] * (v - before) * (v + before);
    }
  }
  return 0.5 * MASS_VELOCITY2_TO_EV * (heat[0] + heat[1] + heat[2]);
}

void Simulation::apply_thermostat(double kT) {
  const double g = settings.degrees_of_freedom, dt = settings.timestep;
  const double tau = settings.thermostat_time;
  const bool mtk = settings.barostat == Barostat::mtk;
  if (settings.thermostat == Thermostat::none) return;
  if (settings.thermostat == Thermostat::nose_hoover) {
    scale_velocities(state.chain.propagate(2 * kinetic(), g, kT, tau, dt));
    if (mtk) {
      const double two = strain_mass(kT) * state.strain_rate * state.strain_rate;
      state.strain_rate *= state.barostat_chain.propagate(two, 1, kT, tau, dt);
    }
    return;
  }
  if (settings.thermostat == Thermostat::langevin) {
    state.heat += langevin(kT);
  } else {
    const double before = kinetic();
    const double factor = velocity_rescaling(before, g, kT, tau, dt, state.random);
    scale_velocities(factor);
    state.heat += (factor * factor - 1) * before;
  }
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

}  // namespace elyte::dynamics
