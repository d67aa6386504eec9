// Which atoms are graded at a step of a run, so that the largest grade of every step is seen though
// few atoms are graded: docs/theory/selection.md.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace elyte::dynamics {

class DueAtoms {
 public:
  // Each atom at one of `rotation` steps at least, and those whose grade may have come near the
  // largest: by `margin` times what it changed lately in a step, for each step since it was known.
  DueAtoms(std::int64_t n, std::int64_t rotation, double margin)
      : rotation_(rotation),
        margin_(margin),
        grade_(static_cast<std::size_t>(n)),
        rate_(static_cast<std::size_t>(n)),
        known_(static_cast<std::size_t>(n)) {}

  // All atoms are due at the next two steps, as at first: then grades and their rates are known.
  void forget() { times_all_ = 0; }

  // The atoms of a step, ascending; `all` of them where nothing is to be foretold.
  const std::vector<std::int32_t>& choose(std::int64_t step, bool all = false) {
    step_ = step;
    chose_all_ = all || times_all_ < 2;
    if (chose_all_) {
      atoms_.resize(grade_.size());
      std::iota(atoms_.begin(), atoms_.end(), 0);
      return atoms_;
    }
    const double mean = mean_rate(), least = least_of_largest(mean);
    atoms_.clear();
    for (std::size_t i = 0; i < grade_.size(); ++i)
      if (on_turn(i) || grade_[i] + band(i, mean) >= least)
        atoms_.push_back(static_cast<std::int32_t>(i));
    return atoms_;
  }

  // The grades of the atoms last chosen.
  void take(const std::vector<double>& grades) {
    largest_ = -1;
    for (std::size_t k = 0; k < atoms_.size(); ++k) {
      const auto i = static_cast<std::size_t>(atoms_[k]);
      // what is no number is larger than any, and never changes
      const double now = std::isnan(grades[k]) ? INFINITY : grades[k];
      const double steps = static_cast<double>(step_ - known_[i]);
      const double rate = times_all_ == 0 ? 0 : std::abs(now - grade_[i]) / steps;
      rate_[i] = std::isfinite(rate) ? std::max(rate, std::pow(FADING, steps) * rate_[i]) : 0;
      grade_[i] = now;
      known_[i] = step_;
      if (now > largest_) largest_ = now, atom_ = atoms_[k];
    }
    if (chose_all_ && times_all_ < 2) ++times_all_;
  }

  double largest() const { return largest_; }     // of the atoms of this step
  std::int64_t atom() const { return atom_; }     // whose it is
  const std::vector<std::int32_t>& atoms() const { return atoms_; }

 private:
  // Atoms take turns in whole blocks of the kernel (8 or 16 of them), which have work in common.
  static constexpr std::size_t GROUP = 16;
  static constexpr double FADING = 0.9;  // of a rate in a step: grades swing, and pause where they turn

  bool on_turn(std::size_t i) const {
    return static_cast<std::int64_t>(i / GROUP) % rotation_ == step_ % rotation_;
  }
  double band(std::size_t i, double mean) const {
    return margin_ * std::max(rate_[i], mean) * static_cast<double>(step_ - known_[i]);
  }
  double mean_rate() const {
    double sum = 0;
    for (const double rate : rate_) sum += rate;
    return rate_.empty() ? 0 : sum / static_cast<double>(rate_.size());
  }
  // What the largest grade will be at least, as far as rates tell.
  double least_of_largest(double mean) const {
    double least = 0;
    for (std::size_t i = 0; i < grade_.size(); ++i)
      least = std::max(least, grade_[i] - band(i, mean));
    return least;
  }

  std::int64_t rotation_;
  double margin_;
  std::vector<double> grade_, rate_;  // last known, and its change in a step
  std::vector<std::int64_t> known_;   // at this step
  std::vector<std::int32_t> atoms_;
  std::int64_t step_ = 0, atom_ = -1;
  double largest_ = -1;
  int times_all_ = 0;
  bool chose_all_ = true;
};

}  // namespace elyte::dynamics
