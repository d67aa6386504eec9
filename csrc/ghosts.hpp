// Ghosts as a search sees them: plain pointers only, for kernels of any instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace elyte {

// How much a vectorised search may read or write beyond the end.
inline constexpr std::size_t SPARE_GHOSTS = 16;

// Consecutive ghosts.
struct Piece {
  std::int32_t begin, end;
};

// From a common point, Å, rounded to single precision; SPARE_GHOSTS more may be read.
struct GhostPositions {
  const float *x, *y, *z;
};

}  // namespace elyte
