// Histograms of pair distances, and lists of the pairs within a cutoff, over many frames.
#pragma once

#include <cstdint>
#include <vector>

namespace elyte::analysis {

// Positions of one set of particles in all frames: (frames, n, 3). `group` (n), where given,
// excludes pairs of equal group (atoms of one molecule).
struct Particles {
  std::int64_t n = 0;
  const double* positions = nullptr;
  const std::int64_t* group = nullptr;
};

// Ordered pairs (a, b) by distance in `bins` bins up to r_max, added to row block[frame] of
// `counts` (blocks, bins). With `same` the two sets are one, and a particle is no pair with itself.
void pair_histogram(const Particles& a, const Particles& b, bool same, std::int64_t frames,
                    const double* cells, double r_max, std::int64_t bins,
                    const std::int64_t* block, std::int64_t* counts, int threads);

struct PairList {
  std::vector<std::int64_t> first;  // frames + 1
  std::vector<std::int32_t> index;  // (pairs, 2)
  std::vector<double> distance;     // (pairs)
};

// All pairs (a, b) closer than the cutoff, frame by frame, ordered by a, then b.
PairList pairs_within(const Particles& a, const Particles& b, std::int64_t frames,
                      const double* cells, double cutoff, int threads);

}  // namespace elyte::analysis
