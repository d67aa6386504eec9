// Sets of lanes, and putting down what they name side by side. (Without branches, which would often be
// mispredicted.) Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel_lanes.hpp"

namespace elyte::mtp {
namespace {

constexpr int WORDS = VECTOR_BYTES / 4;  // of 32 bits, in a vector
typedef std::int32_t Words __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef std::int32_t WordsUnaligned
    __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));

typedef float Narrow __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef float NarrowUnaligned __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));

ELYTE_INLINE Words load_words(const std::int32_t* p) {
  return *reinterpret_cast<const WordsUnaligned*>(p);
}

ELYTE_INLINE Narrow load_narrow(const float* p) {
  return *reinterpret_cast<const NarrowUnaligned*>(p);
}

// first, first + 1, …
ELYTE_INLINE Words counted_from(std::int32_t first) {
  alignas(64) static constexpr std::int32_t count[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                         8, 9, 10, 11, 12, 13, 14, 15};
  return load_words(count) + first;
}

// A set of lanes, one bit for each.
typedef std::uint32_t Lanes;

template <int of>
ELYTE_INLINE Lanes first_lanes(int count) {
  return (1u << (count < of ? count : of)) - 1;
}

// Lanes with v < limit, or v = value. (Vectors of any instruction set can be compared without
// intrinsics, but the compiler makes sets of the result in a roundabout way.)
ELYTE_INLINE Lanes lanes_below(Narrow v, float limit) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask(v, _mm512_set1_ps(limit), _CMP_LT_OQ);
#elif defined(__AVX2__)
  return static_cast<Lanes>(_mm256_movemask_ps(_mm256_cmp_ps(v, _mm256_set1_ps(limit), _CMP_LT_OQ)));
#elif defined(__SSE2__)
  return static_cast<Lanes>(_mm_movemask_ps(_mm_cmplt_ps(v, _mm_set1_ps(limit))));
#else
  Lanes below = 0;
  for (int lane = 0; lane < WORDS; ++lane) below |= static_cast<Lanes>(v[lane] < limit) << lane;
  return below;
#endif
}

#if !defined(ELYTE_SINGLE)
ELYTE_INLINE Lanes lanes_below(Vec v, double limit) {
#if defined(__AVX512F__)
  return _mm512_cmp_pd_mask(v, _mm512_set1_pd(limit), _CMP_LT_OQ);
#elif defined(__AVX2__)
  return static_cast<Lanes>(_mm256_movemask_pd(_mm256_cmp_pd(v, _mm256_set1_pd(limit), _CMP_LT_OQ)));
#else
  Lanes below = 0;
  for (int lane = 0; lane < LANES; ++lane) below |= static_cast<Lanes>(v[lane] < limit) << lane;
  return below;
#endif
}
#endif

ELYTE_INLINE Lanes lanes_equal(Words v, std::int32_t value) {
#if defined(__AVX512F__)
  return _mm512_cmpeq_epi32_mask(reinterpret_cast<__m512i>(v), _mm512_set1_epi32(value));
#elif defined(__AVX2__)
  const __m256i equal =
      _mm256_cmpeq_epi32(reinterpret_cast<__m256i>(v), _mm256_set1_epi32(value));
  return static_cast<Lanes>(_mm256_movemask_ps(_mm256_castsi256_ps(equal)));
#elif defined(__SSE2__)
  const __m128i equal = _mm_cmpeq_epi32(reinterpret_cast<__m128i>(v), _mm_set1_epi32(value));
  return static_cast<Lanes>(_mm_movemask_ps(_mm_castsi128_ps(equal)));
#else
  Lanes equal = 0;
  for (int lane = 0; lane < WORDS; ++lane) equal |= static_cast<Lanes>(v[lane] == value) << lane;
  return equal;
#endif
}

#if defined(__AVX2__) && !defined(__AVX512F__)
// For each set of eight lanes which ones it has, one byte for each.
struct Places {
  std::uint64_t of[256];
};
constexpr Places places_of_lanes() {
  Places places{};
  for (int set = 0; set < 256; ++set)
    for (int lane = 0, count = 0; lane < 8; ++lane)
      if (set >> lane & 1) places.of[set] |= static_cast<std::uint64_t>(lane) << 8 * count++;
  return places;
}
constexpr Places PLACES = places_of_lanes();
#endif

// Put these words down, one after the other. May write WORDS of them, whatever their number.
ELYTE_INLINE void keep_words(std::int32_t* to, Words v, Lanes lanes) {
#if defined(__AVX512F__)
  const auto set = static_cast<__mmask16>(lanes);
  _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(set, reinterpret_cast<__m512i>(v)));
#elif defined(__AVX2__)
  const auto packed = static_cast<long long>(PLACES.of[lanes]);
  const __m256i places = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(packed));
  const __m256i kept = _mm256_permutevar8x32_epi32(reinterpret_cast<__m256i>(v), places);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), kept);
#else
#pragma GCC unroll 4
  for (int lane = 0; lane < WORDS; ++lane) {
    *to = v[lane];
    to += lanes >> lane & 1;
  }
#endif
}

// The same for numbers in the precision of the kernel.
ELYTE_INLINE void keep(Real* to, Vec v, Lanes lanes) {
#if defined(ELYTE_SINGLE)
  keep_words(reinterpret_cast<std::int32_t*>(to), reinterpret_cast<Words>(v), lanes);
#elif defined(__AVX512F__)
  store_unaligned(to, _mm512_maskz_compress_pd(static_cast<__mmask8>(lanes), v));
#elif defined(__AVX2__)
  // two words for each lane
  const Lanes words = (lanes & 1) * 3 | (lanes & 2) * 6 | (lanes & 4) * 12 | (lanes & 8) * 24;
  keep_words(reinterpret_cast<std::int32_t*>(to), reinterpret_cast<Words>(v), words);
#else
  for (int lane = 0; lane < LANES; ++lane) {
    *to = v[lane];
    to += lanes >> lane & 1;
  }
#endif
}

}  // namespace
}  // namespace elyte::mtp
