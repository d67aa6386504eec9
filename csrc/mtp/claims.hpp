// Shares of work that threads claim one by one.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

namespace elyte::mtp {

// Each thread first claims the shares that are its own, the same in every round, since what belongs
// to them is in its cache; then, in turn, those that the other threads have left. So nobody waits
// long for a thread whose core has other work too.
class Claims {
 public:
  Claims(std::int64_t shares, int threads) : of_(static_cast<std::size_t>(threads)) {
    for (int t = 0; t < threads; ++t) {
      of_[static_cast<std::size_t>(t)].next = shares * t / threads;
      of_[static_cast<std::size_t>(t)].end = shares * (t + 1) / threads;
    }
  }

  // Do a thread's part of the work: that of every share that it can claim.
  template <typename Work>
  void work(int thread, Work&& of_share) {
    for (std::int64_t share = claim(thread); share >= 0; share = claim(thread)) of_share(share);
  }

 private:
  // A share that nobody has claimed, or −1 where there is none.
  std::int64_t claim(int thread) {
    for (std::size_t k = 0; k < of_.size(); ++k) {
      Own& own = of_[(static_cast<std::size_t>(thread) + k) % of_.size()];
      if (own.next.load(std::memory_order_relaxed) >= own.end) continue;
      const std::int64_t share = own.next.fetch_add(1, std::memory_order_relaxed);
      if (share < own.end) return share;
    }
    return -1;
  }

  struct alignas(64) Own {  // of one thread, a line of the cache
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
  };
  std::vector<Own> of_;
};

}  // namespace elyte::mtp
