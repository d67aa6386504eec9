#include "mtp_derivatives/frames.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace elyte::derivatives {

namespace {

constexpr std::int64_t PART = 64;   // atoms of a large frame that one thread takes at a time
constexpr std::int64_t CHUNKS = 64;  // partial gradients, the same whatever the number of threads

// Components of `strain` in the kernel's order, and the factors of rows that stand for two.
constexpr int VOIGT[6][2] = {{0, 0}, {1, 1}, {2, 2}, {1, 2}, {0, 2}, {0, 1}};

void add_up(const std::vector<double>& partial, std::vector<double>& total) {
  for (std::size_t k = 0; k < partial.size(); ++k) total[k % total.size()] += partial[k];
}

// Where each of the listed frames begins, and the end; `size` tells how much it takes.
template <typename Size>
std::vector<std::int64_t> offsets_of(const std::int64_t* list, std::int64_t count, Size size) {
  std::vector<std::int64_t> offsets(static_cast<std::size_t>(count) + 1, 0);
  for (std::int64_t k = 0; k < count; ++k) offsets[k + 1] = offsets[k] + size(list[k]);
  return offsets;
}

}  // namespace

// Memory of one thread for the frames of a list, and the parameters.
struct FrameSet::Scratch {
  const Parameters& parameters;
  AlignedArray<double> state, work, forces, v;  // the last two (n, 4)
  std::vector<double> energies;
  std::int64_t most_atoms = 1;
  int most_neighbours = 0;
  double strain[9], S[9];

  Scratch(const FrameSet& set, const Parameters& p, const std::int64_t* list, std::int64_t count)
      : parameters(p) {
    std::size_t state_size = 0;
    for (std::int64_t k = 0; k < count; ++k) {
      const Structure structure = set.frames_[list[k]].structure();
      most_atoms = std::max(most_atoms, structure.n);
      most_neighbours = std::max(most_neighbours, structure.most_neighbours);
      state_size = std::max(state_size, set.passes_.state_size(p.tables(), structure));
    }
    state = aligned<double>(state_size);
    work = aligned<double>(set.passes_.work_size(p.tables(), most_neighbours));
    forces = aligned<double>(4 * static_cast<std::size_t>(most_atoms));
    v = aligned<double>(4 * static_cast<std::size_t>(most_atoms));
    std::fill_n(v.get(), 4 * most_atoms, 0.0);
    energies.resize(static_cast<std::size_t>(most_atoms));
  }

  double energy(std::int64_t n) const {
    return std::accumulate(energies.begin(), energies.begin() + n, 0.0);
  }
};

FrameSet::FrameSet(const MtpModel& model, const std::string& passes)
    : basis_(model), passes_(passes_named(passes, basis_.tables().shape)) {}

void FrameSet::add(const Configuration& configuration) {
  frames_.emplace_back(basis_.model(), configuration);
  targets_.emplace_back();
  targets_.back().forces.assign(3 * static_cast<std::size_t>(configuration.n), 0.0);
}

void FrameSet::check(const std::int64_t* list, std::int64_t count) const {
  for (std::int64_t k = 0; k < count; ++k)
    if (list[k] < 0 || list[k] >= size()) throw std::invalid_argument("no frame of that number");
}

void FrameSet::evaluate_one(std::int64_t frame, Scratch& s) const {
  double strain[6];
  passes_.evaluate(s.parameters.tables(), frames_[frame].structure(), s.state.get(), s.work.get(),
                   s.energies.data(), s.forces.get(), strain);
  for (int k = 0; k < 6; ++k) {
    const auto [a, b] = VOIGT[k];
    s.strain[3 * a + b] = s.strain[3 * b + a] = strain[k];
  }
}

// After `evaluate_one`, with v and S as they are in the scratch.
void FrameSet::gradient_of_one(std::int64_t frame, double lambda, Scratch& s, double* gradient) const {
  passes_.gradient(s.parameters.tables(), frames_[frame].structure(), s.state.get(), s.work.get(),
                   lambda, s.v.get(), s.S, gradient);
}

void FrameSet::evaluate(const double* theta, const std::int64_t* list, std::int64_t count,
                        int threads, double* energies, double* forces, double* strain) const {
  const Parameters parameters(basis_, theta);
  const auto offsets = offsets_of(list, count, [&](std::int64_t k) { return frames_[k].size(); });
#pragma omp parallel num_threads(threads)
  {
    Scratch s(*this, parameters, list, count);
#pragma omp for schedule(dynamic)
    for (std::int64_t k = 0; k < count; ++k) {
      evaluate_one(list[k], s);
      const std::int64_t n = frames_[list[k]].size();
      energies[k] = s.energy(n);
      for (std::int64_t i = 0; i < n; ++i)
        for (int x = 0; x < 3; ++x) forces[3 * (offsets[k] + i) + x] = s.forces[4 * i + x];
      std::copy(s.strain, s.strain + 9, strain + 9 * k);
    }
  }
}

