// A structure with its neighbours, found once for a whole training.
#pragma once

#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include "forcefield.hpp"
#include "mtp/model.hpp"
#include "mtp_derivatives/passes.hpp"

namespace elyte::derivatives {

struct AlignedDelete {
  void operator()(void* p) const { std::free(p); }
};
template <typename T>
using AlignedArray = std::unique_ptr<T[], AlignedDelete>;

// Aligned to 64 bytes; not initialised.
template <typename T>
AlignedArray<T> aligned(std::size_t count) {
  const std::size_t bytes = (count * sizeof(T) + 63) / 64 * 64 + 64;
  return AlignedArray<T>(static_cast<T*>(std::aligned_alloc(64, bytes)));
}

class Prepared {
 public:
  // std::domain_error names an atomic number that is not known.
  Prepared(const MtpModel& model, const Configuration& configuration);
  std::int64_t size() const { return static_cast<std::int64_t>(types_.size()); }
  Structure structure() const { return part(0, size()); }
  Structure part(std::int64_t from, std::int64_t to) const;

 private:
  int species_, most_neighbours_ = 0;
  std::vector<std::int32_t> types_, ends_, index_;
  std::vector<std::int64_t> first_;
  AlignedArray<double> vectors_[3];
};

}  // namespace elyte::derivatives
