// Memory that begins at a cache line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace elyte::mtp {

struct AlignedMemory {
  std::vector<double> memory;

  // To 64 bytes; what was there is kept or zeroed.
  double* aligned(std::size_t doubles) {
    if (memory.size() < doubles + 8) memory.assign(doubles + 8, 0.0);
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    return memory.data() + (64 - address % 64) % 64 / sizeof(double);
  }
};

}  // namespace elyte::mtp
