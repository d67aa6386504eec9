// A model prepared for the kernels: which moments of monomials with c ≤ 1 are summed over the
// neighbours, how the others follow from them, and which products are carried out.
#pragma once

#include <vector>

#include "mtp/kernel.hpp"
#include "mtp/model.hpp"

namespace elyte::mtp {

// Coefficients in single precision.
std::vector<float> rounded_values(const std::vector<double>& values);

class Plan {
 public:
  explicit Plan(const MtpModel& model);
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // Multiply-adds of one evaluation, counted as in docs/theory/mtp.md.
  struct Operations {
    double per_neighbour, per_atom;
  };
  Operations operations() const;

  // Coefficients [z_i][z_j][μ][β] as `Coefficients::radial` has them.
  template <typename Real>
  std::vector<Real> radial_table(const double* radial) const;

  const Tables& tables() const { return tables_; }
  const MtpModel& model() const { return model_; }

 private:
  struct Target {
    std::vector<Term<double>> terms;  // in moments of the model
    double seed = 0;          // its own coefficient in the energy
    int depth = 0;            // how many products it takes one after the other
    bool factor = false;      // of a later product
    bool needed = false;
  };

  void lay_out_moments();
  int derived_slot(int mu, int a, int b, int c);
  std::vector<Target> read_products() const;
  void place_products(const std::vector<Target>& targets);
  void place_factors(const std::vector<Target>& targets, std::vector<int>& slot);
  template <typename Same>
  static void spread(const std::vector<Target>& targets, std::vector<std::size_t>& order, Same same);
  void place_scalars(const std::vector<Target>& targets, const std::vector<int>& slot);
  void place_form(const std::vector<Target>& targets, const std::vector<int>& slot);
  void publish();
  void convert();

  MtpModel model_;
  Tables tables_{};
  int shape_ = 0;
  std::vector<int> basic_slot_;  // slot of each basic moment
  std::vector<std::array<int, 5>> derived_known_;  // μ, a, b, c, slot
  std::vector<int> derived_, seed_slot_, row_slot_, row_first_, columns_;
  std::vector<int> scalar_slot_, scalar_terms_count_;
  std::vector<Group> groups_;
  // Coefficients of the tables in one precision.
  template <typename Real>
  struct Numbers {
    std::vector<Real> radial, seeds, row_values, row_rests;
    std::vector<Term<Real>> terms, scalar_terms;
    Coefficients<Real> view() const {
      return {radial.data(),     terms.data(), seeds.data(),
              row_values.data(), row_rests.data(), scalar_terms.data()};
    }
  };

  std::vector<double> seed_;
  Numbers<double> in_double_;
  Numbers<float> in_single_;
};

}  // namespace elyte::mtp
