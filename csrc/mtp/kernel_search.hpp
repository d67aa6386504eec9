// The innermost loop of the search for neighbours.
// Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel_lanes.hpp"

namespace elyte::mtp {
namespace {

// Writes first + lane for the lanes < valid with r2 < limit, one after the other from `count` on;
// returns the count after them. May write WIDE entries, whatever their number.
ELYTE_INLINE std::int32_t keep_lanes(Wide r2, double limit, std::int32_t first, int valid,
                                     std::int32_t* found, std::int32_t count) {
#if defined(__AVX512F__)
  const auto near = static_cast<__mmask8>(_mm512_cmp_pd_mask(r2, _mm512_set1_pd(limit), _CMP_LT_OQ) &
                                          (valid >= WIDE ? 0xff : (1 << valid) - 1));
  const __m256i lanes = _mm256_add_epi32(_mm256_set1_epi32(first), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(found + count),
                      _mm256_maskz_compress_epi32(near, lanes));
  return count + __builtin_popcount(near);
#else
  for (int lane = 0; lane < WIDE && lane < valid; ++lane) {
    found[count] = first + lane;
    count += r2[lane] < limit;
  }
  return count;
#endif
}

std::int32_t near_slots(const double* x, const double* y, const double* z, const double* point,
                        std::int32_t begin, std::int32_t end, double cutoff2, std::int32_t* found) {
  const Wide x0 = all_wide(point[0]), y0 = all_wide(point[1]), z0 = all_wide(point[2]);
  std::int32_t count = 0;
  for (std::int32_t slot = begin; slot < end; slot += WIDE) {
    const Wide dx = load_wide(x + slot) - x0, dy = load_wide(y + slot) - y0;
    const Wide dz = load_wide(z + slot) - z0;
    count = keep_lanes(dx * dx + dy * dy + dz * dz, cutoff2, slot, end - slot, found, count);
  }
  return count;
}

}  // namespace
}  // namespace elyte::mtp
