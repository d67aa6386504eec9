// The kernel's tables for training: the same products for any parameters θ.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mtp/model.hpp"
#include "mtp/plan.hpp"
#include "mtp_derivatives/passes.hpp"

namespace elyte::derivatives {

// What does not depend on θ.
class Basis {
 public:
  explicit Basis(const MtpModel& model);

  const MtpModel& model() const { return plan_.model(); }
  const mtp::Tables& tables() const { return plan_.tables(); }
  const Reversal& reversal() const { return reversal_; }
  std::size_t parameters() const { return model().parameters_count(); }

 private:
  friend class Parameters;
  void place_scalars();
  void reverse_products();
  void share(int a, int b, int target, double weight);
  void publish();

  mtp::Plan plan_;
  std::vector<int> form_of_term_;  // where each term of the scalars stands in the quadratic form
  // [slot] as they are found
  std::vector<std::vector<Reversal::Above>> above_of_;
  std::vector<std::vector<Reversal::Beside>> beside_of_;
  std::map<std::pair<int, int>, int> pair_number_;
  std::vector<std::vector<Reversal::Share>> shares_of_;
  // and in a row
  std::vector<Reversal::Factor> factors_;
  std::vector<Reversal::Above> above_;
  std::vector<Reversal::Beside> beside_;
  std::vector<Reversal::Share> shares_;
  std::vector<std::int32_t> shares_first_, form_;
  Reversal reversal_{};
};

// The tables with the coefficients of θ, which must outlive them.
class Parameters {
 public:
  Parameters(const Basis& basis, const double* theta);
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  const mtp::Tables& tables() const { return tables_; }
  const Reversal& reversal() const { return basis_.reversal(); }

 private:
  const Basis& basis_;
  mtp::Tables tables_;
  std::vector<int> seed_slot_;
  std::vector<double> seeds_, row_values_, radial_;
};

// The passes of an instruction set by name, or the best this processor has for "".
Passes passes_named(const std::string& name, int shape);
std::vector<std::string> passes_available();

}  // namespace elyte::derivatives
