// Random numbers whose whole state can be stored, so that a run resumes bit for bit.
//
// xoshiro256++ (Blackman and Vigna, doi:10.1145/3460772), seeded by splitmix64.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "dynamics/ziggurat.hpp"

namespace elyte::dynamics {

class Random {
 public:
  using Words = std::array<std::uint64_t, 4>;

  explicit Random(std::uint64_t seed = 0) {
    for (auto& word : s_) {
      seed += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }

  const Words& words() const { return s_; }
  void set_words(const Words& words) { s_ = words; }

  // Uniform in (0, 1).
  double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1.0p-53; }

  // Standard normal: a layer and a place in it, of separate bits of one number. What is inside the
  // layer above is under the curve for sure, 99 times of 100.
  double normal() {
    while (true) {
      const std::uint64_t bits = next();
      const std::size_t layer = bits % Ziggurat::LAYERS;
      const double place = static_cast<double>(static_cast<std::int64_t>(bits) >> 11) * 0x1.0p-52;
      const double x = place * ZIGGURAT.edge[layer];
      if (std::abs(x) < ZIGGURAT.edge[layer + 1]) return x;
      if (layer == 0) return std::copysign(tail(), x);
      const double low = ZIGGURAT.height[layer], high = ZIGGURAT.height[layer + 1];
      if (low + uniform() * (high - low) < Ziggurat::curve(x)) return x;
    }
  }

  // Gamma with the given shape and scale 1 (Marsaglia and Tsang, doi:10.1145/358407.358414).
  double gamma(double shape) {
    if (shape < 1) return gamma(shape + 1) * std::pow(uniform(), 1 / shape);
    const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    while (true) {
      const double z = normal(), t = 1 + c * z;
      if (t <= 0) continue;
      const double v = t * t * t;
      if (std::log(uniform()) < 0.5 * z * z + d - d * v + d * std::log(v)) return d * v;
    }
  }

  // Sum of the squares of k standard normals.
  double chi_squared(double k) { return k > 0 ? 2 * gamma(k / 2) : 0; }

 private:
  // A normal number beyond R (Marsaglia and Tsang).
  double tail() {
    double beyond, height;
    do {
      beyond = -std::log(uniform()) / Ziggurat::R;
      height = -std::log(uniform());
    } while (2 * height < beyond * beyond);
    return Ziggurat::R + beyond;
  }

  static std::uint64_t rotate(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

  std::uint64_t next() {
    const std::uint64_t result = rotate(s_[0] + s_[3], 23) + s_[0];
    const std::uint64_t t = s_[1] << 17;
    s_[2] ^= s_[0];
    s_[3] ^= s_[1];
    s_[1] ^= s_[2];
    s_[0] ^= s_[3];
    s_[2] ^= t;
    s_[3] = rotate(s_[3], 45);
    return result;
  }

  Words s_{};
};

}  // namespace elyte::dynamics
