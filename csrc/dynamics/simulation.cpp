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
  for (const double m : state.masses) {
    inverse_masses_.push_back(1 / (m * MASS_VELOCITY2_TO_EV));
    thermal_speeds_.push_back(std::sqrt(inverse_masses_.back()));
  }
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

void Simulation::watch_grades(GradeMaps maps, std::int64_t every, std::int64_t rotation,
                              double margin) {
  if (every < 1 || rotation < 1 || !(margin >= 0))
    throw std::invalid_argument("interval, rotation or margin of grades");
  const std::int64_t graded = maps.by_atoms ? state.n : 1;
  grading_.emplace(Grading{std::move(maps), every, DueAtoms(graded, rotation, margin)});
}

// Returns whether the step, whose forces are about to be made, is graded.
bool Simulation::ask_for_grades() {
  evaluation_.grading = nullptr;
  evaluation_.mean = nullptr;
  if (!grading_ || state.step % grading_->every != 0) return false;
  grading_->maps.ask(evaluation_);
  const auto& due = grading_->due.choose(state.step, grading_->every > 1);
  evaluation_.only = grading_->maps.by_atoms ? &due : nullptr;
  evaluation_.grades.clear();
  return true;
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

Report Simulation::run(std::int64_t steps, const Targets& targets, Records& records,
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
    ++state.step;  // to which the forces belong that advance() makes
    state.time += settings.timestep;
    const bool graded = ask_for_grades();
    advance(BOLTZMANN * targets.temperature[index], targets.pressure[index],
            targets.volume ? targets.volume[index] : 0);
    report = check(energy);
    report.steps = index + 1;
    if (report.stop != Stop::none) return report;
    write_due(targets, index, records);
    if (!graded) continue;
    take_grades(records);
    if (!(grading_->due.largest() <= pause_above)) return report;
  }
  return report;
}

}  // namespace elyte::dynamics
