// Vectors of doubles for the instruction set this file is compiled for. Included by
// kernel_body.hpp only; everything is internal to the including file.
#pragma once

#include <cstdint>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int LANES = 8;
#elif defined(__AVX2__)
constexpr int LANES = 4;
#else
constexpr int LANES = 2;
#endif

typedef double Vec __attribute__((vector_size(8 * LANES), may_alias));
typedef double VecUnaligned __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef std::int64_t Mask __attribute__((vector_size(8 * LANES)));

#define ELYTE_INLINE inline __attribute__((always_inline))

ELYTE_INLINE Vec load(const double* p) { return *reinterpret_cast<const Vec*>(p); }
ELYTE_INLINE void store(double* p, Vec v) { *reinterpret_cast<Vec*>(p) = v; }
ELYTE_INLINE Vec load_unaligned(const double* p) {
  return *reinterpret_cast<const VecUnaligned*>(p);
}
ELYTE_INLINE void store_unaligned(double* p, Vec v) { *reinterpret_cast<VecUnaligned*>(p) = v; }
ELYTE_INLINE Vec all(double x) { return x - Vec{}; }

ELYTE_INLINE Vec square_root(Vec v) {
#if defined(__AVX512F__)
  return _mm512_sqrt_pd(v);
#elif defined(__AVX2__)
  return _mm256_sqrt_pd(v);
#else
  for (int lane = 0; lane < LANES; ++lane) v[lane] = __builtin_sqrt(v[lane]);
  return v;
#endif
}

// Lane k of the result is the sum of all lanes of rows[k].
ELYTE_INLINE Vec sums_of_rows(const Vec* rows) {
#if defined(__AVX512F__)
  const Mask even{0, 8, 2, 10, 4, 12, 6, 14}, odd{1, 9, 3, 11, 5, 13, 7, 15};
  const Mask low{0, 1, 8, 9, 4, 5, 12, 13}, high{2, 3, 10, 11, 6, 7, 14, 15};
  Vec pair[4], four[2];
  for (int k = 0; k < 4; ++k)
    pair[k] = __builtin_shuffle(rows[2 * k], rows[2 * k + 1], even) +
              __builtin_shuffle(rows[2 * k], rows[2 * k + 1], odd);
  for (int k = 0; k < 2; ++k)
    four[k] = __builtin_shuffle(pair[2 * k], pair[2 * k + 1], low) +
              __builtin_shuffle(pair[2 * k], pair[2 * k + 1], high);
  return __builtin_shuffle(four[0], four[1], Mask{0, 1, 2, 3, 8, 9, 10, 11}) +
         __builtin_shuffle(four[0], four[1], Mask{4, 5, 6, 7, 12, 13, 14, 15});
#elif defined(__AVX2__)
  Vec pair[2];
  for (int k = 0; k < 2; ++k)
    pair[k] = __builtin_shuffle(rows[2 * k], rows[2 * k + 1], Mask{0, 4, 2, 6}) +
              __builtin_shuffle(rows[2 * k], rows[2 * k + 1], Mask{1, 5, 3, 7});
  return __builtin_shuffle(pair[0], pair[1], Mask{0, 1, 4, 5}) +
         __builtin_shuffle(pair[0], pair[1], Mask{2, 3, 6, 7});
#else
  return __builtin_shuffle(rows[0], rows[1], Mask{0, 2}) +
         __builtin_shuffle(rows[0], rows[1], Mask{1, 3});
#endif
}

ELYTE_INLINE double sum_of(Vec v) {
  double sum = 0;
  for (int lane = 0; lane < LANES; ++lane) sum += v[lane];
  return sum;
}

}  // namespace
