#include "mtp/evaluator.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

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

Evaluator::Evaluator(std::shared_ptr<const Plan> plan, double skin, int threads,
                     const Kernel& kernel)
    : plan_(std::move(plan)),
      skin_(skin),
      threads_(std::max(threads, 1)),
      kernel_(&kernel),
      list_(plan_->model().max_distance, skin) {}

ForceField* Evaluator::clone() const { return new Evaluator(plan_, skin_, threads_, *kernel_); }

double* Evaluator::Scratch::aligned(std::size_t doubles) {
  if (memory.size() < doubles + 8) memory.assign(doubles + 8, 0.0);
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  return memory.data() + (64 - address % 64) % 64 / sizeof(double);
}

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

// Shared out so that sums do not depend on the number of threads.
std::int64_t chunks_for(std::int64_t n, int block) {
  const std::int64_t blocks = (n + block - 1) / block;
  return std::min<std::int64_t>(blocks, n < 512 ? 4 : n < 4096 ? 8 : 16);
}

}  // namespace

bool Evaluator::update_list(const Configuration& c) {
  // the check is part of a rebuild, which values that are not finite bring about
  if (list_.valid(c)) return false;
  check(c, cutoff() + skin_);
  types_.resize(static_cast<std::size_t>(c.n));
  for (std::int64_t i = 0; i < c.n; ++i) {
    types_[i] = plan_->model().type(c.numbers[i]);
    if (types_[i] < 0)
      throw std::invalid_argument("the potential does not know the element with atomic number " +
                                  std::to_string(c.numbers[i]));
  }
  list_.rebuild(c);
  sort_list(c);
  return true;
}

// Give each atom or image on the list a number; ghost_of_ holds that of each entry.
void Evaluator::number_ghosts(const Configuration& c) {
  const NeighbourList& list = list_.list();
  std::array<std::int32_t, 3> lowest{0, 0, 0}, highest{0, 0, 0};
  for (const auto& shift : list.shift)
    for (int a = 0; a < 3; ++a) {
      lowest[a] = std::min(lowest[a], shift[a]);
      highest[a] = std::max(highest[a], shift[a]);
    }
  std::array<std::size_t, 3> images;
  for (int a = 0; a < 3; ++a) images[a] = static_cast<std::size_t>(highest[a] - lowest[a]) + 1;
  std::vector<std::int32_t> number(images[0] * images[1] * images[2] * static_cast<std::size_t>(c.n), -1);
  ghost_atom_.clear();
  ghost_shift_.clear();
  ghost_of_.resize(list.index.size());
  for (std::size_t k = 0; k < list.index.size(); ++k) {
    std::size_t image = 0;
    for (int a = 0; a < 3; ++a)
      image = image * images[a] + static_cast<std::size_t>(list.shift[k][a] - lowest[a]);
    auto& ghost = number[image * static_cast<std::size_t>(c.n) + static_cast<std::size_t>(list.index[k])];
    if (ghost < 0) {
      ghost = static_cast<std::int32_t>(ghost_atom_.size());
      ghost_atom_.push_back(list.index[k]);
      ghost_shift_.push_back(list.shift[k]);
    }
    ghost_of_[k] = ghost;
  }
}

// Neighbours of each atom by their species.
void Evaluator::sort_list(const Configuration& c) {
  number_ghosts(c);
  const NeighbourList& list = list_.list();
  const auto s = static_cast<std::size_t>(plan_->model().species_count());
  neighbours_.assign(list.index.size() + 8, 0);  // as many more may be read
  species_first_.assign(static_cast<std::size_t>(c.n) * s, 0);
  most_neighbours_ = 0;
  std::vector<std::int64_t> next(s + 1);
  for (std::int64_t i = 0; i < c.n; ++i) {
    std::fill(next.begin(), next.end(), 0);
    for (std::int64_t k = list.first[i]; k < list.first[i + 1]; ++k) ++next[types_[list.index[k]] + 1];
    next[0] = list.first[i];
    for (std::size_t z = 1; z <= s; ++z) next[z] += next[z - 1];
    std::copy(next.begin(), next.end() - 1, species_first_.begin() + i * static_cast<std::int64_t>(s));
    for (std::int64_t k = list.first[i]; k < list.first[i + 1]; ++k)
      neighbours_[next[types_[list.index[k]]]++] = ghost_of_[k];
    most_neighbours_ =
        std::max(most_neighbours_, static_cast<int>(list.first[i + 1] - list.first[i]));
  }
}

