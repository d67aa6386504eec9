#include "mtp/ghost_list.hpp"

#include <exception>
#include <memory>

#include "ghost_grid.hpp"

namespace elyte::mtp {

void GhostList::build(const Configuration& c, double reach, const std::vector<std::int32_t>& types,
                      int species_count, const Kernel& kernel, int threads) {
  GhostGrid grid(c, reach, threads);
  shares_ = Shares(c.n, kernel.block);
  species_count_ = species_count;
  ghost_type_.resize(grid.size() + SPARE_GHOSTS);
  for (std::size_t g = 0; g < grid.size(); ++g) ghost_type_[g] = types[grid.atom[g]];
  neighbours_.resize(static_cast<std::size_t>(shares_.count));
  bounds_.resize(static_cast<std::size_t>(c.n) * (species_count + 1));
  std::vector<int> most(neighbours_.size(), 0);
  std::exception_ptr error;  // may not leave the parallel region
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
  for (std::int64_t share = 0; share < shares_.count; ++share) try {
      most[share] = list_share(share, grid, kernel);
    } catch (...) {
#pragma omp critical
      error = std::current_exception();
    }
  if (error) std::rethrow_exception(error);
  most_neighbours_ = most.empty() ? 0 : *std::max_element(most.begin(), most.end());
  wrap_ = std::move(grid.wrap);
  ghost_atom_ = std::move(grid.atom);
  ghost_image_ = std::move(grid.image);
  images_ = std::move(grid.images);
  memory_.resize(4 * (wrap_.size() + images_.size() + ghost_atom_.size()) + 8);
  const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
  ghosts_ = memory_.data() + (64 - address % 64) % 64 / sizeof(double);
  home_ = ghosts_ + 4 * ghost_atom_.size();
  shift_ = home_ + 4 * wrap_.size();
}

// Returns the most neighbours that an atom of the share has.
int GhostList::list_share(std::int64_t share, const GhostGrid& grid, const Kernel& kernel) {
  std::vector<std::int32_t>& list = neighbours_[static_cast<std::size_t>(share)];
  const std::size_t room_for_all = grid.size() + SPARE_GHOSTS;
  const std::unique_ptr<std::int32_t[]> found(new std::int32_t[2 * room_for_all]);
  std::vector<Piece> pieces(grid.most_pieces());
  std::vector<std::int32_t> ends(static_cast<std::size_t>(species_count_));
  const Search search{grid.positions(), ghost_type_.data(), grid.limit2(), species_count_,
                      found.get(), found.get() + room_for_all};
  std::int64_t used = 0, most = 0;
  for (std::int64_t i = shares_.begin(share); i < shares_.end(share); ++i) {
    const int count = grid.around(i, pieces.data());
    std::size_t room = static_cast<std::size_t>(used) + SPARE_GHOSTS;
    for (int k = 0; k < count; ++k) room += static_cast<std::size_t>(pieces[k].end - pieces[k].begin);
    if (list.size() < room) list.resize(room + room / 2);
    kernel.list_neighbours(search, grid.self[i], pieces.data(), count, list.data() + used, ends.data());
    std::int64_t* bounds = &bounds_[static_cast<std::size_t>(i) * (species_count_ + 1)];
    bounds[0] = used;
    for (int z = 0; z < species_count_; ++z) bounds[z + 1] = used + ends[z];
    most = std::max<std::int64_t>(most, ends.back());
    used += ends.back();
  }
  std::fill_n(list.begin() + used, SPARE_GHOSTS, 0);  // so many more may be read
  return static_cast<int>(most);
}

void GhostList::place(const Configuration& c) {
  const auto n = static_cast<std::int64_t>(wrap_.size());
  const auto ghosts = static_cast<std::int64_t>(ghost_atom_.size());
  const auto images = static_cast<std::int64_t>(images_.size());
#pragma omp for schedule(static) nowait
  for (std::int64_t k = 0; k < images; ++k)
    for (int x = 0; x < 3; ++x)
      shift_[4 * k + x] = images_[k][0] * c.cell[x] + images_[k][1] * c.cell[3 + x] +
                          images_[k][2] * c.cell[6 + x];
#pragma omp for schedule(static)
  for (std::int64_t i = 0; i < n; ++i)
    detail::wrapped(c.positions + 3 * i, wrap_[i], c.cell, home_ + 4 * i);
#pragma omp for schedule(static)
  for (std::int64_t g = 0; g < ghosts; ++g) {
    const double *from = home_ + 4 * ghost_atom_[g], *shift = shift_ + 4 * ghost_image_[g];
    for (int x = 0; x < 4; ++x) ghosts_[4 * g + x] = from[x] + shift[x];
  }
}

}  // namespace elyte::mtp
