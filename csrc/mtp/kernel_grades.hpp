// Grades: the largest coefficient of each of a few rows, c = b A⁻¹, which are nowhere kept.
// Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel.hpp"
#include "mtp/kernel_lanes.hpp"

namespace elyte::mtp {
namespace {

// Rows and vectors of columns whose sums stay in registers at once.
constexpr int GRADE_ROWS = VECTOR_BYTES == 64 ? GRADE_TILE : GRADE_TILE / 2;
constexpr int GRADE_VECTORS = 3;

template <typename T>
struct Columns {
  typedef T Vec __attribute__((vector_size(VECTOR_BYTES), may_alias));
  static constexpr int LANES_OF = VECTOR_BYTES / static_cast<int>(sizeof(T));
  static constexpr int AT_ONCE = GRADE_VECTORS * LANES_OF;
  static_assert(GRADE_PANEL % AT_ONCE == 0, "a panel is made of whole tiles");
};

// Bring the largest |c_j| of GRADE_ROWS rows over a few columns into `largest`, and what is not
// finite into `bad`, which is zero otherwise. The rows stand side by side, (input, GRADE_TILE).
template <typename T>
ELYTE_INLINE void grade_columns(const T* columns, std::size_t inputs, const T* rows,
                                typename Columns<T>::Vec* largest, typename Columns<T>::Vec* bad) {
  using Vec = typename Columns<T>::Vec;
  constexpr int L = Columns<T>::LANES_OF;
  Vec sum[GRADE_ROWS][GRADE_VECTORS];
#pragma GCC unroll 8
  for (int r = 0; r < GRADE_ROWS; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < GRADE_VECTORS; ++v) sum[r][v] = Vec{};
  for (std::size_t k = 0; k < inputs; ++k, columns += GRADE_PANEL, rows += GRADE_TILE) {
    Vec column[GRADE_VECTORS];
#pragma GCC unroll 3
    for (int v = 0; v < GRADE_VECTORS; ++v) column[v] = *reinterpret_cast<const Vec*>(columns + v * L);
#pragma GCC unroll 8
    for (int r = 0; r < GRADE_ROWS; ++r)
#pragma GCC unroll 3
      for (int v = 0; v < GRADE_VECTORS; ++v) sum[r][v] += rows[r] * column[v];
  }
#pragma GCC unroll 8
  for (int r = 0; r < GRADE_ROWS; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < GRADE_VECTORS; ++v) {
      const Vec c = sum[r][v], size = c < 0 ? -c : c;
      largest[r] = size > largest[r] ? size : largest[r];
      bad[r] += c - c;
    }
}

template <typename T>
void grade_rows(const T* panels, std::size_t count, std::size_t inputs, const T* rows,
                double* grades) {
  using Vec = typename Columns<T>::Vec;
  Vec largest[GRADE_ROWS] = {}, bad[GRADE_ROWS] = {};
  for (std::size_t panel = 0; panel < count; ++panel, panels += inputs * GRADE_PANEL)
    for (int first = 0; first < GRADE_PANEL; first += Columns<T>::AT_ONCE)
      grade_columns<T>(panels + first, inputs, rows, largest, bad);
  for (int r = 0; r < GRADE_ROWS; ++r) {
    double found = 0, wrong = 0;
    for (int lane = 0; lane < Columns<T>::LANES_OF; ++lane) {
      if (largest[r][lane] > found) found = largest[r][lane];
      wrong += bad[r][lane];
    }
    grades[r] = found + wrong;
  }
}

template <typename T>
void grade_tile(const T* panels, const GradeTable& table, const double* const* rows, int count,
                double* scratch, double* grades) {
  T* const packed = reinterpret_cast<T*>(scratch);
  const std::size_t width = table.inputs - 1;
  for (int r = 0; r < GRADE_TILE; ++r) {
    const double* row = r < count ? rows[r] : rows[0];
    for (std::size_t k = 0; k < width; ++k) packed[k * GRADE_TILE + r] = static_cast<T>(row[k]);
    packed[width * GRADE_TILE + r] = 1;
  }
  double found[GRADE_TILE];
  for (int r = 0; r < count; r += GRADE_ROWS)
    grade_rows<T>(panels, table.panels, table.inputs, packed + r, found + r);
  for (int r = 0; r < count; ++r) grades[r] = found[r];
}

void grades_of_tile(const GradeTable& table, const double* const* rows, int count, double* scratch,
                    double* grades) {
  if (table.single)
    grade_tile(table.single, table, rows, count, scratch, grades);
  else
    grade_tile(table.exact, table, rows, count, scratch, grades);
}

}  // namespace
}  // namespace elyte::mtp
