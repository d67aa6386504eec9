// Full neighbour lists in any cell: triclinic, partly periodic, smaller than the cutoff.
//
// `build_neighbours` sorts the atoms into bins and is linear in their number; `VerletList` keeps
// a list with a skin and rebuilds it only when a pair could have come within the cutoff unseen
// (`Origin`).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "forcefield.hpp"
#include "ghost_grid.hpp"
#include "origin.hpp"

namespace elyte {

// Neighbours of atom i are the entries first[i] … first[i + 1] of `index` and `shift`; entry k
// lies at positions[index[k]] − positions[i] + shift[k] · cell, with the positions as given.
struct NeighbourList {
  std::vector<std::int64_t> first;
  std::vector<std::int32_t> index;
  std::vector<std::array<std::int32_t, 3>> shift;
};

// Write to `found` the ghosts of the pieces that are nearer than the square root of `limit2` to a
// point; returns how many. Each is written and then kept or not, since a branch would often be
// mispredicted.
inline std::int32_t near_ghosts(const GhostPositions& at, const float* point, const Piece* pieces,
                                int pieces_count, float limit2, std::int32_t* found) {
  std::int32_t count = 0;
  for (int piece = 0; piece < pieces_count; ++piece)
    for (std::int32_t ghost = pieces[piece].begin; ghost < pieces[piece].end; ++ghost) {
      const float dx = at.x[ghost] - point[0], dy = at.y[ghost] - point[1], dz = at.z[ghost] - point[2];
      found[count] = ghost;
      count += dx * dx + dy * dy + dz * dz < limit2;
    }
  return count;
}

// All pairs nearer than the cutoff, each seen from both of its atoms; an atom's own images count.
// Two atoms at one point are a pair of distance zero; an atom is not its own neighbour there.
// Throws std::invalid_argument for a cell that has collapsed.
inline void build_neighbours(const Configuration& c, double cutoff, NeighbourList& list) {
  Team alone(1);
  const GhostGrid grid(c, cutoff, alone);
  const GhostPositions at = grid.positions();
  std::vector<std::int32_t> found(grid.size() + SPARE_GHOSTS);
  std::vector<Piece> pieces(grid.most_pieces());
  list.first.assign(static_cast<std::size_t>(c.n) + 1, 0);
  list.index.clear();
  list.shift.clear();
  for (std::int64_t i = 0; i < c.n; ++i) {
    const std::int32_t self = grid.self[i];
    const float point[3] = {at.x[self], at.y[self], at.z[self]};
    const std::int32_t count = near_ghosts(at, point, pieces.data(), grid.around(i, pieces.data()),
                                           grid.limit2(), found.data());
    for (std::int32_t k = 0; k < count; ++k) {
      const std::int32_t ghost = found[k], j = grid.atom[ghost];
      if (ghost == self) continue;
      const auto& image = grid.images[grid.image[ghost]];
      double r2 = 0;
      for (int x = 0; x < 3; ++x) {
        double d = grid.home[3 * j + x] - grid.home[3 * i + x];
        for (int a = 0; a < 3; ++a) d += image[a] * c.cell[3 * a + x];
        r2 += d * d;
      }
      if (!(r2 < cutoff * cutoff)) continue;
      list.index.push_back(j);
      auto& shift = list.shift.emplace_back(image);
      for (int a = 0; a < 3; ++a) shift[a] += grid.wrap[i][a] - grid.wrap[j][a];
    }
    list.first[i + 1] = static_cast<std::int64_t>(list.index.size());
  }
}

// A neighbour list with a skin.
class VerletList {
 public:
  VerletList(double cutoff, double skin) : origin_(cutoff, skin) {}

  // Bring the list up to date.
  void update(const Configuration& c) {
    if (origin_.valid(c)) return;
    origin_.forget();
    build_neighbours(c, origin_.reach(), list_);
    origin_.set(c);
  }

  const NeighbourList& list() const { return list_; }

 private:
  Origin origin_;
  NeighbourList list_;
};

}  // namespace elyte
