// The native loop of molecular dynamics: state, settings, and blocks of steps.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "dynamics/due_atoms.hpp"
#include "dynamics/random.hpp"
#include "dynamics/thermostats.hpp"
#include "forcefield.hpp"

namespace elyte::dynamics {

using Matrix = std::array<double, 9>;  // rows

enum class Thermostat { none, langevin, bussi, nose_hoover };
enum class Barostat { none, stochastic, mtk, prescribed };
enum class Stop { none, not_finite, force, speed, temperature, energy_jump, volume };

struct Settings {
  double timestep = 1;             // fs
  Thermostat thermostat = Thermostat::none;
  double thermostat_time = 100;    // fs
  Barostat barostat = Barostat::none;
  double barostat_time = 1500;     // fs
  double compressibility = 80.1;   // Å³/eV
  double degrees_of_freedom = 0;
  double max_force = 1e300;        // eV/Å
  double max_temperature = 1e300;  // K
  double max_energy_jump = 1e300;  // eV per atom between two steps
  double max_move = 5;             // Å in one step
  double max_strain = 0.1;         // |ln(V'/V)| in one step
  std::int64_t renew_every = 100;  // steps after which the neighbour lists start afresh
  std::int64_t history_every = 5;  // steps between kept snapshots
  std::int64_t history_length = 6;
};

// Everything that the next step depends on.
struct State {
  std::int64_t n = 0;
  std::vector<std::int64_t> numbers;
  std::array<bool, 3> pbc{true, true, true};
  std::vector<double> masses;                            // u
  std::vector<double> positions, velocities, forces;     // (n, 3): Å unwrapped, Å/fs, eV/Å
  Matrix cell{};                                         // Å, rows
  double energy = 0;                                     // eV
  Matrix strain_gradient{};                              // eV
  bool evaluated = false;                                // forces belong to the positions
  std::int64_t step = 0;
  double time = 0;             // fs
  double heat = 0;             // energy taken from stochastic baths so far, eV
  double strain_rate = 0;      // velocity of the MTK barostat, 1/fs
  Chain chain, barostat_chain;
  Random random;
};

// What the targets are during a block: one value for each step.
struct Targets {
  const double* temperature = nullptr;  // K
  const double* pressure = nullptr;     // eV/Å³
  const double* volume = nullptr;       // Å³, for the prescribed volume
};

// Where a block writes; an interval of 0 means never. Steps count from the start of the run.
struct Records {
  // step time potential kinetic temperature pressure (the mean of the next three, eV/Å³; nan without
  // a box) volume conserved, and of the pressure tensor xx yy zz yz xz xy
  static constexpr int COLUMNS = 14;
  std::int64_t series_every = 0, frames_every = 0, flux_every = 0;
  double* series = nullptr;      // (rows, COLUMNS)
  double* positions = nullptr;   // (rows, n, 3)
  double* velocities = nullptr;  // (rows, n, 3) or null
  double* cells = nullptr;       // (rows, 3, 3)
  double* frame_times = nullptr; // (rows, 2): step, time
  const std::int64_t* groups = nullptr;  // (n)
  const double* weights = nullptr;       // (n)
  std::int64_t n_groups = 0;
  double* flux = nullptr;        // (rows, groups, 3)
  double* grades = nullptr;      // (looks, 2) with watch_grades(): the largest, and whose it is
  std::int64_t grade_rows = 0;
  std::int64_t series_rows = 0, frame_rows = 0, flux_rows = 0;  // written so far
};

struct Report {
  std::int64_t steps = 0;
  Stop stop = Stop::none;
  double value = 0;
  std::int64_t atom = -1;
};

// The nearest that two atoms came below the distance that the potential is meant for.
struct CloseContact {
  double distance = std::numeric_limits<double>::infinity();  // Å
  std::array<std::int64_t, 2> pair{-1, -1};
  std::int64_t step = -1;
};

struct Snapshot {
  std::int64_t step;
  std::vector<double> positions;
  Matrix cell;
};

double determinant(const Matrix& m);

class Simulation {
 public:
  Simulation(const ForceField& force_field, const Settings& settings, State state);

  // Where grades are watched the run pauses after a step whose largest is above `pause_above` or no
  // number.
  Report run(std::int64_t steps, const Targets& targets, Records& records,
             double pause_above = std::numeric_limits<double>::infinity());
  // From now on grade steps that are multiples of `every` by rows that come with the forces: at each
  // step the atoms that are due, at steps further apart all of them; or the mean, whose atom is
  // called 0.
  void watch_grades(GradeMaps maps, std::int64_t every, std::int64_t rotation, double margin);
  void record(const Targets& targets, Records& records);  // the present step, before a run

  State state;
  Settings settings;
  const std::deque<Snapshot>& history() const { return history_; }
  const CloseContact& closest() const { return closest_; }
  double kinetic() const;  // at the step, eV
  void evaluate_moved();
  void evaluate_if_needed();

 private:
  void advance(double kT, double pressure, double volume);
  void kick(double dt);
  void drift(double dt);
  void apply_thermostat(double kT);
  double langevin(double kT);
  void stochastic_cell_rescaling(double kT, double pressure);
  void kick_strain_rate(double kT, double pressure, double dt);
  void dilate(double dt);
  void scale_box(double factor);
  void scale_velocities(double factor);
  void evaluate();
  Report check(double previous_energy);
  double volume() const { return determinant(state.cell); }
  double strain_trace() const;
  // The kinetic energy at the step, and Σ m v⊗v (xx yy zz yz xz xy, eV) as the mean of the two
  // neighbouring half steps: that of m (v ± ½a dt)⊗(v ± ½a dt) is m v⊗v + dt²/4 F⊗F/m. Unlike the one
  // at the step it has the right mean for stiff vibrations: it is this one that obeys the virial
  // theorem with the forces.
  struct Motion {
    double kinetic;
    std::array<double, 6> middle;
  };
  Motion motion() const;
  double conserved(double kinetic, double kT, double pressure) const;
  double strain_mass(double kT) const;
  bool ask_for_grades();
  void take_grades(Records& records);
  void write_due(const Targets& targets, std::int64_t index, Records& records);
  void write_series(double kT, double pressure, Records& records);
  void write_frame(Records& records);
  void write_flux(Records& records);

  const ForceField* origin_;
  std::unique_ptr<ForceField> field_;
  Evaluation evaluation_;
  struct Grading {
    GradeMaps maps;
    std::int64_t every;
    DueAtoms due;
  };
  std::optional<Grading> grading_;
  std::vector<double> inverse_masses_;  // 1/(m × 103.64): eV/Å to Å/fs²
  std::vector<double> thermal_speeds_;  // √ of that: of one eV, Å/fs
  std::deque<Snapshot> history_;
  CloseContact closest_;
  double stopped_strain_ = 0;
};

}  // namespace elyte::dynamics