std::vector<double> FrameSet::gradient(const double* theta, const std::int64_t* list,
                                       std::int64_t count, int threads, const double* lambda,
                                       const double* v, const double* S) const {
  const Parameters parameters(basis_, theta);
  const std::size_t P = basis_.parameters();
  const auto offsets = offsets_of(list, count, [&](std::int64_t k) { return frames_[k].size(); });
  const std::int64_t chunks = std::min(count, CHUNKS);
  std::vector<double> partial(static_cast<std::size_t>(chunks) * P, 0.0), total(P, 0.0);
#pragma omp parallel num_threads(threads)
  {
    Scratch s(*this, parameters, list, count);
#pragma omp for schedule(dynamic)
    for (std::int64_t c = 0; c < chunks; ++c)
      for (std::int64_t k = c * count / chunks; k < (c + 1) * count / chunks; ++k) {
        evaluate_one(list[k], s);
        for (std::int64_t i = 0; i < frames_[list[k]].size(); ++i)
          for (int x = 0; x < 3; ++x) s.v[4 * i + x] = v[3 * (offsets[k] + i) + x];
        std::copy(S + 9 * k, S + 9 * k + 9, s.S);
        gradient_of_one(list[k], lambda[k], s, partial.data() + c * P);
      }
  }
  add_up(partial, total);
  return total;
}

// Squared errors after `evaluate_one`; leaves in v and S what the gradient of the loss takes, and
// returns λ.
static double square_errors(const Target& target, std::int64_t n, double energy,
                            const double* forces, const double* strain, double* squares, double* v,
                            double* S) {
  const double error = energy - target.energy;
  squares[0] = error * error;
  squares[1] = squares[2] = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (int x = 0; x < 3; ++x) {
      const double difference = forces[4 * i + x] - target.forces[3 * i + x];
      squares[1] += difference * difference;
      v[4 * i + x] = 2 * target.weight[1] * difference;
    }
  for (int x = 0; x < 9; ++x) {
    const double difference = strain[x] - target.strain[x];
    squares[2] += difference * difference;
    S[x] = 2 * target.weight[2] * difference;
  }
  return 2 * target.weight[0] * error;
}

Sums FrameSet::loss(const double* theta, const std::int64_t* list, std::int64_t count, int threads,
                    bool want_gradient) const {
  const Parameters parameters(basis_, theta);
  const std::size_t P = want_gradient ? basis_.parameters() : 0;
  const std::int64_t chunks = std::min(count, CHUNKS);
  Sums sums{std::vector<double>(3 * static_cast<std::size_t>(count)), std::vector<double>(P, 0.0)};
  std::vector<double> partial(static_cast<std::size_t>(chunks) * P, 0.0);
#pragma omp parallel num_threads(threads)
  {
    Scratch s(*this, parameters, list, count);
#pragma omp for schedule(dynamic)
    for (std::int64_t c = 0; c < chunks; ++c)
      for (std::int64_t k = c * count / chunks; k < (c + 1) * count / chunks; ++k) {
        const std::int64_t n = frames_[list[k]].size();
        evaluate_one(list[k], s);
        const double lambda =
            square_errors(targets_[list[k]], n, s.energy(n), s.forces.get(), s.strain,
                          sums.squares.data() + 3 * k, s.v.get(), s.S);
        if (want_gradient) gradient_of_one(list[k], lambda, s, partial.data() + c * P);
      }
  }
  add_up(partial, sums.gradient);
  return sums;
}

std::int64_t FrameSet::rows(std::int64_t frame) const {
  const Target& target = targets_[frame];
  return (target.weight[0] > 0 ? 1 : 0) + (target.weight[1] > 0 ? 3 * frames_[frame].size() : 0) +
         (target.weight[2] > 0 ? 6 : 0);
}

template <>
const RowPass<double>& FrameSet::row_pass() const { return passes_.rows_in_double; }
template <>
const RowPass<float>& FrameSet::row_pass() const { return passes_.rows_in_single; }

// θ-ordered row ← factor × row in the order of the passes; returns the end of the row.
template <typename Real>
static Real* reorder(const mtp::Tables& t, const RowColumns& columns, const Real* from,
                     double root, Real* row) {
  const auto factor = static_cast<Real>(root);
  for (int k = 0; k < t.species_count; ++k) *row++ = 0;
  for (int a = 0; a < t.scalars_count; ++a) *row++ = factor * from[a];
  for (int zi = 0; zi < t.species_count; ++zi)
    for (int zj = 0; zj < t.species_count; ++zj)
      for (int mu = 0; mu < t.n_mu; ++mu) {
        const Real* of_pair = from + columns.of_type(zi) + mu * columns.of_function + zj * t.radial_size;
        for (int b = 0; b < t.radial_size; ++b) *row++ = factor * of_pair[b];
      }
  return row;
}

