// Particles of one frame sorted into the cells of a grid, for pairs within a cutoff in any
// periodic box. Images are walked explicitly, so the cutoff may exceed half the box.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace elyte::analysis {

struct Box {
  std::array<double, 9> cell{};     // rows
  std::array<double, 9> inverse{};  // fractional = position · inverse
  std::array<double, 3> height{};   // distance of opposite faces
  double volume = 0;

  explicit Box(const double* rows) {
    std::copy(rows, rows + 9, cell.begin());
    const double *a = rows, *b = rows + 3, *c = rows + 6;
    const auto bc = cross(b, c), ca = cross(c, a), ab = cross(a, b);
    const double determinant = a[0] * bc[0] + a[1] * bc[1] + a[2] * bc[2];
    if (!(std::abs(determinant) > 0)) throw std::invalid_argument("the cell has no volume");
    volume = std::abs(determinant);
    for (int x = 0; x < 3; ++x) {
      inverse[3 * x] = bc[x] / determinant;
      inverse[3 * x + 1] = ca[x] / determinant;
      inverse[3 * x + 2] = ab[x] / determinant;
    }
    height = {volume / length(bc), volume / length(ca), volume / length(ab)};
  }

  // Fractional coordinates in [0, 1).
  std::array<double, 3> wrapped(const double* r) const {
    std::array<double, 3> s;
    for (int d = 0; d < 3; ++d) {
      s[d] = r[0] * inverse[d] + r[1] * inverse[3 + d] + r[2] * inverse[6 + d];
      s[d] -= std::floor(s[d]);
      if (s[d] >= 1) s[d] = 0;  // −ε − floor(−ε) rounds to 1
    }
    return s;
  }

  std::array<double, 3> cartesian(const std::array<double, 3>& s) const {
    std::array<double, 3> r;
    for (int x = 0; x < 3; ++x) r[x] = s[0] * cell[x] + s[1] * cell[3 + x] + s[2] * cell[6 + x];
    return r;
  }

 private:
  static std::array<double, 3> cross(const double* u, const double* v) {
    return {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
  }
  static double length(const std::array<double, 3>& v) {
    return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  }
};

// Particles sorted by cell, each coordinate contiguous; cells that follow each other along the
// last direction are neighbours in memory, so that a column of them is one run.
class Grid {
 public:
  std::vector<double> x, y, z;
  std::vector<std::int32_t> index;  // of the sorted particles in the input

  Grid(const Box& box, const double* positions, std::int64_t n, double cutoff) : box_(box) {
    // Narrow cells waste fewer candidates, but a cell should hold some particles.
    const double spacing = std::cbrt(3.0 * box.volume / std::max<std::int64_t>(n, 1));
    const double width = std::max(cutoff / 3, std::min(spacing, cutoff));
    for (int d = 0; d < 3; ++d) {
      count_[d] = std::clamp(static_cast<int>(box.height[d] / width), 1, 200);
      reach_[d] = static_cast<int>(std::ceil(cutoff * count_[d] / box.height[d] * (1 + 1e-12)));
    }
    sort(positions, n);
  }

  // Call visit(x, y, z, begin, end) for every run of sorted particles that may lie within the
  // cutoff of r; (x, y, z) is the image of r from which distances are to be taken.
  template <class Visit>
  void neighbours(const double* r, Visit&& visit) const {
    const auto s = box_.wrapped(r);
    walk(box_.cartesian(s), cell_of(s), false, visit);
  }

  // The same for the sorted particle i and those after it: each pair of the set once.
  template <class Visit>
  void half_neighbours(std::int64_t i, Visit&& visit) const {
    const std::array<double, 3> r{x[i], y[i], z[i]};
    const auto c = cells_[i];
    visit(r[0], r[1], r[2], i + 1, first_[flat(c[0], c[1], c[2]) + 1]);
    walk(r, c, true, visit);
  }

 private:
  using Cell = std::array<std::int32_t, 3>;

  Box box_;
  std::array<int, 3> count_{}, reach_{};
  std::vector<std::int64_t> first_;
  std::vector<Cell> cells_;

  std::int64_t flat(int a, int b, int c) const {
    return (static_cast<std::int64_t>(a) * count_[1] + b) * count_[2] + c;
  }

  Cell cell_of(const std::array<double, 3>& s) const {
    Cell c;
    for (int d = 0; d < 3; ++d) c[d] = std::min(static_cast<int>(s[d] * count_[d]), count_[d] - 1);
    return c;
  }

  void sort(const double* positions, std::int64_t n) {
    std::vector<std::array<double, 3>> fractional(n);
    std::vector<Cell> cell(n);
    first_.assign(flat(count_[0] - 1, count_[1] - 1, count_[2] - 1) + 2, 0);
    for (std::int64_t i = 0; i < n; ++i) {
      fractional[i] = box_.wrapped(positions + 3 * i);
      cell[i] = cell_of(fractional[i]);
      ++first_[flat(cell[i][0], cell[i][1], cell[i][2]) + 1];
    }
    for (std::size_t k = 1; k < first_.size(); ++k) first_[k] += first_[k - 1];
    auto next = first_;
    x.resize(n), y.resize(n), z.resize(n), index.resize(n), cells_.resize(n);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto k = next[flat(cell[i][0], cell[i][1], cell[i][2])]++;
      const auto r = box_.cartesian(fractional[i]);
      x[k] = r[0], y[k] = r[1], z[k] = r[2];
      index[k] = static_cast<std::int32_t>(i), cells_[k] = cell[i];
    }
  }

  static int floor_divide(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

  template <class Visit>
  void walk(const std::array<double, 3>& r, const Cell& c, bool half, Visit&& visit) const {
    for (int u = half ? 0 : -reach_[0]; u <= reach_[0]; ++u)
      for (int v = half && u == 0 ? 0 : -reach_[1]; v <= reach_[1]; ++v) {
        const int image_u = floor_divide(c[0] + u, count_[0]);
        const int image_v = floor_divide(c[1] + v, count_[1]);
        const int low = half && u == 0 && v == 0 ? 1 : -reach_[2];
        column(r, c[0] + u - image_u * count_[0], c[1] + v - image_v * count_[1], image_u, image_v,
               c[2] + low, c[2] + reach_[2], visit);
      }
  }

  // Runs of one column of cells, split where it crosses the box.
  template <class Visit>
  void column(const std::array<double, 3>& r, int a, int b, int image_a, int image_b, int low,
              int high, Visit&& visit) const {
    for (int image = floor_divide(low, count_[2]); image <= floor_divide(high, count_[2]);
         ++image) {
      const int from = std::max(low - image * count_[2], 0);
      const int to = std::min(high - image * count_[2], count_[2] - 1);
      const auto begin = first_[flat(a, b, from)], end = first_[flat(a, b, to) + 1];
      if (begin == end) continue;
      std::array<double, 3> origin = r;
      for (int k = 0; k < 3; ++k)
        origin[k] -= image_a * box_.cell[k] + image_b * box_.cell[3 + k] + image * box_.cell[6 + k];
      visit(origin[0], origin[1], origin[2], begin, end);
    }
  }
};

}  // namespace elyte::analysis
