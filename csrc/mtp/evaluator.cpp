#include "mtp/evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "mtp/grades.hpp"

namespace elyte::mtp {

std::vector<const Kernel*> available_kernels(const std::string& precision) {
  std::vector<const Kernel*> all, kernels;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    all.insert(all.end(), {&kernel_avx512(), &kernel_avx512_single()});
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    all.insert(all.end(), {&kernel_avx2(), &kernel_avx2_single()});
#endif
  all.insert(all.end(), {&kernel_portable(), &kernel_portable_single()});
  for (const Kernel* kernel : all)
    if (precision == kernel->precision) kernels.push_back(kernel);
  if (kernels.empty())
    throw std::invalid_argument("precision '" + precision + "'; there are: double, single");
  return kernels;
}

const Kernel& choose_kernel(const std::string& name, const std::string& precision) {
  std::string wanted = name;
  if (const char* variable = std::getenv("ELYTE_ISA"); wanted.empty() && variable)
    wanted = variable;
  std::string known;
  for (const Kernel* kernel : available_kernels(precision)) {
    if (wanted.empty() || wanted == kernel->name) return *kernel;
    known += std::string(known.empty() ? "" : ", ") + kernel->name;
  }
  throw std::invalid_argument("no kernel for the instruction set '" + wanted +
                              "' on this processor; there are: " + known);
}

Evaluator::Evaluator(std::shared_ptr<const Plan> plan, double skin, std::shared_ptr<Team> team,
                     const Kernel& kernel)
    : plan_(std::move(plan)),
      team_(std::move(team)),
      kernel_(&kernel),
      origin_(plan_->model().max_distance, skin) {}

namespace {

// What cannot be put into a neighbour list: positions that are not finite, a collapsed box.
void check(const Configuration& c, double reach) {
  for (std::int64_t k = 0; k < 3 * c.n; ++k)
    if (!(std::abs(c.positions[k]) < 1e7))
      throw std::invalid_argument("atom " + std::to_string(k / 3) +
                                  " has a position that is not finite or is far beyond any box");
  if (!(c.pbc[0] && c.pbc[1] && c.pbc[2])) return;
  const auto ab = detail::cross(c.cell, c.cell + 3);
  const double volume =
      std::abs(ab[0] * c.cell[6] + ab[1] * c.cell[7] + ab[2] * c.cell[8]);
  const double neighbours = 4.19 * reach * reach * reach * static_cast<double>(c.n) / volume;
  if (!(neighbours < 20000))
    throw std::invalid_argument("the box has collapsed: " + std::to_string(volume) + " A^3 for " +
                                std::to_string(c.n) + " atoms");
}

constexpr double POINT = 1e-6;  // Å; atoms nearer than this are at one point

}  // namespace

bool Evaluator::update_list(const Configuration& c) {
  // the check is part of a rebuild, which values that are not finite bring about
  if (origin_.valid(c)) return false;
  check(c, origin_.reach());
  std::vector<std::int32_t> types(static_cast<std::size_t>(c.n));
  for (std::int64_t i = 0; i < c.n; ++i) {
    types[i] = plan_->model().type(c.numbers[i]);
    if (types[i] < 0)
      throw std::invalid_argument("the potential does not know the element with atomic number " +
                                  std::to_string(c.numbers[i]));
  }
  origin_.forget();
  list_.build(c, origin_.reach(), std::move(types), plan_->tables().species_count, *kernel_, *team_);
  origin_.set(c);
  return true;
}

void Evaluator::evaluate(const Configuration& c, Evaluation& result) {
  update_list(c);
  const auto n = static_cast<std::size_t>(c.n);
  const auto count = static_cast<std::size_t>(list_.shares().count);
  scratch_.resize(static_cast<std::size_t>(team_->threads()));
  energies_.resize(n);
  result.forces.resize(3 * n);
  forces_.begin(c.n, list_.shares().count);
  std::vector<Results> results(count);
  make_room_for_rows(result, n, results);
  for (Results& part : results) part.energies = energies_.data();
  list_.place(c, *team_);
  team_->share(list_.shares().count,
              [&](std::int64_t share, int thread) { run_kernel(share, thread, results[share]); });
  team_->share(list_.shares().count, [&](std::int64_t share, int) {
    forces_.sum(list_.shares().begin(share), list_.shares().end(share), result.forces.data());
  });
  sum_chunks(results, result);
  if (result.grading)
    grade_rows(*kernel_, plan_->model(), list_.types(), *team_, scratch_, result);
  if (result.mean)
    grade_mean(*kernel_, plan_->model(), list_.types(), scratch_.front(), result);
}

// Energies of the atoms of a share, and the forces that they make on all atoms.
void Evaluator::run_kernel(std::int64_t share, int thread, Results& part) {
  const Shares& shares = list_.shares();
  const Atoms atoms = list_.atoms(share, thread);
  AlignedMemory& scratch = scratch_[static_cast<std::size_t>(thread)];
  part.forces = forces_.cleared(share);
  kernel_->range(plan_->tables(), atoms, shares.begin(share), shares.end(share),
                 scratch.aligned(kernel_->scratch(plan_->tables(), atoms)), part);
  forces_.made(share, thread);
}

// Rows of atoms are put where they belong; sums over atoms are made by each chunk on its own.
void Evaluator::make_room_for_rows(Evaluation& result, std::size_t n, std::vector<Results>& chunks) {
  const auto width = static_cast<std::size_t>(plan_->tables().row_width);
  const std::size_t sums = width * static_cast<std::size_t>(plan_->tables().species_count);
  const bool each = result.want_rows == Rows::of_atoms || result.grading;
  const bool summed = (result.want_rows == Rows::of_species || result.mean) && !each;
  result.row_width = each || summed ? width : 0;
  if (each) {
    if (result.only) place_rows(*result.only, n);
    result.rows.resize((result.only ? result.only->size() : n) * width);
  }
  if (summed) {
    result.rows.assign(sums, 0.0);
    row_sums_.assign(sums * chunks.size(), 0.0);
  }
  for (std::size_t chunk = 0; chunk < chunks.size(); ++chunk) {
    chunks[chunk].rows = each ? result.rows.data() : nullptr;
    chunks[chunk].row_place = each && result.only ? row_place_.data() : nullptr;
    chunks[chunk].row_sums = summed ? row_sums_.data() + sums * chunk : nullptr;
  }
}

void Evaluator::place_rows(const std::vector<std::int32_t>& only, std::size_t n) {
  row_place_.assign(n, -1);
  for (std::size_t place = 0; place < only.size(); ++place)
    row_place_[static_cast<std::size_t>(only[place])] = static_cast<std::int32_t>(place);
}

void Evaluator::sum_chunks(const std::vector<Results>& results, Evaluation& result) {
  std::array<double, 6> strain{};
  result.closest = std::numeric_limits<double>::infinity();
  for (const Results& part : results) {
    if (part.closest < result.closest) {
      result.closest = part.closest;
      result.closest_pair = {part.closest_pair[0], part.closest_pair[1]};
    }
    for (int k = 0; k < 6; ++k) strain[k] += part.strain[k];
    if (!part.row_sums) continue;
    for (std::size_t k = 0; k < result.rows.size(); ++k) result.rows[k] += part.row_sums[k];
  }
  if (result.closest < POINT) refuse(result.closest_pair[0], result.closest_pair[1]);
  result.energy = 0;
  for (double energy : energies_) result.energy += energy;
  result.strain_gradient = {strain[0], strain[5], strain[4], strain[5], strain[1],
                            strain[3], strain[4], strain[3], strain[2]};
}

void Evaluator::refuse(std::int64_t i, std::int64_t j) const {
  throw std::invalid_argument("atoms " + std::to_string(std::min(i, j)) + " and " +
                              std::to_string(std::max(i, j)) + " are at one point");
}

}  // namespace elyte::mtp
