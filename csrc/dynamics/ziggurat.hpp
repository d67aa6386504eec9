// Layers under the curve of the normal distribution.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

namespace elyte::dynamics {

// The area under f(x) = exp(−x²/2), x ≥ 0, in layers of equal area V: the lowest one is the rectangle
// up to R and the tail beyond, layer i lies between f(x_i) and f(x_{i+1}) and reaches to x_i at its
// foot (Marsaglia and Tsang, doi:10.18637/jss.v005.i08). R is such that so many layers fill it.
struct Ziggurat {
  static constexpr int LAYERS = 256;
  static constexpr double R = 3.654152885361009;
  // edge[i] = x_i; edge[0] = V/f(R), the width of a rectangle as large as the lowest layer;
  // edge[LAYERS] = 0.
  std::array<double, LAYERS + 1> edge, height;

  static double curve(double x) { return std::exp(-0.5 * x * x); }

  Ziggurat() : edge{}, height{} {
    const double area = R * curve(R) + std::sqrt(std::acos(0.0)) * std::erfc(R / std::sqrt(2.0));
    edge[0] = area / curve(R);
    edge[1] = R;
    for (std::size_t i = 2; i < LAYERS; ++i)
      edge[i] = std::sqrt(-2 * std::log(curve(edge[i - 1]) + area / edge[i - 1]));
    for (std::size_t i = 0; i <= LAYERS; ++i) height[i] = curve(edge[i]);
  }
};

inline const Ziggurat ZIGGURAT;

}  // namespace elyte::dynamics
