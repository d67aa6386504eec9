// Force fields with known answers, and one that calls Python.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "forcefield.hpp"
#include "neighbours.hpp"

namespace elyte::dynamics {

namespace nb = nanobind;

inline void clear(Evaluation& result, std::int64_t n) {
  result.energy = 0;
  result.forces.assign(3 * n, 0.0);
  result.strain_gradient.fill(0.0);
}

// A pair at distance vector d = r_j − r_i with dU/dr = slope adds to forces and ∂E/∂ε.
inline void add_pair(Evaluation& result, std::int64_t i, std::int64_t j, const double* d, double r,
                     double energy, double slope) {
  result.energy += energy;
  for (int a = 0; a < 3; ++a) {
    const double pull = slope * d[a] / r;
    result.forces[3 * i + a] += pull;
    result.forces[3 * j + a] -= pull;
    for (int b = 0; b < 3; ++b) result.strain_gradient[3 * a + b] += pull * d[b];
  }
}

// No forces at all.
class IdealGas final : public ForceField {
 public:
  double cutoff() const override { return 0; }
  void evaluate(const Configuration& c, Evaluation& result) override { clear(result, c.n); }
  ForceField* clone() const override { return new IdealGas(*this); }
};

// U = ½ k Σ |r − r₀|²: wells fixed in space, so momentum is not conserved and there is no stress.
class HarmonicWells final : public ForceField {
 public:
  HarmonicWells(std::vector<double> centres, double stiffness)
      : centres_(std::move(centres)), stiffness_(stiffness) {}
  double cutoff() const override { return 0; }
  void evaluate(const Configuration& c, Evaluation& result) override {
    if (static_cast<std::size_t>(3 * c.n) != centres_.size())
      throw std::invalid_argument("one well for each atom is needed");
    clear(result, c.n);
    for (std::int64_t i = 0; i < 3 * c.n; ++i) {
      const double d = c.positions[i] - centres_[i];
      result.energy += 0.5 * stiffness_ * d * d;
      result.forces[i] = -stiffness_ * d;
    }
  }
  ForceField* clone() const override { return new HarmonicWells(*this); }

 private:
  std::vector<double> centres_;
  double stiffness_;
};

// U = ½ k Σ (r_ij − r₀)² over given pairs of unwrapped positions.
class Springs final : public ForceField {
 public:
  Springs(std::vector<std::int64_t> pairs, double stiffness, double length)
      : pairs_(std::move(pairs)), stiffness_(stiffness), length_(length) {}
  double cutoff() const override { return 0; }
  void evaluate(const Configuration& c, Evaluation& result) override {
    clear(result, c.n);
    for (std::size_t p = 0; p + 1 < pairs_.size(); p += 2) {
      const std::int64_t i = pairs_[p], j = pairs_[p + 1];
      double d[3], square = 0;
      for (int a = 0; a < 3; ++a) {
        d[a] = c.positions[3 * j + a] - c.positions[3 * i + a];
        square += d[a] * d[a];
      }
      const double r = std::sqrt(square), stretch = r - length_;
      add_pair(result, i, j, d, r, 0.5 * stiffness_ * stretch * stretch, stiffness_ * stretch);
    }
  }
  ForceField* clone() const override { return new Springs(*this); }

 private:
  std::vector<std::int64_t> pairs_;
  double stiffness_, length_;
};

// U = Σ 4ε[(σ/r)¹² − (σ/r)⁶] s(r), where s falls smoothly from 1 to 0 over the last fifth.
class LennardJones final : public ForceField {
 public:
  LennardJones(double epsilon, double sigma, double cutoff, double skin)
      : epsilon_(epsilon), sigma_(sigma), cutoff_(cutoff), skin_(skin), list_(cutoff, skin) {}
  double cutoff() const override { return cutoff_; }
  void evaluate(const Configuration& c, Evaluation& result) override {
    clear(result, c.n);
    list_.update(c);
    const NeighbourList& list = list_.list();
    for (std::int64_t i = 0; i < c.n; ++i)
      for (std::int64_t k = list.first[i]; k < list.first[i + 1]; ++k) {
        const std::int64_t j = list.index[k];
        double d[3], square = 0;
        for (int a = 0; a < 3; ++a) {
          d[a] = c.positions[3 * j + a] - c.positions[3 * i + a];
          for (int b = 0; b < 3; ++b) d[a] += list.shift[k][b] * c.cell[3 * b + a];
          square += d[a] * d[a];
        }
        if (square >= cutoff_ * cutoff_) continue;
        const double r = std::sqrt(square);
        double energy, slope;
        pair(r, energy, slope);
        add_pair(result, i, j, d, r, 0.5 * energy, 0.5 * slope);  // a full list has it twice
      }
  }
  ForceField* clone() const override {
    return new LennardJones(epsilon_, sigma_, cutoff_, skin_);
  }

