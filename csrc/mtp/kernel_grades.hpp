// Grades: the largest coefficient of each of a few rows, c = b A⁻¹, which are nowhere kept.
// Included by kernel_body.hpp only, and so compiled once for each instruction set.
#pragma once

#include "mtp/kernel.hpp"
#include "mtp/kernel_lanes.hpp"

namespace elyte::mtp {
namespace {

// Rows and vectors of columns whose sums stay in registers at once.
constexpr int GRADE_ROWS = VECTOR_BYTES == 64 ? 8 : 4;
constexpr int GRADE_VECTORS = 3;

template <typename T>
struct Columns {
  typedef T Vec __attribute__((vector_size(VECTOR_BYTES), may_alias));
  static constexpr int LANES_OF = VECTOR_BYTES / static_cast<int>(sizeof(T));
  static constexpr int AT_ONCE = GRADE_VECTORS * LANES_OF;
  static_assert(GRADE_PANEL % AT_ONCE == 0, "a panel is made of whole tiles");
};

// Bring the largest |c_j| of GRADE_ROWS rows over a few columns into `largest`, and what is not
// finite into `bad`, which is zero otherwise. The rows stand side by side, (input, row).
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
  for (std::size_t k = 0; k < inputs; ++k, columns += GRADE_PANEL, rows += GRADE_ROWS) {
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

// One tile after the other meets a panel while it is in the cache. Scratch holds for each tile its
// rows, and the largest and the bad of each.
template <typename T>
void grade_tiles(const T* panels, const GradeTable& table, const double* const* rows, int count,
                 double* scratch, double* grades) {
  using Vec = typename Columns<T>::Vec;
  const int tiles = (count + GRADE_ROWS - 1) / GRADE_ROWS;
  const std::size_t width = table.inputs - 1, of_tile = table.inputs * GRADE_ROWS;
  Vec* const found = reinterpret_cast<Vec*>(scratch);  // (tile, largest or bad, row)
  T* const packed = reinterpret_cast<T*>(found + tiles * 2 * GRADE_ROWS);
  for (int k = 0; k < tiles * 2 * GRADE_ROWS; ++k) found[k] = Vec{};
  for (int r = 0; r < tiles * GRADE_ROWS; ++r) {
    const double* const row = rows[r < count ? r : 0];
    T* to = packed + r / GRADE_ROWS * of_tile + r % GRADE_ROWS;
    for (std::size_t k = 0; k < width; ++k, to += GRADE_ROWS) *to = static_cast<T>(row[k]);
    *to = 1;
  }
  for (std::size_t panel = 0; panel < table.panels; ++panel, panels += table.inputs * GRADE_PANEL)
    for (int first = 0; first < GRADE_PANEL; first += Columns<T>::AT_ONCE)
      for (int tile = 0; tile < tiles; ++tile) {
        Vec* const largest = found + tile * 2 * GRADE_ROWS;
        grade_columns<T>(panels + first, table.inputs, packed + tile * of_tile, largest,
                         largest + GRADE_ROWS);
      }
  for (int r = 0; r < count; ++r) {
    const Vec* const largest = found + r / GRADE_ROWS * 2 * GRADE_ROWS + r % GRADE_ROWS;
    double grade = 0, bad = 0;
    for (int lane = 0; lane < Columns<T>::LANES_OF; ++lane) {
      if (largest[0][lane] > grade) grade = largest[0][lane];
      bad += largest[GRADE_ROWS][lane];
    }
    grades[r] = grade + bad;
  }
}

void grades_of_rows(const GradeTable& table, const double* const* rows, int count, double* scratch,
                    double* grades) {
  if (table.single)
    grade_tiles(table.single, table, rows, count, scratch, grades);
  else
    grade_tiles(table.exact, table, rows, count, scratch, grades);
}

// Four rows at a time, so that the sums are loaded and stored less often than the rows.
void add_rows(const double* factors, const double* rows, std::size_t count, std::size_t width,
              double* sum) {
  for (std::size_t k = 0; k < count; k += 4) {
    Wide factor[4];
    const double* row[4];
    for (std::size_t r = 0; r < 4; ++r) {
      factor[r] = all_wide(k + r < count ? factors[k + r] : 0);
      row[r] = rows + (k + r < count ? k + r : k) * width;
    }
    std::size_t j = 0;
    for (; j + WIDE <= width; j += WIDE) {
      Wide total = load_wide(sum + j);
      for (int r = 0; r < 4; ++r) total += factor[r] * load_wide(row[r] + j);
      *reinterpret_cast<WideUnaligned*>(sum + j) = total;
    }
    for (; j < width; ++j)
      for (int r = 0; r < 4; ++r) sum[j] += factor[r][0] * row[r][j];
  }
}

// In doubles, for GRADE_ROWS_MOST rows in double precision.
std::size_t grades_scratch(std::size_t inputs) {
  return (inputs + 2 * WIDE) * (GRADE_ROWS_MOST + GRADE_ROWS);
}

}  // namespace
}  // namespace elyte::mtp
