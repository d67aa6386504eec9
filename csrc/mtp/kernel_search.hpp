// The innermost loops of the search for neighbours.
// Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "ghosts.hpp"
#include "mtp/kernel_compress.hpp"

namespace elyte::mtp {
namespace {

// What is found: ghosts and their species, side by side.
struct Found {
  std::int32_t *ghosts, *types;
  std::int32_t count;
};

// Adds the ghosts first + lane for the lanes < valid with r2 < limit.
ELYTE_INLINE void keep_near(Narrow r2, float limit, std::int32_t first, int valid,
                            const std::int32_t* type, Found& found) {
  const Lanes near = lanes_below(r2, limit) & first_lanes<WORDS>(valid);
  keep_words(found.ghosts + found.count, counted_from(first), near);
  keep_words(found.types + found.count, load_words(type + first), near);
  found.count += __builtin_popcount(near);
}

// Writes those of a species other than `self` to `out`; returns how many.
ELYTE_INLINE std::int32_t keep_species(const Found& found, int species, std::int32_t self,
                                       std::int32_t* out) {
  std::int32_t count = 0;
  for (std::int32_t k = 0; k < found.count; k += WORDS) {
    const Words ghosts = load_words(found.ghosts + k), types = load_words(found.types + k);
    const Lanes kept = lanes_equal(types, species) & ~lanes_equal(ghosts, self) &
                       first_lanes<WORDS>(found.count - k);
    keep_words(out + count, ghosts, kept);
    count += __builtin_popcount(kept);
  }
  return count;
}

// See Kernel::list_neighbours.
void list_neighbours(const Search& search, std::int32_t self, const Piece* pieces,
                     int pieces_count, std::int32_t* out, std::int32_t* ends) {
  const GhostPositions at = search.at;
  const std::int32_t* type = search.type;
  const float limit2 = search.limit2;
  const float x0 = at.x[self], y0 = at.y[self], z0 = at.z[self];
  Found found{search.found_ghosts, search.found_types, 0};
  for (int piece = 0; piece < pieces_count; ++piece)
    for (std::int32_t ghost = pieces[piece].begin; ghost < pieces[piece].end; ghost += WORDS) {
      const Narrow dx = load_narrow(at.x + ghost) - x0, dy = load_narrow(at.y + ghost) - y0;
      const Narrow dz = load_narrow(at.z + ghost) - z0;
      keep_near(dx * dx + dy * dy + dz * dz, limit2, ghost, pieces[piece].end - ghost, type,
                found);
    }
  std::int32_t count = 0;
  for (int species = 0; species < search.species_count; ++species) {
    count += keep_species(found, species, self, out + count);
    ends[species] = count;
  }
}

}  // namespace
}  // namespace elyte::mtp
