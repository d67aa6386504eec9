// The forces that shares of the atoms make on all of them, and their sum.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "mtp/aligned_memory.hpp"

namespace elyte::mtp {

// Forces are summed as a binary tree over the shares, whoever does it, so that the result does not
// depend on the threads. What a thread has in its own cache it adds at once: what another core has
// written comes slowly, and in this way there is less of it to read in the end.
class ForceSums {
 public:
  // Room for the forces of so many shares.
  void begin(std::int64_t atoms, std::int64_t shares) {
    atoms_ = atoms;
    forces_ = memory_.aligned(static_cast<std::size_t>(4 * atoms * shares));
    shares_ = std::vector<Share>(static_cast<std::size_t>(shares));
  }

  // Those of a share, (atoms, 4), set to zero.
  double* cleared(std::int64_t share) {
    std::fill_n(of(share), 4 * atoms_, 0.0);
    return of(share);
  }

  // This thread has made those of a share: add them to those before that are its own, too.
  void made(std::int64_t share, int thread) {
    shares_[share].thread.store(thread, std::memory_order_relaxed);
    for (std::int64_t width = 1; share / width % 2 == 1; share -= width, width *= 2) {
      Share& before = shares_[share - width];
      if (before.thread.load(std::memory_order_relaxed) != thread || before.width != width) return;
      double* to = of(share - width);
      const double* from = of(share);
      for (std::int64_t k = 0; k < 4 * atoms_; ++k) to[k] += from[k];
      before.width = 2 * width;
    }
  }

  // The sums for the atoms begin … end − 1, (atoms, 3), when all shares are made.
  void sum(std::int64_t begin, std::int64_t end, double* forces) const {
    const auto count = static_cast<std::int64_t>(shares_.size());
    for (std::int64_t i = begin; i < end; ++i) {
      Tree tree;
      for (std::int64_t share = 0; share < count; share += shares_[share].width)
        tree.add(of(share) + 4 * i, shares_[share].width);
      const std::array<double, 3> total = tree.total();
      std::copy(total.begin(), total.end(), forces + 3 * i);
    }
  }

 private:
  // Of the forces of `width` shares from this one on, all made by one thread; a line of the cache.
  struct alignas(64) Share {
    std::atomic<int> thread{-1};
    std::int64_t width = 1;  // of the thread that made it, until all are made
  };

  // Sums of 2ᵏ shares: two that are equally wide become one.
  class Tree {
   public:
    void add(const double* forces, std::int64_t width) {
      sums_[count_] = {forces[0], forces[1], forces[2]};
      widths_[count_++] = width;
      while (count_ > 1 && widths_[count_ - 1] == widths_[count_ - 2]) merge();
    }
    std::array<double, 3> total() {
      while (count_ > 1) merge();
      return sums_[0];
    }

   private:
    void merge() {
      --count_;
      for (int x = 0; x < 3; ++x) sums_[count_ - 1][x] += sums_[count_][x];
      widths_[count_ - 1] += widths_[count_];
    }

    static constexpr int DEEPEST = 8;  // enough for 2⁷ shares
    std::array<std::array<double, 3>, DEEPEST> sums_;
    std::array<std::int64_t, DEEPEST> widths_;
    int count_ = 0;
  };

  double* of(std::int64_t share) const { return forces_ + 4 * atoms_ * share; }

  AlignedMemory memory_;
  double* forces_ = nullptr;
  std::vector<Share> shares_;
  std::int64_t atoms_ = 0;
};

}  // namespace elyte::mtp
