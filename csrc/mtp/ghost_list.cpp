#include "mtp/ghost_list.hpp"

#include <memory>

#include "ghost_grid.hpp"

namespace elyte::mtp {

void GhostList::build(const Configuration& c, double reach, std::vector<std::int32_t> types,
                      int species_count, const Kernel& kernel, Team& team) {
  shares_ = Shares(c.n, kernel.block);
  GhostGrid grid(c, reach, team);
  species_count_ = species_count;
  types_ = std::move(types);
  ghost_type_.resize(grid.size() + SPARE_GHOSTS);
  team.loop(static_cast<std::int64_t>(grid.size()), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t g = begin; g < end; ++g) ghost_type_[g] = types_[grid.atom[g]];
  });
  neighbours_.resize(static_cast<std::size_t>(shares_.count));
  bounds_.resize(static_cast<std::size_t>(c.n) * (species_count + 1));
  std::vector<int> most(neighbours_.size(), 0);
  team.share(shares_.count,
             [&](std::int64_t share, int) { most[share] = list_share(share, grid, kernel); });
  most_neighbours_ = most.empty() ? 0 : *std::max_element(most.begin(), most.end());
  whole_.resize(3 * grid.wrap.size());
  for (std::size_t k = 0; k < whole_.size(); ++k) whole_[k] = grid.wrap[k / 3][k % 3];
  ghost_atom_ = std::move(grid.atom);
  ghost_image_ = std::move(grid.image);
  images_ = std::move(grid.images);
  make_room(team.threads());
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

void GhostList::make_room(int threads) {
  const std::size_t atoms = 4 * types_.size(), images = 4 * images_.size();
  const std::size_t ghosts = 4 * ghost_atom_.size();
  places_.resize(ghost_atom_.size() < FEW_GHOSTS ? static_cast<std::size_t>(threads) : 1);
  for (Places& places : places_) {
    places.memory.resize(ghosts + atoms + images + 8);
    const auto address = reinterpret_cast<std::uintptr_t>(places.memory.data());
    places.ghosts = places.memory.data() + (64 - address % 64) % 64 / sizeof(double);
    places.home = places.ghosts + ghosts;
    places.shift = places.home + atoms;
  }
}

void GhostList::place(const Configuration& c, Team& team) {
  now_ = c;
  for (Places& places : places_) places.of_now = false;
  if (places_.size() > 1) return;  // each thread will do so for itself
  Places& all = places_.front();
  shift_images(all);
  team.loop(c.n, [&](std::int64_t begin, std::int64_t end) { bring_home(all, begin, end); });
  team.loop(static_cast<std::int64_t>(ghost_atom_.size()),
            [&](std::int64_t begin, std::int64_t end) { place_ghosts(all, begin, end); });
  all.of_now = true;
}

void GhostList::shift_images(const Places& places) const {
  const double* const cell = now_.cell;
  for (std::size_t k = 0; k < images_.size(); ++k)
    for (int x = 0; x < 3; ++x)
      places.shift[4 * k + x] = images_[k][0] * cell[x] + images_[k][1] * cell[3 + x] +
                                images_[k][2] * cell[6 + x];
}

void GhostList::bring_home(const Places& places, std::int64_t begin, std::int64_t end) const {
  const double* const cell = now_.cell;
  for (std::int64_t i = begin; i < end; ++i) {
    const double* whole = &whole_[3 * i];
    for (int x = 0; x < 3; ++x)
      places.home[4 * i + x] = now_.positions[3 * i + x] -
                               (whole[0] * cell[x] + whole[1] * cell[3 + x] + whole[2] * cell[6 + x]);
  }
}

void GhostList::place_ghosts(const Places& places, std::int64_t begin, std::int64_t end) const {
  for (std::int64_t g = begin; g < end; ++g) {
    const double* from = places.home + 4 * ghost_atom_[g];
    const double* shift = places.shift + 4 * ghost_image_[g];
    for (int x = 0; x < 4; ++x) places.ghosts[4 * g + x] = from[x] + shift[x];
  }
}

Atoms GhostList::atoms(std::int64_t share, int thread) {
  Places& mine = places_[places_.size() == 1 ? 0 : static_cast<std::size_t>(thread)];
  if (!mine.of_now) {
    shift_images(mine);
    bring_home(mine, 0, now_.n);
    place_ghosts(mine, 0, static_cast<std::int64_t>(ghost_atom_.size()));
    mine.of_now = true;
  }
  return {types_.data(),
          mine.home,
          mine.ghosts,
          ghost_atom_.data(),
          neighbours_[static_cast<std::size_t>(share)].data(),
          bounds_.data(),
          most_neighbours_};
}

}  // namespace elyte::mtp
