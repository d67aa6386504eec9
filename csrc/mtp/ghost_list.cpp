#include "mtp/ghost_list.hpp"

#include <omp.h>

#include <exception>
#include <memory>

#include "ghost_grid.hpp"
#include "mtp/claims.hpp"

namespace elyte::mtp {

void GhostList::build(const Configuration& c, double reach, std::vector<std::int32_t> types,
                      int species_count, const Kernel& kernel, int threads) {
  shares_ = Shares(c.n, kernel.block);
  threads_ = static_cast<int>(std::max<std::int64_t>(1, std::min<std::int64_t>(threads, shares_.count)));
  GhostGrid grid(c, reach, threads_);
  species_count_ = species_count;
  types_ = std::move(types);
  ghost_type_.resize(grid.size() + SPARE_GHOSTS);
#pragma omp parallel for schedule(static) num_threads(threads_) if (threads_ > 1)
  for (std::size_t g = 0; g < grid.size(); ++g) ghost_type_[g] = types_[grid.atom[g]];
  neighbours_.resize(static_cast<std::size_t>(shares_.count));
  bounds_.resize(static_cast<std::size_t>(c.n) * (species_count + 1));
  std::vector<int> most(neighbours_.size(), 0);
  std::exception_ptr error;  // may not leave the parallel region
  Claims claims(shares_.count, threads_);
#pragma omp parallel num_threads(threads_) if (threads_ > 1)
  try {
    claims.work(omp_get_thread_num(),
                [&](std::int64_t share) { most[share] = list_share(share, grid, kernel); });
  } catch (...) {
#pragma omp critical
    error = std::current_exception();
  }
  if (error) std::rethrow_exception(error);
  most_neighbours_ = most.empty() ? 0 : *std::max_element(most.begin(), most.end());
  whole_.resize(3 * grid.wrap.size());
  for (std::size_t k = 0; k < whole_.size(); ++k) whole_[k] = grid.wrap[k / 3][k % 3];
  ghost_atom_ = std::move(grid.atom);
  ghost_image_ = std::move(grid.image);
  images_ = std::move(grid.images);
  make_room();
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

// What another core has written comes slowly: as long as they are few, each thread has ghosts of its
// own. Beyond this number all threads place them together.
constexpr std::size_t FEW_GHOSTS = 16384;

void GhostList::make_room() {
  const std::size_t atoms = 4 * types_.size(), images = 4 * images_.size();
  const std::size_t ghosts = 4 * ghost_atom_.size();
  places_.resize(ghost_atom_.size() < FEW_GHOSTS ? static_cast<std::size_t>(threads_) : 1);
  for (Places& places : places_) {
    places.memory.resize(ghosts + atoms + images + 8);
    const auto address = reinterpret_cast<std::uintptr_t>(places.memory.data());
    places.ghosts = places.memory.data() + (64 - address % 64) % 64 / sizeof(double);
    places.home = places.ghosts + ghosts;
    places.shift = places.home + atoms;
  }
}

void GhostList::place(const Configuration& c, int thread, int threads) {
  const bool together = places_.size() == 1 && threads > 1;
  const Places& mine = places_[together ? 0 : static_cast<std::size_t>(thread)];
  const auto part = [&](std::size_t count, int end) {
    return together ? count * static_cast<std::size_t>(thread + end) / static_cast<std::size_t>(threads)
                    : count * static_cast<std::size_t>(end);
  };
  for (std::size_t k = part(images_.size(), 0); k < part(images_.size(), 1); ++k)
    for (int x = 0; x < 3; ++x)
      mine.shift[4 * k + x] = images_[k][0] * c.cell[x] + images_[k][1] * c.cell[3 + x] +
                              images_[k][2] * c.cell[6 + x];
  for (std::size_t i = part(types_.size(), 0); i < part(types_.size(), 1); ++i) {
    const double* whole = &whole_[3 * i];
    for (int x = 0; x < 3; ++x)
      mine.home[4 * i + x] = c.positions[3 * i + x] - (whole[0] * c.cell[x] + whole[1] * c.cell[3 + x] +
                                                       whole[2] * c.cell[6 + x]);
  }
  if (together) {
#pragma omp barrier
  }
  const std::size_t end = part(ghost_atom_.size(), 1);
  for (std::size_t g = part(ghost_atom_.size(), 0); g < end; ++g) {
    const double *from = mine.home + 4 * ghost_atom_[g], *shift = mine.shift + 4 * ghost_image_[g];
    for (int x = 0; x < 4; ++x) mine.ghosts[4 * g + x] = from[x] + shift[x];
  }
  if (together) {
#pragma omp barrier
  }
}

Atoms GhostList::atoms(std::int64_t share, int thread) const {
  const Places& mine = places_[places_.size() == 1 ? 0 : static_cast<std::size_t>(thread)];
  return {types_.data(),
          mine.home,
          mine.ghosts,
          ghost_atom_.data(),
          neighbours_[static_cast<std::size_t>(share)].data(),
          bounds_.data(),
          most_neighbours_};
}

}  // namespace elyte::mtp
