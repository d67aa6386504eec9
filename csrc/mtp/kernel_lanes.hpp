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

// 1/√v to about the last bit.
ELYTE_INLINE Vec inverse_square_root(Vec v) {
#if defined(__AVX512F__)
  Vec y = _mm512_rsqrt14_pd(v);  // and two steps of Newton's method: 14, 28, 56 bits
  for (int step = 0; step < 2; ++step) y += y * (0.5 - 0.5 * v * y * y);
  return y;
#else
  return 1.0 / square_root(v);
#endif
}

typedef double Quad __attribute__((vector_size(32), may_alias));

ELYTE_INLINE Quad load_quad(const double* p) { return *reinterpret_cast<const Quad*>(p); }
ELYTE_INLINE void store_quad(double* p, Quad v) { *reinterpret_cast<Quad*>(p) = v; }

// x, y, z of the rows of `table`, (…, 4), that `index` names: one row per lane.
ELYTE_INLINE void load_rows(const double* table, const std::int32_t* index, Vec& x, Vec& y,
                            Vec& z) {
#if defined(__AVX512F__)
  Vec pair[4];  // rows k and k + 4
  for (int k = 0; k < 4; ++k)
    pair[k] = _mm512_insertf64x4(_mm512_castpd256_pd512(load_quad(table + 4 * index[k])),
                                 load_quad(table + 4 * index[k + 4]), 1);
  const Vec xz01 = _mm512_unpacklo_pd(pair[0], pair[1]), y01 = _mm512_unpackhi_pd(pair[0], pair[1]);
  const Vec xz23 = _mm512_unpacklo_pd(pair[2], pair[3]), y23 = _mm512_unpackhi_pd(pair[2], pair[3]);
  const Mask low{0, 1, 8, 9, 4, 5, 12, 13}, high{2, 3, 10, 11, 6, 7, 14, 15};
  x = __builtin_shuffle(xz01, xz23, low);
  y = __builtin_shuffle(y01, y23, low);
  z = __builtin_shuffle(xz01, xz23, high);
#elif defined(__AVX2__)
  Vec row[4];
  for (int k = 0; k < 4; ++k) row[k] = load_quad(table + 4 * index[k]);
  const Vec xz01 = _mm256_unpacklo_pd(row[0], row[1]), y01 = _mm256_unpackhi_pd(row[0], row[1]);
  const Vec xz23 = _mm256_unpacklo_pd(row[2], row[3]), y23 = _mm256_unpackhi_pd(row[2], row[3]);
  x = _mm256_permute2f128_pd(xz01, xz23, 0x20);
  y = _mm256_permute2f128_pd(y01, y23, 0x20);
  z = _mm256_permute2f128_pd(xz01, xz23, 0x31);
#else
  for (int lane = 0; lane < LANES; ++lane) {
    const double* row = table + 4 * index[lane];
    x[lane] = row[0], y[lane] = row[1], z[lane] = row[2];
  }
#endif
}

// The other way round: one row (x, y, z, 0) per lane, one after the other.
ELYTE_INLINE void store_rows(double* rows, Vec x, Vec y, Vec z) {
#if defined(__AVX512F__)
  const Vec none{};
  const Vec xy_even = _mm512_unpacklo_pd(x, y), xy_odd = _mm512_unpackhi_pd(x, y);
  const Vec z_even = _mm512_unpacklo_pd(z, none), z_odd = _mm512_unpackhi_pd(z, none);
  const Mask low{0, 1, 8, 9, 4, 5, 12, 13}, high{2, 3, 10, 11, 6, 7, 14, 15};
  const Vec pair[4] = {
      __builtin_shuffle(xy_even, z_even, low), __builtin_shuffle(xy_odd, z_odd, low),
      __builtin_shuffle(xy_even, z_even, high), __builtin_shuffle(xy_odd, z_odd, high)};
  for (int k = 0; k < 4; ++k) {
    store_quad(rows + 4 * k, _mm512_castpd512_pd256(pair[k]));
    store_quad(rows + 4 * (k + 4), _mm512_extractf64x4_pd(pair[k], 1));
  }
#elif defined(__AVX2__)
  const Vec none{};
  const Vec xy02 = _mm256_unpacklo_pd(x, y), xy13 = _mm256_unpackhi_pd(x, y);
  const Vec z02 = _mm256_unpacklo_pd(z, none), z13 = _mm256_unpackhi_pd(z, none);
  store_quad(rows, _mm256_permute2f128_pd(xy02, z02, 0x20));
  store_quad(rows + 4, _mm256_permute2f128_pd(xy13, z13, 0x20));
  store_quad(rows + 8, _mm256_permute2f128_pd(xy02, z02, 0x31));
  store_quad(rows + 12, _mm256_permute2f128_pd(xy13, z13, 0x31));
#else
  for (int lane = 0; lane < LANES; ++lane) {
    double* row = rows + 4 * lane;
    row[0] = x[lane], row[1] = y[lane], row[2] = z[lane], row[3] = 0;
  }
#endif
}

// Writes the lanes k < valid with r2 < limit of the five, one after the other from `count` on;
// returns the count after them. May write LANES entries, whatever their number.
ELYTE_INLINE int keep_near(Vec x, Vec y, Vec z, Vec r2, const std::int32_t* index, int valid,
                           double limit, double* to_x, double* to_y, double* to_z, double* to_r2,
                           std::int32_t* to_index, int count) {
#if defined(__AVX512F__)
  const auto near = static_cast<__mmask8>(_mm512_cmp_pd_mask(r2, _mm512_set1_pd(limit), _CMP_LT_OQ) &
                                          (valid >= LANES ? 0xff : (1 << valid) - 1));
  store_unaligned(to_x + count, _mm512_maskz_compress_pd(near, x));
  store_unaligned(to_y + count, _mm512_maskz_compress_pd(near, y));
  store_unaligned(to_z + count, _mm512_maskz_compress_pd(near, z));
  store_unaligned(to_r2 + count, _mm512_maskz_compress_pd(near, r2));
  const __m256i packed = _mm256_maskz_compress_epi32(
      near, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index)));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to_index + count), packed);
  return count + __builtin_popcount(near);
#else
  for (int lane = 0; lane < LANES && lane < valid; ++lane) {
    to_x[count] = x[lane], to_y[count] = y[lane], to_z[count] = z[lane];
    to_r2[count] = r2[lane], to_index[count] = index[lane];
    count += r2[lane] < limit;
  }
  return count;
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
