// A prepared model as a force field: keeps a Verlet list, runs the kernel over blocks of atoms.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "forcefield.hpp"
#include "mtp/aligned_memory.hpp"
#include "mtp/force_sums.hpp"
#include "mtp/ghost_list.hpp"
#include "mtp/kernel.hpp"
#include "mtp/plan.hpp"
#include "origin.hpp"
#include "team.hpp"

namespace elyte::mtp {

// The kernels of a precision that this processor can run, the fastest first.
std::vector<const Kernel*> available_kernels(const std::string& precision = "double");
// The fastest one, or the one that $ELYTE_ISA names; throws std::invalid_argument if there is none.
const Kernel& choose_kernel(const std::string& name = "", const std::string& precision = "double");

class Evaluator final : public ForceField {
 public:
  Evaluator(std::shared_ptr<const Plan> plan, double skin, std::shared_ptr<Team> team,
            const Kernel& kernel);
  Evaluator(std::shared_ptr<const Plan> plan, double skin, int threads, const Kernel& kernel)
      : Evaluator(std::move(plan), skin, Team::shared(threads), kernel) {}

  double cutoff() const override { return plan_->model().max_distance; }
  // Throws std::invalid_argument for an unknown species, atoms at one point, positions that are
  // not finite, and a box that has collapsed.
  void evaluate(const Configuration& configuration, Evaluation& result) override;
  // The clone has a list of its own and the same team.
  ForceField* clone() const override {
    return new Evaluator(plan_, origin_.skin(), team_, *kernel_);
  }

  // Bring the neighbour list up to date without evaluating anything; returns whether it was rebuilt.
  bool update_list(const Configuration& configuration);
  const std::vector<double>& energies() const { return energies_; }  // of each atom, eV
  std::int64_t builds() const { return origin_.builds(); }

 private:
  void make_room_for_rows(Evaluation& result, std::size_t n, std::vector<Results>& chunks);
  void place_rows(const std::vector<std::int32_t>& only, std::size_t n);
  void run_kernel(std::int64_t share, int thread, Results& part);
  void sum_chunks(const std::vector<Results>& results, Evaluation& result);
  void refuse(std::int64_t i, std::int64_t j) const;

  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<Team> team_;
  const Kernel* kernel_;
  Origin origin_;
  GhostList list_;
  std::vector<double> energies_, row_sums_;
  std::vector<std::int32_t> row_place_;
  ForceSums forces_;
  std::vector<AlignedMemory> scratch_;
};

}  // namespace elyte::mtp
