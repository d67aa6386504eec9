// The kernel's tables for training: the same products for any parameters θ.
#pragma once

#include <string>
#include <vector>

#include "mtp/model.hpp"
#include "mtp/plan.hpp"
#include "mtp_derivatives/passes.hpp"

namespace elyte::derivatives {

// The arrays of a `Reversal`.
struct ReversalTables {
  std::vector<Reversal::Factor> factors;
  std::vector<Reversal::Above> above;
  std::vector<Reversal::Beside> beside;
  std::vector<Reversal::Share> shares;
  std::vector<std::int32_t> shares_first, form;
  Reversal view() const;
};

// What does not depend on θ.
class Basis {
 public:
  explicit Basis(const MtpModel& model);

  const MtpModel& model() const { return plan_.model(); }
  const mtp::Tables& tables() const { return plan_.tables(); }
  Reversal reversal() const { return reversal_.view(); }
  std::size_t parameters() const { return model().parameters_count(); }

 private:
  friend class Parameters;
  mtp::Plan plan_;
  std::vector<int> form_of_term_;  // where each term of the scalars stands in the quadratic form
  ReversalTables reversal_;
};

// The tables with the coefficients of θ, which must outlive them.
class Parameters {
 public:
  Parameters(const Basis& basis, const double* theta);
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  const mtp::Tables& tables() const { return tables_; }
  Reversal reversal() const { return basis_.reversal(); }

 private:
  const Basis& basis_;
  mtp::Tables tables_;
  // Coefficients that depend on θ.
  struct {
    std::vector<double> seeds, row_values, radial;
  } in_double_;
  std::vector<float> row_values_in_single_;
  std::vector<int> seed_slot_;
};

// The passes of an instruction set by name, or the best this processor has for "".
Passes passes_named(const std::string& name, int shape);
std::vector<std::string> passes_available();

}  // namespace elyte::derivatives
