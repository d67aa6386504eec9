// The innermost loops of the search for neighbours.
// Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "ghosts.hpp"
#include "mtp/kernel_lanes.hpp"

namespace elyte::mtp {
namespace {

constexpr int NARROW = VECTOR_BYTES / sizeof(float);  // lanes of a vector of floats
typedef float Narrow __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef float NarrowUnaligned __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));

ELYTE_INLINE Narrow load_narrow(const float* p) {
  return *reinterpret_cast<const NarrowUnaligned*>(p);
}

#if defined(__AVX512F__)
// The first `valid` lanes, or all if there are fewer.
ELYTE_INLINE unsigned first_narrow(int valid) {
  return (1u << (valid < NARROW ? valid : NARROW)) - 1;
}
#endif

// What is found: ghosts and their species, side by side.
struct Found {
  std::int32_t *ghosts, *types;
  std::int32_t count;
};

// Adds the ghosts first + lane for the lanes < valid with r2 < limit. May write NARROW entries,
// whatever their number. (Without a branch, which would often be mispredicted.)
ELYTE_INLINE void keep_lanes(Narrow r2, float limit, std::int32_t first, int valid,
                             const std::int32_t* type, Found& found) {
#if defined(__AVX512F__)
  const auto near =
      static_cast<__mmask16>(_mm512_cmp_ps_mask(r2, _mm512_set1_ps(limit), _CMP_LT_OQ) &
                             first_narrow(valid));
  const __m512i lanes = _mm512_add_epi32(
      _mm512_set1_epi32(first),
      _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  _mm512_storeu_si512(found.ghosts + found.count, _mm512_maskz_compress_epi32(near, lanes));
  _mm512_storeu_si512(found.types + found.count,
                      _mm512_maskz_compress_epi32(near, _mm512_loadu_si512(type + first)));
  found.count += __builtin_popcount(near);
#else
  for (int lane = 0; lane < NARROW && lane < valid; ++lane) {
    found.ghosts[found.count] = first + lane;
    found.types[found.count] = type[first + lane];
    found.count += r2[lane] < limit;
  }
#endif
}

// Writes those of a species other than `self` to `out`; returns how many. May write 16 more.
ELYTE_INLINE std::int32_t keep_species(const Found& found, int species, std::int32_t self,
                                       std::int32_t* out) {
  std::int32_t count = 0;
#if defined(__AVX512F__)
  for (std::int32_t k = 0; k < found.count; k += NARROW) {
    const __m512i ghosts = _mm512_loadu_si512(found.ghosts + k);
    const auto kept = static_cast<__mmask16>(
        _mm512_cmpeq_epi32_mask(_mm512_loadu_si512(found.types + k), _mm512_set1_epi32(species)) &
        _mm512_cmpneq_epi32_mask(ghosts, _mm512_set1_epi32(self)) &
        first_narrow(found.count - k));
    _mm512_storeu_si512(out + count, _mm512_maskz_compress_epi32(kept, ghosts));
    count += __builtin_popcount(kept);
  }
#else
  for (std::int32_t k = 0; k < found.count; ++k) {
    out[count] = found.ghosts[k];
    count += (found.types[k] == species) & (found.ghosts[k] != self);
  }
#endif
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
    for (std::int32_t ghost = pieces[piece].begin; ghost < pieces[piece].end; ghost += NARROW) {
      const Narrow dx = load_narrow(at.x + ghost) - x0, dy = load_narrow(at.y + ghost) - y0;
      const Narrow dz = load_narrow(at.z + ghost) - z0;
      keep_lanes(dx * dx + dy * dy + dz * dz, limit2, ghost, pieces[piece].end - ghost, type,
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
