// Cells as matrices of rows: what neighbour lists ask of them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace elyte::detail {

using Matrix = std::array<double, 9>;  // rows

inline std::array<double, 3> cross(const double* a, const double* b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

inline double norm(const double* a) { return std::sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]); }

// The cell with its directions that are not periodic replaced by unit vectors normal to the
// others, so that it can always be inverted.
inline Matrix completed_cell(const double* cell, const std::array<bool, 3>& pbc) {
  Matrix full{};
  int periodic = 0;
  for (int a = 0; a < 3; ++a)
    if (pbc[a]) {
      std::copy(cell + 3 * a, cell + 3 * a + 3, full.begin() + 3 * a);
      ++periodic;
    }
  if (periodic == 0) return {1, 0, 0, 0, 1, 0, 0, 0, 1};
  if (periodic == 1) {  // first a vector normal to the periodic one
    const int p = pbc[0] ? 0 : pbc[1] ? 1 : 2;
    const double* v = &full[3 * p];
    int least = 0;  // the axis that is least along it
    for (int a = 1; a < 3; ++a)
      if (std::abs(v[a]) < std::abs(v[least])) least = a;
    const double axis[3] = {least == 0 ? 1.0 : 0.0, least == 1 ? 1.0 : 0.0, least == 2 ? 1.0 : 0.0};
    const auto normal = cross(v, axis);
    for (int x = 0; x < 3; ++x) full[3 * ((p + 1) % 3) + x] = normal[x] / norm(normal.data());
  }
  if (periodic < 3) {  // then the one normal to both
    const int missing = periodic == 1 ? (pbc[0] ? 2 : pbc[1] ? 0 : 1) : !pbc[0] ? 0 : !pbc[1] ? 1 : 2;
    const auto normal = cross(&full[3 * ((missing + 1) % 3)], &full[3 * ((missing + 2) % 3)]);
    for (int x = 0; x < 3; ++x) full[3 * missing + x] = normal[x] / norm(normal.data());
  }
  return full;
}

inline Matrix inverse(const Matrix& m) {
  Matrix result;
  const auto bc = cross(&m[3], &m[6]), ca = cross(&m[6], &m[0]), ab = cross(&m[0], &m[3]);
  const double volume = m[0] * bc[0] + m[1] * bc[1] + m[2] * bc[2];
  for (int x = 0; x < 3; ++x) {
    result[3 * x] = bc[x] / volume;
    result[3 * x + 1] = ca[x] / volume;
    result[3 * x + 2] = ab[x] / volume;
  }
  return result;
}

// p less so many whole cells.
inline void wrapped(const double* p, const std::array<std::int32_t, 3>& whole, const double* cell,
                    double* result) {
  for (int x = 0; x < 3; ++x) {
    result[x] = p[x];
    for (int a = 0; a < 3; ++a) result[x] -= whole[a] * cell[3 * a + x];
  }
}

}  // namespace elyte::detail
