// Structures with their neighbours, their targets, and sums over them for training.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "mtp_derivatives/structures.hpp"
#include "mtp_derivatives/tables.hpp"

namespace elyte::derivatives {

// Targets and weights of one frame: weight[0] (E − E*)² + weight[1] Σ|F − F*|² + weight[2] Σ|W − W*|²
// with W = ∂E/∂ε; a weight of zero stands for a target that is not there.
struct Target {
  double energy = 0;
  std::vector<double> forces;
  std::array<double, 9> strain{};
  std::array<double, 3> weight{};
};

struct Sums {
  std::vector<double> squares;   // (frames, 3): (ΔE)², Σ|ΔF|², Σ|ΔW|², without weights
  std::vector<double> gradient;  // (P), of the weighted loss
};

class FrameSet {
 public:
  FrameSet(const MtpModel& model, const std::string& passes);
  FrameSet(const FrameSet&) = delete;

  std::size_t parameters() const { return basis_.parameters(); }
  std::int64_t size() const { return static_cast<std::int64_t>(frames_.size()); }
  const char* instruction_set() const { return passes_.name; }
  const Prepared& frame(std::int64_t k) const { return frames_.at(static_cast<std::size_t>(k)); }
  Target& target(std::int64_t k) { return targets_.at(static_cast<std::size_t>(k)); }

  void add(const Configuration& configuration);
  void check(const std::int64_t* list, std::int64_t count) const;

  // energies (count), forces (Σ n, 3), strain gradients (count, 9)
  void evaluate(const double* theta, const std::int64_t* list, std::int64_t count, int threads,
                double* energies, double* forces, double* strain) const;
  // ∂/∂θ of Σ λ_f E_f + Σ v·F + S_f : W_f
  std::vector<double> gradient(const double* theta, const std::int64_t* list, std::int64_t count,
                               int threads, const double* lambda, const double* v,
                               const double* S) const;
  Sums loss(const double* theta, const std::int64_t* list, std::int64_t count, int threads,
            bool want_gradient) const;
  // Number of rows of `jacobian` for one frame.
  std::int64_t rows(std::int64_t frame) const;
  // √weight × ∂/∂θ of E, F, W (rows, P), rounded to Real, and √weight × the residuals (rows)
  template <typename Real>
  void jacobian(const double* theta, const std::int64_t* list, std::int64_t count, int threads,
                Real* rows, double* residuals) const;
  // ∂E_i/∂θ (n, P)
  void atom_gradients(const double* theta, std::int64_t frame, int threads, double* rows) const;

 private:
  struct Scratch;
  template <typename Real>
  const RowPass<Real>& row_pass() const;
  void evaluate_one(std::int64_t frame, Scratch& scratch) const;
  void gradient_of_one(std::int64_t frame, double lambda, Scratch& scratch, double* gradient) const;
  template <typename Real>
  void put_down(std::int64_t frame, const Scratch& scratch, Real* padded, Real* row,
                double* residual) const;

  Basis basis_;
  Passes passes_;
  std::vector<Prepared> frames_;
  std::vector<Target> targets_;
};

}  // namespace elyte::derivatives
