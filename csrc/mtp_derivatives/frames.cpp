#include "mtp_derivatives/frames.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

namespace elyte::derivatives {

namespace {

constexpr std::int64_t PART = 64;   // atoms of a large frame that one thread takes at a time
constexpr std::int64_t CHUNKS = 64;  // partial gradients, the same whatever the number of threads

AlignedArray<double> aligned(std::size_t count) {
  const std::size_t bytes = (count * sizeof(double) + 63) / 64 * 64 + 64;
  return AlignedArray<double>(static_cast<double*>(std::aligned_alloc(64, bytes)));
}

std::vector<std::int64_t> offsets_of(std::int64_t count, const std::vector<std::int64_t>& sizes) {
  std::vector<std::int64_t> offsets(static_cast<std::size_t>(count) + 1, 0);
  for (std::int64_t k = 0; k < count; ++k) offsets[k + 1] = offsets[k] + sizes[k];
  return offsets;
}

}  // namespace

// Memory of one thread, for frames of up to `largest` atoms.
struct FrameSet::Scratch {
  AlignedArray<double> state, work;
  std::vector<double> energies, forces, v;
  double strain[9], S[9];

  Scratch(const Passes& passes, const Plan& plan, std::int64_t largest)
      : state(aligned(state_size(plan, largest))), work(aligned(passes.workspace(plan))),
        energies(largest), forces(3 * largest), v(3 * largest) {}

