// How long a neighbour list with a skin holds.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "cell.hpp"
#include "forcefield.hpp"

namespace elyte {

// The configuration that a list was made of, which reaches `skin` beyond the cutoff: it stays valid
// while no pair outside it can have come within the cutoff. With x the positions then, F = h₀⁻¹ h the
// change of the cell and u = x' − x F what the atoms moved besides, a pair that was at d is now at
// d F + u_j − u_i, so
//   |d'| ≥ σ_min(F) |d| − |u_i| − |u_j|   with   σ_min(F) ≥ 1 − ‖F − 1‖,
// and the list holds while (1 − ‖F − 1‖)(cutoff + skin) − u₁ − u₂ ≥ cutoff, with the two largest |u|.
// (An atom's own images come nearer by the strain alone.)
class Origin {
 public:
  Origin(double cutoff, double skin) : cutoff_(cutoff), skin_(skin) {}

  // Remember that the list is made of this configuration.
  void set(const Configuration& c) {
    numbers_.assign(c.numbers, c.numbers + c.n);
    positions_.assign(c.positions, c.positions + 3 * c.n);
    std::copy(c.cell, c.cell + 9, cell_.begin());
    pbc_ = c.pbc;
    known_ = true;
    ++builds_;
  }

  // There is no list any more: one is about to be made, which may fail.
  void forget() { known_ = false; }

  double skin() const { return skin_; }
  double reach() const { return cutoff_ + skin_; }
  std::int64_t builds() const { return builds_; }

  // Whether the list still holds every pair within the cutoff.
  bool valid(const Configuration& c) const {
    if (!known_ || numbers_.size() != static_cast<std::size_t>(c.n) || pbc_ != c.pbc ||
        !std::equal(numbers_.begin(), numbers_.end(), c.numbers))
      return false;
    if (std::equal(cell_.begin(), cell_.end(), c.cell))
      return two_largest(c, [](const double* old, int b) { return old[b]; }) <= skin_;
    const detail::Matrix f = deformation(c);
    double strain2 = 0;
    for (int k = 0; k < 9; ++k) strain2 += (f[k] - (k % 4 == 0)) * (f[k] - (k % 4 == 0));
    return two_largest(c, [&f](const double* old, int b) {
             return old[0] * f[b] + old[1] * f[3 + b] + old[2] * f[6 + b];
           }) <= (1 - std::sqrt(strain2)) * (cutoff_ + skin_) - cutoff_;
  }

 private:
  // The sum of the two largest |u|, where `carried` says where an atom would be now, axis b, had it
  // not moved; not a number where something is not.
  template <typename Carried>
  double two_largest(const Configuration& c, Carried carried) const {
    double first2 = 0, second2 = 0, sum = 0;
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      const double *old = &positions_[3 * i], *now = c.positions + 3 * i;
      double moved2 = 0;
      for (int b = 0; b < 3; ++b) {
        const double u = now[b] - carried(old, b);
        moved2 += u * u;
      }
      sum += moved2;
      second2 = std::max(second2, std::min(first2, moved2));
      first2 = std::max(first2, moved2);
    }
    if (!std::isfinite(sum)) return std::numeric_limits<double>::quiet_NaN();
    return std::sqrt(first2) + std::sqrt(second2);
  }

  // F = h₀⁻¹ h.
  detail::Matrix deformation(const Configuration& c) const {
    const auto before = detail::inverse(detail::completed_cell(cell_.data(), pbc_));
    const auto now = detail::completed_cell(c.cell, pbc_);
    detail::Matrix f{};
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < 3; ++b)
        for (int k = 0; k < 3; ++k) f[3 * a + b] += before[3 * a + k] * now[3 * k + b];
    return f;
  }

  double cutoff_, skin_;
  bool known_ = false;
  std::int64_t builds_ = 0;
  std::vector<std::int64_t> numbers_;
  std::vector<double> positions_;
  std::array<double, 9> cell_{};
  std::array<bool, 3> pbc_{};
};

}  // namespace elyte
