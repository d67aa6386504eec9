#include "analysis_pairs/histogram.hpp"

#include <omp.h>

#include <algorithm>
#include <exception>
#include <tuple>

#include "analysis_pairs/grid.hpp"

// One source, compiled for three instruction sets; the loader chooses.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ELYTE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define ELYTE_CLONES
#endif

namespace elyte::analysis {
namespace {

constexpr std::int64_t CHUNK = 512;

struct Points {
  const double *x, *y, *z;
};

// Bin of each distance; `bins` (one past the last) for those beyond.
ELYTE_CLONES void bin_distances(Points p, std::int64_t n, double x, double y, double z,
                                double inverse_width, std::int32_t bins,
                                std::int32_t* __restrict out) {
  const double top = bins;
  for (std::int64_t j = 0; j < n; ++j) {
    const double dx = p.x[j] - x, dy = p.y[j] - y, dz = p.z[j] - z;
    const double r = std::sqrt(dx * dx + dy * dy + dz * dz) * inverse_width;
    out[j] = static_cast<std::int32_t>(r < top ? r : top);
  }
}

ELYTE_CLONES void squared_distances(Points p, std::int64_t n, double x, double y, double z,
                                    double* __restrict out) {
  for (std::int64_t j = 0; j < n; ++j) {
    const double dx = p.x[j] - x, dy = p.y[j] - y, dz = p.z[j] - z;
    out[j] = dx * dx + dy * dy + dz * dz;
  }
}

// Four rows, so that equal bins in a row do not wait for each other.
class Histogram {
 public:
  explicit Histogram(std::int64_t bins) : stride_(bins + 1), rows_(4 * stride_) {}

  void add(const std::int32_t* bin, std::int64_t n) {
    std::int64_t j = 0;
    for (; j + 4 <= n; j += 4)
      for (int k = 0; k < 4; ++k) ++rows_[k * stride_ + bin[j + k]];
    for (; j < n; ++j) ++rows_[bin[j]];
  }

  void add_to(std::int64_t* counts, std::int64_t factor) {
    for (std::int64_t k = 0; k + 1 < stride_; ++k) {
      const std::int64_t sum =
          rows_[k] + rows_[stride_ + k] + rows_[2 * stride_ + k] + rows_[3 * stride_ + k];
#pragma omp atomic
      counts[k] += factor * sum;
    }
  }

 private:
  std::int64_t stride_;
  std::vector<std::int64_t> rows_;
};

std::vector<std::int64_t> sorted_groups(const Grid& grid, const std::int64_t* group) {
  std::vector<std::int64_t> result;
  if (group)
    for (auto i : grid.index) result.push_back(group[i]);
  return result;
}

struct Binning {
  double inverse_width;
  std::int32_t bins;
};

void bin_run(const Grid& grid, const std::vector<std::int64_t>& groups, std::int64_t group,
             double x, double y, double z, std::int64_t begin, std::int64_t end,
             const Binning& binning, Histogram& histogram) {
  std::int32_t bin[CHUNK];
  for (auto from = begin; from < end; from += CHUNK) {
    const auto n = std::min(CHUNK, end - from);
    bin_distances({&grid.x[from], &grid.y[from], &grid.z[from]}, n, x, y, z,
                  binning.inverse_width, binning.bins, bin);
    if (!groups.empty())
      for (std::int64_t j = 0; j < n; ++j)
        if (groups[from + j] == group) bin[j] = binning.bins;
    histogram.add(bin, n);
  }
}

void histogram_frame(const Particles& a, const Particles& b, bool same, std::int64_t frame,
                     const double* cell, double r_max, const Binning& binning,
                     std::int64_t* counts) {
  const Box box(cell);
  const Grid grid(box, b.positions + 3 * b.n * frame, b.n, r_max);
  const auto groups = sorted_groups(grid, b.group);
  Histogram histogram(binning.bins);
  const auto n = same ? b.n : a.n;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto group = groups.empty() ? 0 : same ? groups[i] : a.group[i];
    const auto visit = [&](double x, double y, double z, std::int64_t begin, std::int64_t end) {
      bin_run(grid, groups, group, x, y, z, begin, end, binning, histogram);
    };
    if (same)
      grid.half_neighbours(i, visit);
    else
      grid.neighbours(a.positions + 3 * (a.n * frame + i), visit);
  }
  histogram.add_to(counts, same ? 2 : 1);
}

struct Pair {
  std::int32_t a, b;
  double distance;
};

void list_frame(const Particles& a, const Particles& b, std::int64_t frame, const double* cell,
                double cutoff, std::vector<Pair>& out) {
  const Box box(cell);
  const Grid grid(box, b.positions + 3 * b.n * frame, b.n, cutoff);
  const auto groups = sorted_groups(grid, b.group);
  double square[CHUNK];
  for (std::int64_t i = 0; i < a.n; ++i)
    grid.neighbours(
        a.positions + 3 * (a.n * frame + i),
        [&](double x, double y, double z, std::int64_t begin, std::int64_t end) {
          for (auto from = begin; from < end; from += CHUNK) {
            const auto n = std::min(CHUNK, end - from);
            squared_distances({&grid.x[from], &grid.y[from], &grid.z[from]}, n, x, y, z, square);
            for (std::int64_t j = 0; j < n; ++j)
              if (square[j] < cutoff * cutoff &&
                  (groups.empty() || groups[from + j] != a.group[i]))
                out.push_back({static_cast<std::int32_t>(i), grid.index[from + j],
                               std::sqrt(square[j])});
          }
        });
  std::sort(out.begin(), out.end(), [](const Pair& p, const Pair& q) {
    return std::tie(p.a, p.b, p.distance) < std::tie(q.a, q.b, q.distance);
  });
}

// Run work(frame) for all frames on some threads; the first exception is thrown again.
template <class Work>
void over_frames(std::int64_t frames, int threads, Work&& work) {
  std::exception_ptr error;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    try {
      work(frame);
    } catch (...) {
#pragma omp critical
      if (!error) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace

void pair_histogram(const Particles& a, const Particles& b, bool same, std::int64_t frames,
                    const double* cells, double r_max, std::int64_t bins,
                    const std::int64_t* block, std::int64_t* counts, int threads) {
  const Binning binning{bins / r_max, static_cast<std::int32_t>(bins)};
  over_frames(frames, threads, [&](std::int64_t frame) {
    histogram_frame(a, b, same, frame, cells + 9 * frame, r_max, binning,
                    counts + bins * block[frame]);
  });
}

PairList pairs_within(const Particles& a, const Particles& b, std::int64_t frames,
                      const double* cells, double cutoff, int threads) {
  std::vector<std::vector<Pair>> found(frames);
  over_frames(frames, threads, [&](std::int64_t frame) {
    list_frame(a, b, frame, cells + 9 * frame, cutoff, found[frame]);
  });
  PairList list;
  list.first.push_back(0);
  for (const auto& pairs : found) {
    for (const auto& pair : pairs) {
      list.index.push_back(pair.a);
      list.index.push_back(pair.b);
      list.distance.push_back(pair.distance);
    }
    list.first.push_back(static_cast<std::int64_t>(list.distance.size()));
  }
  return list;
}

}  // namespace elyte::analysis
