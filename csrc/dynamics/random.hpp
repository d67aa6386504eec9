// Random numbers whose whole state can be stored, so that a run resumes bit for bit.
//
// xoshiro256++ (Blackman and Vigna, doi:10.1145/3460772), seeded by splitmix64.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace elyte::dynamics {

class Random {
 public:
  static constexpr int WORDS = 6;
  using Words = std::array<std::uint64_t, WORDS>;

  explicit Random(std::uint64_t seed = 0) {
    for (auto& word : s_) {
      seed += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      word = z ^ (z >> 31);
    }
  }

  Words words() const {
    Words w{s_[0], s_[1], s_[2], s_[3], has_spare_ ? 1u : 0u, 0};
    std::memcpy(&w[5], &spare_, sizeof spare_);
    return w;
  }

  void set_words(const Words& w) {
    for (int i = 0; i < 4; ++i) s_[i] = w[i];
    has_spare_ = w[4] != 0;
    std::memcpy(&spare_, &w[5], sizeof spare_);
  }

  // Uniform in (0, 1).
  double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1.0p-53; }

  // Standard normal, by Marsaglia's polar method (two at a time; the spare one is state).
  double normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    double a, b, r;
    do {
      a = 2 * uniform() - 1;
      b = 2 * uniform() - 1;
      r = a * a + b * b;
    } while (r >= 1 || r == 0);
    const double factor = std::sqrt(-2 * std::log(r) / r);
    spare_ = b * factor;
    has_spare_ = true;
    return a * factor;
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

  std::array<std::uint64_t, 4> s_{};
  bool has_spare_ = false;
  double spare_ = 0;
};

}  // namespace elyte::dynamics
