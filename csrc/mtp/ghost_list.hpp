// The kernel's neighbour list: for each atom ghosts, species by species.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "forcefield.hpp"
#include "mtp/kernel.hpp"
#include "team.hpp"

namespace elyte {
class GhostGrid;
}

namespace elyte::mtp {

// Atoms in shares of whole blocks, by their number alone, so that sums over shares do not depend on
// the number of threads.
struct Shares {
  std::int64_t atoms = 0, blocks = 0, count = 0;
  int block = 1;

  Shares() = default;
  Shares(std::int64_t n, int block_)
      : atoms(n),
        blocks((n + block_ - 1) / block_),
        count(std::min<std::int64_t>(blocks, n < 512 ? 4 : n < 4096 ? 8 : 16)),
        block(block_) {}
  std::int64_t begin(std::int64_t share) const { return blocks * share / count * block; }
  std::int64_t end(std::int64_t share) const { return std::min(begin(share + 1), atoms); }
};

class GhostList {
 public:
  // List the neighbours within reach, by the species `types` of the atoms; the list is the same
  // whatever the number of threads. Throws std::invalid_argument for a cell far too small.
  void build(const Configuration& c, double reach, std::vector<std::int32_t> types,
             int species_count, const Kernel& kernel, Team& team);

  // Atoms and ghosts are now where the configuration says, which must stay while atoms() is called.
  void place(const Configuration& c, Team& team);

  const Shares& shares() const { return shares_; }
  const std::vector<std::int32_t>& types() const { return types_; }  // of the atoms
  // The atoms for the kernel, which is to be run over those of the share only, by the given thread.
  Atoms atoms(std::int64_t share, int thread);

 private:
  int list_share(std::int64_t share, const GhostGrid& grid, const Kernel& kernel);

  // Positions, Å: of the atoms brought home, (n, 4), and the ghosts, (…, 4), aligned to 64 bytes; and
  // what is added for each image, (…, 4).
  struct Places {
    std::vector<double> memory;
    double *ghosts, *home, *shift;
    bool of_now = false;
  };
  void make_room(int threads);
  void shift_images(const Places& places) const;
  void bring_home(const Places& places, std::int64_t begin, std::int64_t end) const;
  void place_ghosts(const Places& places, std::int64_t begin, std::int64_t end) const;

  Shares shares_;
  Configuration now_;
  int species_count_ = 0, most_neighbours_ = 0;
  std::vector<std::int32_t> types_;
  std::vector<std::vector<std::int32_t>> neighbours_;  // of the atoms of each share
  std::vector<std::int64_t> bounds_;                   // in the list of its share
  std::vector<double> whole_;                          // (n, 3) cells taken off each atom
  std::vector<std::array<std::int32_t, 3>> images_;    // cells added in each image
  std::vector<std::int32_t> ghost_atom_, ghost_image_, ghost_type_;
  std::vector<Places> places_;  // one for all threads, or one for each
};

}  // namespace elyte::mtp