  double energy(std::int64_t n) const {
    double total = 0;
    for (std::int64_t i = 0; i < n; ++i) total += energies[i];
    return total;
  }
};

FrameSet::FrameSet(const MtpModel& model, const std::string& passes)
    : model_(model), tables_(model), passes_(passes_named(passes)) {}

void FrameSet::add(const Configuration& configuration) {
  frames_.emplace_back(model_, configuration);
  targets_.emplace_back();
  targets_.back().forces.assign(3 * static_cast<std::size_t>(configuration.n), 0.0);
}

void FrameSet::check(const std::int64_t* list, std::int64_t count) const {
  for (std::int64_t k = 0; k < count; ++k)
    if (list[k] < 0 || list[k] >= size()) throw std::invalid_argument("no frame of that number");
}

static std::int64_t largest_of(const FrameSet& set, const std::int64_t* list, std::int64_t count) {
  std::int64_t largest = 1;
  for (std::int64_t k = 0; k < count; ++k) largest = std::max(largest, set.frame(list[k]).size());
  return largest;
}

void FrameSet::evaluate_one(const Plan& plan, std::int64_t frame, Scratch& s) const {
  passes_.evaluate(plan, frames_[frame].structure(), s.state.get(), s.work.get(), s.energies.data(),
                   s.forces.data(), s.strain);
}

void FrameSet::evaluate(const double* theta, const std::int64_t* list, std::int64_t count,
                        int threads, double* energies, double* forces, double* strain) const {
  const Plan plan = tables_.plan(theta);
  std::vector<std::int64_t> sizes;
  for (std::int64_t k = 0; k < count; ++k) sizes.push_back(3 * frames_[list[k]].size());
  const auto offsets = offsets_of(count, sizes);
  const std::int64_t largest = largest_of(*this, list, count);
#pragma omp parallel num_threads(threads)
  {
    Scratch s(passes_, plan, largest);
#pragma omp for schedule(dynamic)
    for (std::int64_t k = 0; k < count; ++k) {
      evaluate_one(plan, list[k], s);
      energies[k] = s.energy(frames_[list[k]].size());
      std::copy(s.forces.begin(), s.forces.begin() + sizes[k], forces + offsets[k]);
      std::copy(s.strain, s.strain + 9, strain + 9 * k);
    }
  }
}

std::vector<double> FrameSet::gradient(const double* theta, const std::int64_t* list,
                                       std::int64_t count, int threads, const double* lambda,
                                       const double* v, const double* S) const {
  const Plan plan = tables_.plan(theta);
  const auto P = static_cast<std::size_t>(plan.parameters());
  std::vector<std::int64_t> sizes;
  for (std::int64_t k = 0; k < count; ++k) sizes.push_back(3 * frames_[list[k]].size());
  const auto offsets = offsets_of(count, sizes);
  const std::int64_t largest = largest_of(*this, list, count), chunks = std::min(count, CHUNKS);
  std::vector<double> partial(static_cast<std::size_t>(chunks) * P, 0.0), total(P, 0.0);
#pragma omp parallel num_threads(threads)
  {
    Scratch s(passes_, plan, largest);
#pragma omp for schedule(dynamic)
    for (std::int64_t c = 0; c < chunks; ++c)
      for (std::int64_t k = c * count / chunks; k < (c + 1) * count / chunks; ++k) {
        const Structure structure = frames_[list[k]].structure();
        passes_.evaluate(plan, structure, s.state.get(), s.work.get(), s.energies.data(), nullptr,
                         nullptr);
        passes_.gradient(plan, structure, s.state.get(), s.work.get(), lambda[k], v + offsets[k],
                         S + 9 * k, partial.data() + c * P);
      }
  }
  for (std::int64_t c = 0; c < chunks; ++c)
    for (std::size_t p = 0; p < P; ++p) total[p] += partial[c * P + p];
  return total;
}

Sums FrameSet::loss(const double* theta, const std::int64_t* list, std::int64_t count, int threads,
                    bool want_gradient) const {
  const Plan plan = tables_.plan(theta);
  const auto P = static_cast<std::size_t>(want_gradient ? plan.parameters() : 0);
  const std::int64_t largest = largest_of(*this, list, count), chunks = std::min(count, CHUNKS);
  Sums sums{std::vector<double>(3 * static_cast<std::size_t>(count)), std::vector<double>(P, 0.0)};
  std::vector<double> partial(static_cast<std::size_t>(chunks) * P, 0.0);
#pragma omp parallel num_threads(threads)
  {
    Scratch s(passes_, plan, largest);
#pragma omp for schedule(dynamic)
    for (std::int64_t c = 0; c < chunks; ++c)
      for (std::int64_t k = c * count / chunks; k < (c + 1) * count / chunks; ++k) {
        const std::int64_t n = frames_[list[k]].size();
        const Target& target = targets_[list[k]];
        evaluate_one(plan, list[k], s);
        const double error = s.energy(n) - target.energy;
        double* squares = sums.squares.data() + 3 * k;
        squares[0] = error * error;
        squares[1] = squares[2] = 0;
        for (std::int64_t x = 0; x < 3 * n; ++x) {
          const double difference = s.forces[x] - target.forces[x];
          squares[1] += difference * difference;
          s.v[x] = 2 * target.weight[1] * difference;
        }
        for (int x = 0; x < 9; ++x) {
          const double difference = s.strain[x] - target.strain[x];
          squares[2] += difference * difference;
          s.S[x] = 2 * target.weight[2] * difference;
        }
        if (want_gradient)
          passes_.gradient(plan, frames_[list[k]].structure(), s.state.get(), s.work.get(),
                           2 * target.weight[0] * error, s.v.data(), s.S, partial.data() + c * P);
      }
  }
  for (std::int64_t c = 0; c < chunks; ++c)
    for (std::size_t p = 0; p < P; ++p) sums.gradient[p] += partial[c * P + p];
  return sums;
}

std::int64_t FrameSet::rows(std::int64_t frame) const {
  const Target& target = targets_[frame];
  return (target.weight[0] > 0 ? 1 : 0) + (target.weight[1] > 0 ? 3 * frames_[frame].size() : 0) +
         (target.weight[2] > 0 ? 6 : 0);
}

namespace {

// θ-ordered row ← factor × padded row (twice for the mean of two rows).
template <typename Real>
void unpad(const Plan& plan, const double* padded, double factor, Real* row) {
  const int nb = plan.beta_vectors() * LANES;
  for (int k = 0; k < plan.species; ++k) row[k] = 0;
  row += plan.species;
  for (int a = 0; a < plan.scalars; ++a) row[a] = static_cast<Real>(factor * padded[a]);
  row += plan.scalars;
  padded += (plan.scalars + LANES - 1) / LANES * LANES;
  for (int pair = 0; pair < plan.species * plan.species * plan.n_mu; ++pair, padded += nb)
    for (int b = 0; b < plan.radial_size; ++b) *row++ = static_cast<Real>(factor * padded[b]);
}

constexpr int VOIGT[6][2] = {{0, 0}, {1, 1}, {2, 2}, {1, 2}, {0, 2}, {0, 1}};

}  // namespace

template <typename Real>
void FrameSet::jacobian(const double* theta, const std::int64_t* list, std::int64_t count,
                        int threads, Real* rows_out, double* residuals) const {
  const Plan plan = tables_.plan(theta);
  const auto P = static_cast<std::size_t>(plan.parameters());
  const std::size_t width = padded_width(plan);
  std::vector<std::int64_t> sizes;
  for (std::int64_t k = 0; k < count; ++k) sizes.push_back(rows(list[k]));
  const auto offsets = offsets_of(count, sizes);
  const std::int64_t largest = largest_of(*this, list, count);
#pragma omp parallel num_threads(threads)
  {
    Scratch s(passes_, plan, largest);
    auto padded = aligned((10 + 3 * static_cast<std::size_t>(largest)) * width);
#pragma omp for schedule(dynamic)
    for (std::int64_t k = 0; k < count; ++k) {
      const Prepared& frame = frames_[list[k]];
      const Target& target = targets_[list[k]];
      const std::int64_t n = frame.size();
      std::fill_n(padded.get(), (10 + 3 * n) * width, 0.0);
      evaluate_one(plan, list[k], s);
      passes_.jacobian(plan, frame.structure(), s.state.get(), s.work.get(), padded.get());
      Real* row = rows_out + offsets[k] * P;
      double* residual = residuals + offsets[k];
      if (target.weight[0] > 0) {
        const double root = std::sqrt(target.weight[0]);
        unpad(plan, padded.get(), root, row);
        const Structure structure = frame.structure();
        for (std::int64_t i = 0; i < n; ++i) row[structure.type[i]] += static_cast<Real>(root);
        *residual++ = root * (s.energy(n) - target.energy);
        row += P;
      }
      if (target.weight[1] > 0) {
        const double root = std::sqrt(target.weight[1]);
        for (std::int64_t x = 0; x < 3 * n; ++x, row += P) {
          unpad(plan, padded.get() + (1 + x) * width, root, row);
          *residual++ = root * (s.forces[x] - target.forces[x]);
        }
      }
      if (target.weight[2] > 0) {
        double* strain = padded.get() + (1 + 3 * n) * width;
        for (const auto& [a, b] : VOIGT) {  // off the diagonal, one row stands for two
          const double root = std::sqrt(target.weight[2] * (a == b ? 1 : 2));
          double* one = strain + (3 * a + b) * width;
          const double* two = strain + (3 * b + a) * width;
          if (a != b)
            for (std::size_t c = 0; c < width; ++c) one[c] = (one[c] + two[c]) / 2;
          unpad(plan, one, root, row);
          *residual++ = root * (s.strain[3 * a + b] - target.strain[3 * a + b]);
          row += P;
        }
      }
    }
  }
}

template void FrameSet::jacobian(const double*, const std::int64_t*, std::int64_t, int, double*,
                                 double*) const;
template void FrameSet::jacobian(const double*, const std::int64_t*, std::int64_t, int, float*,
                                 double*) const;

void FrameSet::atom_gradients(const double* theta, std::int64_t frame, int threads,
                              double* rows) const {
  const Plan plan = tables_.plan(theta);
  const std::int64_t n = frames_[frame].size(), parts = (n + PART - 1) / PART;
#pragma omp parallel num_threads(threads)
  {
    Scratch s(passes_, plan, PART);
#pragma omp for schedule(dynamic)
    for (std::int64_t k = 0; k < parts; ++k) {
      const Structure part = frames_[frame].part(k * PART, std::min(n, (k + 1) * PART));
      passes_.evaluate(plan, part, s.state.get(), s.work.get(), s.energies.data(), nullptr, nullptr);
      passes_.atom_gradients(plan, part, s.state.get(), s.work.get(),
                             rows + k * PART * plan.parameters());
    }
  }
}

}  // namespace elyte::derivatives
