// Vectors for the instruction set and the precision this file is compiled for. Included by
// kernel_body.hpp only; everything is internal to the including file.
#pragma once

#include <cstdint>
#include <utility>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

#if defined(ELYTE_SINGLE)
using Real = float;
#else
using Real = double;
#endif

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64;
#elif defined(__AVX2__)
constexpr int VECTOR_BYTES = 32;
#else
constexpr int VECTOR_BYTES = 16;
#endif
constexpr int LANES = VECTOR_BYTES / sizeof(Real);
constexpr int WIDE = VECTOR_BYTES / sizeof(double);  // lanes of a vector of doubles
constexpr int PARTS = LANES / WIDE;                  // vectors of doubles that hold one Vec

// Vec is what the kernel computes with; Wide is for differences of positions and for sums.
typedef Real Vec __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef Real VecUnaligned __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(Real)), may_alias));
typedef double Wide __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef double WideUnaligned __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));

#define ELYTE_INLINE inline __attribute__((always_inline))

ELYTE_INLINE Vec load(const Real* p) { return *reinterpret_cast<const Vec*>(p); }
ELYTE_INLINE void store(Real* p, Vec v) { *reinterpret_cast<Vec*>(p) = v; }
ELYTE_INLINE Vec load_unaligned(const Real* p) {
  return *reinterpret_cast<const VecUnaligned*>(p);
}
ELYTE_INLINE Wide load_wide(const double* p) { return *reinterpret_cast<const WideUnaligned*>(p); }
ELYTE_INLINE void store_unaligned(Real* p, Vec v) { *reinterpret_cast<VecUnaligned*>(p) = v; }
ELYTE_INLINE Vec all(Real x) { return x - Vec{}; }
ELYTE_INLINE Wide all_wide(double x) { return x - Wide{}; }

// Lanes part · WIDE … of v in double precision.
ELYTE_INLINE Wide widen(Vec v, [[maybe_unused]] int part) {
#if !defined(ELYTE_SINGLE)
  return v;
#elif defined(__AVX512F__)
  return _mm512_cvtps_pd(part == 0 ? _mm512_castps512_ps256(v) : _mm512_extractf32x8_ps(v, 1));
#elif defined(__AVX2__)
  return _mm256_cvtps_pd(part == 0 ? _mm256_castps256_ps128(v) : _mm256_extractf128_ps(v, 1));
#else
  return Wide{static_cast<double>(v[2 * part]), static_cast<double>(v[2 * part + 1])};
#endif
}

// The other way round.
ELYTE_INLINE Vec narrow(const Wide* parts) {
#if !defined(ELYTE_SINGLE)
  return parts[0];
#elif defined(__AVX512F__)
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(parts[0])),
                            _mm512_cvtpd_ps(parts[1]), 1);
#elif defined(__AVX2__)
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(parts[0])),
                              _mm256_cvtpd_ps(parts[1]), 1);
#else
  return Vec{static_cast<Real>(parts[0][0]), static_cast<Real>(parts[0][1]),
             static_cast<Real>(parts[1][0]), static_cast<Real>(parts[1][1])};
#endif
}

ELYTE_INLINE Vec square_root(Vec v) {
#if defined(__AVX512F__) && defined(ELYTE_SINGLE)
  return _mm512_sqrt_ps(v);
#elif defined(__AVX512F__)
  return _mm512_sqrt_pd(v);
#elif defined(__AVX2__) && defined(ELYTE_SINGLE)
  return _mm256_sqrt_ps(v);
#elif defined(__AVX2__)
  return _mm256_sqrt_pd(v);
#else
  for (int lane = 0; lane < LANES; ++lane) v[lane] = static_cast<Real>(__builtin_sqrt(v[lane]));
  return v;
#endif
}

