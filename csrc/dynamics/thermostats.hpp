// Thermostats as maps of the kinetic energy, applied in the middle of the time step.
#pragma once

#include <array>
#include <cmath>
#include <vector>

#include "dynamics/random.hpp"

namespace elyte::dynamics {

inline constexpr double MASS_VELOCITY2_TO_EV = 103.642696562;  // u (Å/fs)² in eV
inline constexpr double BOLTZMANN = 8.617333262145179e-05;     // eV/K

// Nosé–Hoover chain: dimensionless coordinates and their velocities in 1/fs.
struct Chain {
  std::vector<double> eta, velocity;

  explicit Chain(int length = 3) : eta(length, 0.0), velocity(length, 0.0) {}
  int length() const { return static_cast<int>(eta.size()); }

  // Q₁ = g kT τ², Q_j = kT τ² (eV fs²) for g degrees of freedom.
  static double mass(int j, double dof, double kT, double tau) {
    return (j == 0 ? dof : 1.0) * kT * tau * tau;
  }

  // Propagate over dt; return the factor by which the velocities are scaled.
  //
  // Suzuki–Yoshida splitting of fourth order (Martyna et al., doi:10.1080/00268979600100761).
  double propagate(double two_kinetic, double dof, double kT, double tau, double dt) {
    static const double w = 1 / (2 - std::cbrt(2.0));
    const std::array<double, 3> weights{w, 1 - 2 * w, w};
    double scale = 1;
    for (const double weight : weights) {
      const double h = weight * dt;
      for (int j = length() - 1; j >= 0; --j) kick(j, two_kinetic, dof, kT, tau, h);
      const double factor = std::exp(-h * velocity[0]);
      scale *= factor;
      two_kinetic *= factor * factor;
      for (int j = 0; j < length(); ++j) eta[j] += h * velocity[j];
      for (int j = 0; j < length(); ++j) kick(j, two_kinetic, dof, kT, tau, h);
    }
    return scale;
  }

  // Σ Q v²/2 + g kT η₁ + kT Σ η_j: what the chain adds to the conserved energy.
  double energy(double dof, double kT, double tau) const {
    double sum = 0;
    for (int j = 0; j < length(); ++j) {
      sum += 0.5 * mass(j, dof, kT, tau) * velocity[j] * velocity[j];
      sum += (j == 0 ? dof : 1.0) * kT * eta[j];
    }
    return sum;
  }

 private:
  // Half a kick of element j, between two quarters of friction from element j + 1.
  void kick(int j, double two_kinetic, double dof, double kT, double tau, double h) {
    const double driving =
        j == 0 ? two_kinetic - dof * kT
               : mass(j - 1, dof, kT, tau) * velocity[j - 1] * velocity[j - 1] - kT;
    const double friction = j + 1 < length() ? std::exp(-0.25 * h * velocity[j + 1]) : 1.0;
    const double push = 0.5 * h * driving / mass(j, dof, kT, tau);
    velocity[j] = (velocity[j] * friction + push) * friction;
  }
};

// Stochastic velocity rescaling: the factor of the velocities after dt.
//
// Bussi, Donadio and Parrinello, doi:10.1063/1.2408420, Eq. A7. The sign of the factor matters
// for few degrees of freedom (Bussi and Parrinello, doi:10.1016/j.cpc.2008.01.006, Eq. A8).
inline double velocity_rescaling(double kinetic, double dof, double kT, double tau, double dt,
                                 Random& random) {
  if (!(kinetic > 0)) return 1;
  const double c = std::exp(-dt / tau);
  const double ratio = 0.5 * kT / kinetic;  // mean kinetic energy over (g K)
  const double r = random.normal();
  const double rest = random.chi_squared(dof - 1);
  const double square = c + (1 - c) * ratio * (rest + r * r) + 2 * r * std::sqrt(c * (1 - c) * ratio);
  const double factor = std::sqrt(std::max(square, 0.0));
  return r + std::sqrt(c / ((1 - c) * ratio)) < 0 ? -factor : factor;
}

}  // namespace elyte::dynamics