// Rows and residuals of one frame, each times the root of its weight. Of the strain, one row off the
// diagonal stands for two.
template <typename Real>
void FrameSet::put_down(std::int64_t frame, const Scratch& s, Real* rows, Real* row,
                        double* residual) const {
  const RowColumns columns(basis_.tables());
  const Target& target = targets_[frame];
  const Structure structure = frames_[frame].structure();
  const auto put = [&](const Real* from, double weight, double difference) {
    const double root = std::sqrt(weight);
    row = reorder(basis_.tables(), columns, from, root, row);
    *residual++ = root * difference;
  };
  if (target.weight[0] > 0) {
    Real* const energy = row;
    put(rows, target.weight[0], s.energy(structure.n) - target.energy);
    for (std::int64_t i = 0; i < structure.n; ++i)
      energy[structure.type[i]] += static_cast<Real>(std::sqrt(target.weight[0]));
  }
  rows += columns.all;
  if (target.weight[1] > 0)
    for (std::int64_t x = 0; x < 3 * structure.n; ++x)
      put(rows + x * columns.all, target.weight[1], s.forces[x / 3 * 4 + x % 3] - target.forces[x]);
  rows += 3 * structure.n * columns.all;
  if (target.weight[2] > 0)
    for (const auto& [a, b] : VOIGT) {
      Real* one = rows + (3 * a + b) * columns.all;
      const Real* two = rows + (3 * b + a) * columns.all;
      for (int c = 0; c < columns.all; ++c) one[c] = (one[c] + two[c]) / 2;
      put(one, target.weight[2] * (a == b ? 1 : 2), s.strain[3 * a + b] - target.strain[3 * a + b]);
    }
}

template <typename Real>
void FrameSet::jacobian(const double* theta, const std::int64_t* list, std::int64_t count,
                        int threads, Real* all_rows, double* residuals) const {
  const Parameters parameters(basis_, theta);
  const RowPass<Real>& pass = row_pass<Real>();
  const auto width = static_cast<std::size_t>(RowColumns(basis_.tables()).all);
  const auto offsets = offsets_of(list, count, [&](std::int64_t k) { return rows(k); });
#pragma omp parallel num_threads(threads)
  {
    Scratch s(*this, parameters, list, count);
    const auto work = aligned<double>(pass.work_size(parameters.tables(), s.most_neighbours));
    const auto rows = aligned<Real>((10 + 3 * static_cast<std::size_t>(s.most_atoms)) * width);
#pragma omp for schedule(dynamic)
    for (std::int64_t k = 0; k < count; ++k) {
      const Structure structure = frames_[list[k]].structure();
      std::fill_n(rows.get(), (10 + 3 * static_cast<std::size_t>(structure.n)) * width, Real{});
      evaluate_one(list[k], s);
      pass.jacobian(parameters.tables(), parameters.reversal(), structure, s.state.get(),
                    work.get(), rows.get());
      put_down(list[k], s, rows.get(), all_rows + offsets[k] * basis_.parameters(),
               residuals + offsets[k]);
    }
  }
}

template void FrameSet::jacobian(const double*, const std::int64_t*, std::int64_t, int, double*,
                                 double*) const;
template void FrameSet::jacobian(const double*, const std::int64_t*, std::int64_t, int, float*,
                                 double*) const;

// θ-ordered row of an atom of species z ← what concerns it.
static void spread_row(const mtp::Tables& t, int z, const double* compact, double* row) {
  const int radial = t.row_width - t.scalars_count;
  row[z] = 1;
  row += t.species_count;
  std::copy(compact, compact + t.scalars_count, row);
  std::copy(compact + t.scalars_count, compact + t.row_width, row + t.scalars_count + z * radial);
}

void FrameSet::atom_gradients(const double* theta, std::int64_t frame, int threads,
                              double* rows) const {
  const Parameters parameters(basis_, theta);
  const mtp::Tables& t = parameters.tables();
  const std::int64_t n = frames_[frame].size(), parts = (n + PART - 1) / PART;
  std::fill_n(rows, n * basis_.parameters(), 0.0);
#pragma omp parallel num_threads(threads)
  {
    const auto work = aligned<double>(
        passes_.work_size(t, frames_[frame].structure().most_neighbours));
    std::vector<double> compact(PART * static_cast<std::size_t>(t.row_width));
#pragma omp for schedule(dynamic)
    for (std::int64_t k = 0; k < parts; ++k) {
      const Structure part = frames_[frame].part(k * PART, std::min(n, (k + 1) * PART));
      passes_.atom_rows(t, part, work.get(), compact.data());
      for (std::int64_t i = 0; i < part.n; ++i)
        spread_row(t, part.type[i], compact.data() + i * t.row_width,
                   rows + (k * PART + i) * basis_.parameters());
    }
  }
}

}  // namespace elyte::derivatives