// The first `count` lanes of v, or all if there are fewer, as doubles.
ELYTE_INLINE void store_doubles(double* to, Vec v, int count) {
  if (count < LANES) {
    for (int lane = 0; lane < count; ++lane) to[lane] = v[lane];
    return;
  }
  for (int part = 0; part < PARTS; ++part)
    *reinterpret_cast<WideUnaligned*>(to + part * WIDE) = widen(v, part);
}

// 1/√v to about the last bit.
ELYTE_INLINE Vec inverse_square_root(Vec v) {
#if defined(__AVX512F__) && defined(ELYTE_SINGLE)
  const Vec y = _mm512_rsqrt14_ps(v);  // and a step of Newton's method: 14, 28 bits
  return y + y * (0.5f - 0.5f * v * y * y);
#elif defined(__AVX512F__)
  Vec y = _mm512_rsqrt14_pd(v);  // and two steps of Newton's method: 14, 28, 56 bits
  for (int step = 0; step < 2; ++step) y += y * (0.5 - 0.5 * v * y * y);
  return y;
#else
  return all(1) / square_root(v);
#endif
}

// a b + c, rounded once. (Where c is a product too, the compiler could fuse that one instead.)
ELYTE_INLINE Vec fused(Vec a, Vec b, Vec c) {
#if !defined(ELYTE_SINGLE)
  return a * b + c;
#elif defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX2__)
  return _mm256_fmadd_ps(a, b, c);
#else
  Wide parts[PARTS];
  for (int part = 0; part < PARTS; ++part)
    parts[part] = widen(a, part) * widen(b, part) + widen(c, part);
  return narrow(parts);
#endif
}

typedef double Quad __attribute__((vector_size(32), may_alias));

ELYTE_INLINE Quad load_quad(const double* p) { return *reinterpret_cast<const Quad*>(p); }
ELYTE_INLINE void store_quad(double* p, Quad v) { *reinterpret_cast<Quad*>(p) = v; }

// `width` lanes of a, `width` of b, and so on: the first half of each 2·width of both, or the second.
template <int width, bool second, int... lane>
ELYTE_INLINE Vec halves(Vec a, Vec b, std::integer_sequence<int, lane...>) {
  constexpr int from = second ? width : 0;
  return __builtin_shufflevector(
      a, b, (lane / width % 2 == 0 ? lane + from : LANES + lane - width + from)...);
}

// Lane k of the result is the sum of all lanes of rows[k].
template <int width = 1>
ELYTE_INLINE Vec sums_of_rows(const Vec* rows) {
  if constexpr (width == LANES) {
    return rows[0];
  } else {
    using Each = std::make_integer_sequence<int, LANES>;
    Vec pairs[LANES / (2 * width)];
    for (int k = 0; k < LANES / (2 * width); ++k)
      pairs[k] = halves<width, false>(rows[2 * k], rows[2 * k + 1], Each{}) +
                 halves<width, true>(rows[2 * k], rows[2 * k + 1], Each{});
    return sums_of_rows<2 * width>(pairs);
  }
}

// Lane k of row l becomes lane l of row k.
template <int width = 1>
ELYTE_INLINE void transpose(Vec* rows) {
  if constexpr (width < LANES) {
    using Each = std::make_integer_sequence<int, LANES>;
    for (int k = 0; k < LANES; ++k) {
      if (k & width) continue;
      const Vec a = rows[k], b = rows[k + width];
      rows[k] = halves<width, false>(a, b, Each{});
      rows[k + width] = halves<width, true>(a, b, Each{});
    }
    transpose<2 * width>(rows);
  }
}

typedef std::int64_t Lanes64 __attribute__((vector_size(VECTOR_BYTES)));