void Evaluator::place_ghosts(const Configuration& c) {
  double* to = ghosts_.aligned(4 * (ghost_atom_.size() + 1));
  for (std::size_t g = 0; g < ghost_atom_.size(); ++g, to += 4) {
    const double* from = c.positions + 3 * static_cast<std::size_t>(ghost_atom_[g]);
    const auto& shift = ghost_shift_[g];
    for (int x = 0; x < 3; ++x)
      to[x] = from[x] + (shift[0] * c.cell[x] + shift[1] * c.cell[3 + x] + shift[2] * c.cell[6 + x]);
  }
}

void Evaluator::evaluate(const Configuration& c, Evaluation& result) {
  update_list(c);
  place_ghosts(c);
  const Atoms atoms{types_.data(),         c.positions,        ghosts_.aligned(0),
                    ghost_atom_.data(),    list_.list().first.data(), neighbours_.data(),
                    species_first_.data(), most_neighbours_};
  const auto n = static_cast<std::size_t>(c.n);
  const int block = kernel_->block;
  const std::int64_t chunks = chunks_for(c.n, block), blocks = (c.n + block - 1) / block;
  const int threads =
      static_cast<int>(std::min<std::int64_t>(threads_, std::max<std::int64_t>(chunks, 1)));
  const std::size_t needed = kernel_->scratch(plan_->tables(), atoms);
  scratch_.resize(static_cast<std::size_t>(threads));
  energies_.resize(n);
  double* all_forces = forces_.aligned(4 * n * static_cast<std::size_t>(chunks));
  std::vector<Results> results(static_cast<std::size_t>(chunks));
  make_room_for_rows(result, n, results);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    double* forces = all_forces + 4 * n * static_cast<std::size_t>(chunk);
    std::fill(forces, forces + 4 * n, 0.0);
    Results& part = results[static_cast<std::size_t>(chunk)];
    part.energies = energies_.data();
    part.forces = forces;
    double* memory = scratch_[static_cast<std::size_t>(omp_get_thread_num())].aligned(needed);
    const std::int64_t begin = blocks * chunk / chunks * block;
    const std::int64_t end = std::min<std::int64_t>(blocks * (chunk + 1) / chunks * block, c.n);
    kernel_->range(plan_->tables(), atoms, begin, end, memory, part);
  }
  sum_chunks(results, result);
}

// Rows of atoms are put where they belong; sums over atoms are made by each chunk on its own.
void Evaluator::make_room_for_rows(Evaluation& result, std::size_t n, std::vector<Results>& chunks) {
  const auto width = static_cast<std::size_t>(plan_->tables().row_width);
  const std::size_t sums = width * static_cast<std::size_t>(plan_->tables().species_count);
  const bool each = result.want_rows == Rows::of_atoms, summed = result.want_rows == Rows::of_species;
  result.row_width = each || summed ? width : 0;
  if (each) result.rows.resize(n * width);
  if (summed) {
    result.rows.assign(sums, 0.0);
    row_sums_.assign(sums * chunks.size(), 0.0);
  }
  for (std::size_t chunk = 0; chunk < chunks.size(); ++chunk) {
    chunks[chunk].rows = each ? result.rows.data() : nullptr;
    chunks[chunk].row_sums = summed ? row_sums_.data() + sums * chunk : nullptr;
  }
}

void Evaluator::sum_chunks(const std::vector<Results>& results, Evaluation& result) {
  const std::size_t n = energies_.size();
  result.forces.assign(3 * n, 0.0);
  std::array<double, 6> strain{};
  result.closest = std::numeric_limits<double>::infinity();
  for (const Results& part : results) {
    if (part.closest < result.closest) {
      result.closest = part.closest;
      result.closest_pair = {part.closest_pair[0], part.closest_pair[1]};
    }
    for (std::size_t i = 0; i < n; ++i)
      for (int x = 0; x < 3; ++x) result.forces[3 * i + x] += part.forces[4 * i + x];
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
