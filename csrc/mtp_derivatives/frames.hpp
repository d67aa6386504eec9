// Structures with their neighbours, their targets, and sums over them for training.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "forcefield.hpp"
#include "mtp/model.hpp"
#include "mtp_derivatives/plan.hpp"

namespace elyte::derivatives {

// The tables of a model in the form that the passes read.
class Tables {
 public:
  explicit Tables(const MtpModel& model);
  // The plan for parameters θ, which must outlive it.
  Plan plan(const double* theta) const;
  Plan plan() const { return plan_; }

 private:
  Plan plan_{};
  std::vector<int> parent_, axis_, by_axis_[3], mu_first_, monomial_of_, mapping_;
  std::vector<Product> products_;
};

// The passes of an instruction set by name, or the best this processor has for "".
const Passes& passes_named(const std::string& name);
std::vector<std::string> passes_available();

struct AlignedDelete {
  void operator()(void* p) const;
};
template <typename T>
using AlignedArray = std::unique_ptr<T[], AlignedDelete>;

class Prepared {
 public:
  Prepared(const MtpModel& model, const Configuration& configuration);
  std::int64_t size() const { return static_cast<std::int64_t>(types_.size()); }
  Structure structure() const { return part(0, size()); }
  Structure part(std::int64_t from, std::int64_t to) const;

 private:
  std::vector<std::int32_t> types_;
  std::vector<std::int64_t> first_;
  AlignedArray<Block> blocks_;
};

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

  Plan plan() const { return tables_.plan(); }
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
  void evaluate_one(const Plan& plan, std::int64_t frame, Scratch& scratch) const;

  MtpModel model_;
  Tables tables_;
  const Passes& passes_;
  std::vector<Prepared> frames_;
  std::vector<Target> targets_;
};

}  // namespace elyte::derivatives