// x, y, z of the rows of `table`, (…, 4), that `index` names: one row per lane.
ELYTE_INLINE void load_rows(const double* table, const std::int32_t* index, Wide& x, Wide& y,
                            Wide& z) {
#if defined(__AVX512F__)
  Wide pair[4];  // rows k and k + 4
  for (int k = 0; k < 4; ++k)
    pair[k] = _mm512_insertf64x4(_mm512_castpd256_pd512(load_quad(table + 4 * index[k])),
                                 load_quad(table + 4 * index[k + 4]), 1);
  const Wide xz01 = _mm512_unpacklo_pd(pair[0], pair[1]), y01 = _mm512_unpackhi_pd(pair[0], pair[1]);
  const Wide xz23 = _mm512_unpacklo_pd(pair[2], pair[3]), y23 = _mm512_unpackhi_pd(pair[2], pair[3]);
  const Lanes64 low{0, 1, 8, 9, 4, 5, 12, 13}, high{2, 3, 10, 11, 6, 7, 14, 15};
  x = __builtin_shuffle(xz01, xz23, low);
  y = __builtin_shuffle(y01, y23, low);
  z = __builtin_shuffle(xz01, xz23, high);
#elif defined(__AVX2__)
  Wide row[4];
  for (int k = 0; k < 4; ++k) row[k] = load_quad(table + 4 * index[k]);
  const Wide xz01 = _mm256_unpacklo_pd(row[0], row[1]), y01 = _mm256_unpackhi_pd(row[0], row[1]);
  const Wide xz23 = _mm256_unpacklo_pd(row[2], row[3]), y23 = _mm256_unpackhi_pd(row[2], row[3]);
  x = _mm256_permute2f128_pd(xz01, xz23, 0x20);
  y = _mm256_permute2f128_pd(y01, y23, 0x20);
  z = _mm256_permute2f128_pd(xz01, xz23, 0x31);
#else
  for (int lane = 0; lane < WIDE; ++lane) {
    const double* row = table + 4 * index[lane];
    x[lane] = row[0], y[lane] = row[1], z[lane] = row[2];
  }
#endif
}

// The other way round: one row (x, y, z, 0) per lane, one after the other.
ELYTE_INLINE void store_rows(double* rows, Wide x, Wide y, Wide z) {
#if defined(__AVX512F__)
  const Wide none{};
  const Wide xy_even = _mm512_unpacklo_pd(x, y), xy_odd = _mm512_unpackhi_pd(x, y);
  const Wide z_even = _mm512_unpacklo_pd(z, none), z_odd = _mm512_unpackhi_pd(z, none);
  const Lanes64 low{0, 1, 8, 9, 4, 5, 12, 13}, high{2, 3, 10, 11, 6, 7, 14, 15};
  const Wide pair[4] = {
      __builtin_shuffle(xy_even, z_even, low), __builtin_shuffle(xy_odd, z_odd, low),
      __builtin_shuffle(xy_even, z_even, high), __builtin_shuffle(xy_odd, z_odd, high)};
  for (int k = 0; k < 4; ++k) {
    store_quad(rows + 4 * k, _mm512_castpd512_pd256(pair[k]));
    store_quad(rows + 4 * (k + 4), _mm512_extractf64x4_pd(pair[k], 1));
  }
#elif defined(__AVX2__)
  const Wide none{};
  const Wide xy02 = _mm256_unpacklo_pd(x, y), xy13 = _mm256_unpackhi_pd(x, y);
  const Wide z02 = _mm256_unpacklo_pd(z, none), z13 = _mm256_unpackhi_pd(z, none);
  store_quad(rows, _mm256_permute2f128_pd(xy02, z02, 0x20));
  store_quad(rows + 4, _mm256_permute2f128_pd(xy13, z13, 0x20));
  store_quad(rows + 8, _mm256_permute2f128_pd(xy02, z02, 0x31));
  store_quad(rows + 12, _mm256_permute2f128_pd(xy13, z13, 0x31));
#else
  for (int lane = 0; lane < WIDE; ++lane) {
    double* row = rows + 4 * lane;
    row[0] = x[lane], row[1] = y[lane], row[2] = z[lane], row[3] = 0;
  }
#endif
}

ELYTE_INLINE double sum_of(Wide v) {
  double sum = 0;
  for (int lane = 0; lane < WIDE; ++lane) sum += v[lane];
  return sum;
}

}  // namespace
