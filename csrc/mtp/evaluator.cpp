#include "mtp/evaluator.hpp"

#include <omp.h>

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

Evaluator::Evaluator(std::shared_ptr<const Plan> plan, double skin, int threads,
                     const Kernel& kernel)
    : plan_(std::move(plan)),
      skin_(skin),
      threads_(std::max(threads, 1)),
      kernel_(&kernel),
      origin_(plan_->model().max_distance, skin) {}

ForceField* Evaluator::clone() const { return new Evaluator(plan_, skin_, threads_, *kernel_); }

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
  if (origin_.valid(c)) return false;
  check(c, origin_.reach());
  types_.resize(static_cast<std::size_t>(c.n));
  for (std::int64_t i = 0; i < c.n; ++i) {
    types_[i] = plan_->model().type(c.numbers[i]);
    if (types_[i] < 0)
      throw std::invalid_argument("the potential does not know the element with atomic number " +
                                  std::to_string(c.numbers[i]));
  }
  build_list(c);
  origin_.set(c);
  return true;
}

// Each atom or image on the list gets a number; images are those of atoms brought home, so that a
// liquid that diffuses has no more of them.
class Evaluator::GhostNumbers {
 public:
  GhostNumbers(Evaluator& of, const detail::Bins& bins)
      : of_(of), bins_(bins), n_(bins.atoms.size()) {
    std::size_t images = 1;
    for (int a = 0; a < 3; ++a) {
      far_[a] = bins.farthest_image(a);
      images *= static_cast<std::size_t>(2 * far_[a] + 1);
    }
    number_.assign(images * n_, -1);
    of_.ghost_atom_.clear();
    of_.ghost_image_.clear();
  }

  // The numbers of the slots in an image, −1 where there is none yet.
  std::int32_t* in_image(const std::array<std::int32_t, 3>& image) {
    std::size_t place = 0;
    for (int a = 0; a < 3; ++a)
      place = place * static_cast<std::size_t>(2 * far_[a] + 1) +
              static_cast<std::size_t>(image[a] + far_[a]);
    return &number_[place * n_];
  }

  std::int32_t add(std::int32_t slot, const std::array<std::int32_t, 3>& image) {
    of_.ghost_atom_.push_back(bins_.atoms[slot]);
    of_.ghost_image_.push_back(image);
    return static_cast<std::int32_t>(of_.ghost_atom_.size()) - 1;
  }

 private:
  Evaluator& of_;
  const detail::Bins& bins_;
  std::size_t n_;
  std::array<int, 3> far_{};
  std::vector<std::int32_t> number_;
};

// Neighbours of each atom by their species.
void Evaluator::build_list(const Configuration& c) {
  const detail::Bins bins(c, origin_.reach());
  const auto species = static_cast<std::size_t>(plan_->model().species_count());
  GhostNumbers ghosts(*this, bins);
  std::vector<std::int32_t> found(static_cast<std::size_t>(c.n) + detail::SPARE_SLOTS);
  std::vector<std::vector<std::int32_t>> near(species);
  std::vector<std::size_t> count(species);
  neighbours_.clear();
  first_.assign(1, 0);
  species_first_.clear();
  most_neighbours_ = 0;
  for (std::int64_t i = 0; i < c.n; ++i) {
    std::fill(count.begin(), count.end(), 0);
    const auto add = [&](const auto& image, const std::int32_t* slots, std::int32_t slots_count) {
      std::int32_t* numbers = ghosts.in_image(image);
      const bool home = image[0] == 0 && image[1] == 0 && image[2] == 0;
      const std::int32_t own = home ? bins.slot_of[i] : -1;
      for (std::int32_t k = 0; k < slots_count; ++k) {
        const std::int32_t slot = slots[k];
        if (slot == own) continue;
        if (numbers[slot] < 0) numbers[slot] = ghosts.add(slot, image);
        const auto type = static_cast<std::size_t>(types_[bins.atoms[slot]]);
        if (count[type] == near[type].size()) near[type].resize(2 * count[type] + 64);
        near[type][count[type]++] = numbers[slot];
      }
    };
    detail::visit_around(bins, i, origin_.reach() * origin_.reach(), kernel_->near_slots, found, add);
    for (std::size_t z = 0; z < species; ++z) {
      species_first_.push_back(static_cast<std::int64_t>(neighbours_.size()));
      const auto begin = near[z].begin();
      neighbours_.insert(neighbours_.end(), begin, begin + static_cast<std::ptrdiff_t>(count[z]));
    }
    first_.push_back(static_cast<std::int64_t>(neighbours_.size()));
    most_neighbours_ = std::max(most_neighbours_, static_cast<int>(first_[i + 1] - first_[i]));
  }
  neighbours_.resize(neighbours_.size() + 8, 0);  // as many more may be read
  wrap_ = bins.wrap;
}

void Evaluator::place(const Configuration& c) {
  home_.resize(3 * static_cast<std::size_t>(c.n));
  for (std::size_t i = 0; i < wrap_.size(); ++i)
    detail::wrapped(c.positions + 3 * i, wrap_[i], c.cell, &home_[3 * i]);
  double* to = ghosts_.aligned(4 * (ghost_atom_.size() + 1));
  for (std::size_t g = 0; g < ghost_atom_.size(); ++g, to += 4) {
    const double* from = &home_[3 * static_cast<std::size_t>(ghost_atom_[g])];
    const auto& image = ghost_image_[g];
    for (int x = 0; x < 3; ++x)
      to[x] = from[x] + (image[0] * c.cell[x] + image[1] * c.cell[3 + x] + image[2] * c.cell[6 + x]);
  }
}

void Evaluator::evaluate(const Configuration& c, Evaluation& result) {
  update_list(c);
  place(c);
  const Atoms atoms{types_.data(),      home_.data(),   ghosts_.aligned(0),
                    ghost_atom_.data(), first_.data(),  neighbours_.data(),
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
  if (result.grading) grade_rows(*kernel_, plan_->model(), types_, threads_, scratch_, result);
  if (result.mean)
    grade_mean(*kernel_, plan_->model(), types_, result.want_rows == Rows::of_atoms, result);
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