 private:
  void pair(double r, double& energy, double& slope) const {
    const double s2 = sigma_ * sigma_ / (r * r), s6 = s2 * s2 * s2;
    energy = 4 * epsilon_ * s6 * (s6 - 1);
    slope = 4 * epsilon_ * (6 * s6 - 12 * s6 * s6) / r;
    const double start = 0.8 * cutoff_, x = (r - start) / (cutoff_ - start);
    if (x <= 0) return;
    const double factor = 1 - x * x * x * (10 - 15 * x + 6 * x * x);
    const double change = -30 * x * x * (1 - x) * (1 - x) / (cutoff_ - start);
    slope = slope * factor + energy * change;
    energy *= factor;
  }

  double epsilon_, sigma_, cutoff_, skin_;
  VerletList list_;
};

// Another force field that goes wrong from its k-th evaluation on: forces that are not finite,
// or multiplied by a factor. Renewed clones go on counting.
class Faulty final : public ForceField {
 public:
  Faulty(const ForceField& base, std::int64_t good, double factor)
      : base_(base.clone()), left_(std::make_shared<std::int64_t>(good)), factor_(factor) {}
  double cutoff() const override { return base_->cutoff(); }
  void evaluate(const Configuration& c, Evaluation& result) override {
    base_->evaluate(c, result);
    if (--*left_ >= 0) return;
    result.energy *= factor_;
    for (double& f : result.forces) f *= factor_;
  }
  ForceField* clone() const override { return new Faulty(base_->clone(), left_, factor_); }

 private:
  Faulty(ForceField* base, std::shared_ptr<std::int64_t> left, double factor)
      : base_(base), left_(std::move(left)), factor_(factor) {}
  std::unique_ptr<ForceField> base_;
  std::shared_ptr<std::int64_t> left_;
  double factor_;
};

// Any function of Python: (positions (n, 3), cell (3, 3)) → (energy, forces, ∂E/∂ε (3, 3)).
// It takes the interpreter's lock for each evaluation.
class PythonField final : public ForceField {
 public:
  PythonField(nb::object function, double cutoff) : function_(function.ptr()), cutoff_(cutoff) {
    Py_INCREF(function_);
  }
  ~PythonField() override {
    nb::gil_scoped_acquire lock;
    Py_DECREF(function_);
  }
  PythonField(const PythonField&) = delete;
  PythonField& operator=(const PythonField&) = delete;
  double cutoff() const override { return cutoff_; }
  void evaluate(const Configuration& c, Evaluation& result) override {
    nb::gil_scoped_acquire lock;
    using Result = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;
    const std::size_t n = static_cast<std::size_t>(c.n);
    const auto positions = copy_of(c.positions, 3 * n, {n, 3});
    const auto cell = copy_of(c.cell, 9, {3, 3});
    const auto values = nb::cast<nb::tuple>(nb::handle(function_)(positions, cell));
    const auto forces = nb::cast<Result>(values[1]);
    const auto strain = nb::cast<Result>(values[2]);
    if (forces.size() != 3 * n || strain.size() != 9)
      throw std::invalid_argument("a force field gave arrays of the wrong size");
    result.energy = nb::cast<double>(values[0]);
    result.forces.assign(forces.data(), forces.data() + 3 * n);
    std::copy(strain.data(), strain.data() + 9, result.strain_gradient.begin());
  }
  ForceField* clone() const override {
    nb::gil_scoped_acquire lock;
    return new PythonField(nb::borrow(function_), cutoff_);
  }

 private:
  static nb::object copy_of(const double* values, std::size_t size,
                            std::initializer_list<std::size_t> shape) {
    auto* copy = new double[size];
    std::copy(values, values + size, copy);
    nb::capsule owner(copy, [](void* p) noexcept { delete[] static_cast<double*>(p); });
    return nb::cast(nb::ndarray<nb::numpy, double>(copy, shape, owner));
  }

  PyObject* function_;
  double cutoff_;
};

}  // namespace elyte::dynamics
