// Atoms and the images around them in bins, for neighbour lists in any cell.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

#include "cell.hpp"
#include "forcefield.hpp"
#include "ghosts.hpp"
#include "team.hpp"

namespace elyte {

// Ghosts are the atoms, brought home into the cell, and their images out to the cutoff from it.
//
// They are sorted into a grid laid along the cell vectors, half a cutoff wide, so that all that is
// within the cutoff of an atom at home lies in a few rows of bins, each of consecutive ghosts. Their
// order does not depend on the number of threads.
class GhostGrid {
 public:
  // The team shares the work. Throws std::invalid_argument for a cell far too small for the cutoff.
  GhostGrid(const Configuration& c, double cutoff, Team& team);

  std::size_t size() const { return atom.size(); }
  GhostPositions positions() const { return {x_.data(), y_.data(), z_.data()}; }
  // The square that the distances of rounded positions are to be compared with, so that no pair
  // within the cutoff is missed; a few beyond it are found.
  float limit2() const { return limit2_; }
  // The most pieces that there are around an atom.
  std::size_t most_pieces() const { return (2 * reach_[0] + 1) * std::size_t(2 * reach_[1] + 1); }
  // Write the pieces that hold all ghosts within the cutoff of an atom; returns how many.
  int around(std::int64_t i, Piece* pieces) const;

  std::vector<std::array<std::int32_t, 3>> wrap;    // whole cells taken off each atom
  std::vector<double> home;                         // (n, 3) so wrapped, Å
  std::vector<std::int32_t> self;                   // the ghost that an atom itself is
  std::vector<std::int32_t> atom, image;            // of each ghost
  std::vector<std::array<std::int32_t, 3>> images;  // whole cells added in each image

 private:
  // What a bin along one direction of the grid stands for.
  struct Entry {
    int bin, image;
  };

  void choose_bins(const Configuration& c, double cutoff);
  void enter_images();
  void sort_atoms(const Configuration& c);
  void bring_home(const Configuration& c, std::int64_t begin, std::int64_t end);
  std::int64_t rows() const { return static_cast<std::int64_t>(size_[0]) * size_[1]; }
  // The first bin at home of what a row of the whole grid holds images of.
  std::int32_t home_row(std::int64_t row) const {
    return (entries_[0][row / size_[1]].bin * count_[1] + entries_[1][row % size_[1]].bin) * count_[2];
  }
  void make_room_for_ghosts();
  void place_ghosts(std::int64_t begin_row, std::int64_t end_row);
  void allow_for_rounding(double cutoff);

  detail::Matrix cell_, reciprocal_;
  std::vector<double> fraction_;  // (n, 3), wrapped
  std::array<double, 3> low_{}, width_{};
  std::array<int, 3> count_{1, 1, 1}, reach_{0, 0, 0}, margin_{0, 0, 0}, size_{1, 1, 1};
  std::array<std::vector<Entry>, 3> entries_;
  std::vector<std::int32_t> bin_of_;                // of the whole grid, for each atom
  std::vector<std::int32_t> sorted_, first_sorted_; // atoms by their bins at home
  std::vector<std::int32_t> first_;                 // ghost of each bin of the whole grid
  std::vector<float> x_, y_, z_;
  float limit2_ = 0;
};

inline GhostGrid::GhostGrid(const Configuration& c, double cutoff, Team& team)
    : cell_(detail::completed_cell(c.cell, c.pbc)), reciprocal_(detail::inverse(cell_)) {
  const auto n = static_cast<std::size_t>(c.n);
  fraction_.resize(3 * n);
  home.resize(3 * n);
  wrap.assign(n, {0, 0, 0});
  team.loop(c.n, [&](std::int64_t begin, std::int64_t end) { bring_home(c, begin, end); });
  choose_bins(c, cutoff);
  enter_images();
  sort_atoms(c);
  make_room_for_ghosts();
  team.loop(rows(), [&](std::int64_t begin, std::int64_t end) { place_ghosts(begin, end); });
  allow_for_rounding(cutoff);
}

inline void GhostGrid::bring_home(const Configuration& c, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    for (int a = 0; a < 3; ++a) {
      double f = 0;
      for (int x = 0; x < 3; ++x) f += c.positions[3 * i + x] * reciprocal_[3 * x + a];
      if (c.pbc[a]) {
        const double whole = std::floor(f);
        wrap[i][a] = static_cast<std::int32_t>(whole);
        f -= whole;
      }
      fraction_[3 * i + a] = f;
    }
    detail::wrapped(c.positions + 3 * i, wrap[i], cell_.data(), &home[3 * i]);
  }
}

inline void GhostGrid::choose_bins(const Configuration& c, double cutoff) {
  const auto n = static_cast<std::size_t>(c.n);
  // no more bins than a few per atom, however thin the gas
  const double most = std::max(1.0, std::cbrt(4.0 * static_cast<double>(n)));
  double around = 1;
  for (int a = 0; a < 3; ++a) {
    const double column[3] = {reciprocal_[a], reciprocal_[3 + a], reciprocal_[6 + a]};
    const double height = 1 / detail::norm(column);  // between the planes of this direction
    double extent = 1;
    if (!c.pbc[a] && n > 0) {
      double high = fraction_[a];
      low_[a] = fraction_[a];
      for (std::size_t i = 1; i < n; ++i) {
        low_[a] = std::min(low_[a], fraction_[3 * i + a]);
        high = std::max(high, fraction_[3 * i + a]);
      }
      extent = std::max(high - low_[a], 1e-9);
    }
    const double wished = std::floor(2 * extent * height / cutoff);
    count_[a] = static_cast<int>(std::clamp(wished, 1.0, 2 * most));
    width_[a] = extent / count_[a];
    double bins = std::ceil(cutoff / (width_[a] * height) * (1 + 1e-12));
    if (!c.pbc[a]) bins = std::min(bins, count_[a] - 1.0);
    reach_[a] = static_cast<int>(std::min(bins, 1e6));
    margin_[a] = c.pbc[a] ? reach_[a] : 0;
    size_[a] = count_[a] + 2 * margin_[a];
    around *= 2.0 * reach_[a] + 1;
  }
  if (!(around < 1e6)) throw std::invalid_argument("the cell is far too small for the cutoff");
}

inline void GhostGrid::enter_images() {
  std::array<int, 3> far{};
  for (int a = 0; a < 3; ++a) {
    far[a] = (margin_[a] + count_[a] - 1) / count_[a];
    for (int at = -margin_[a]; at < count_[a] + margin_[a]; ++at) {
      const int image = (at + far[a] * count_[a]) / count_[a] - far[a];
      entries_[a].push_back({at - image * count_[a], image + far[a]});
    }
  }
  for (int u = -far[0]; u <= far[0]; ++u)
    for (int v = -far[1]; v <= far[1]; ++v)
      for (int w = -far[2]; w <= far[2]; ++w) images.push_back({u, v, w});
}

inline void GhostGrid::sort_atoms(const Configuration& c) {
  const auto n = static_cast<std::size_t>(c.n);
  std::vector<std::int32_t> bin(n);
  bin_of_.resize(n);
  first_sorted_.assign(static_cast<std::size_t>(count_[0]) * count_[1] * count_[2] + 1, 0);
  for (std::size_t i = 0; i < n; ++i) {
    int b[3];
    for (int a = 0; a < 3; ++a)
      b[a] = std::clamp(static_cast<int>((fraction_[3 * i + a] - low_[a]) / width_[a]), 0,
                        count_[a] - 1);
    bin[i] = (b[0] * count_[1] + b[1]) * count_[2] + b[2];
    bin_of_[i] = ((b[0] + margin_[0]) * size_[1] + b[1] + margin_[1]) * size_[2] + b[2] + margin_[2];
    ++first_sorted_[bin[i] + 1];
  }
  for (std::size_t b = 1; b < first_sorted_.size(); ++b) first_sorted_[b] += first_sorted_[b - 1];
  std::vector<std::int32_t> next(first_sorted_.begin(), first_sorted_.end() - 1);
  sorted_.resize(n);
  for (std::size_t i = 0; i < n; ++i) sorted_[next[bin[i]]++] = static_cast<std::int32_t>(i);
}

inline void GhostGrid::make_room_for_ghosts() {
  std::int64_t total = 0;
  first_.resize(static_cast<std::size_t>(rows()) * size_[2] + 1);
  for (std::int64_t row = 0, bin = 0; row < rows(); ++row) {
    const std::int32_t* sorted = &first_sorted_[home_row(row)];
    for (const Entry& entry : entries_[2]) {
      first_[bin++] = static_cast<std::int32_t>(total);
      total += sorted[entry.bin + 1] - sorted[entry.bin];
    }
    if (total > std::numeric_limits<std::int32_t>::max() / 2)
      throw std::invalid_argument("the cell is far too small for the cutoff");
  }
  first_.back() = static_cast<std::int32_t>(total);
  const auto ghosts = static_cast<std::size_t>(total);
  atom.resize(ghosts);
  image.resize(ghosts);
  for (auto* axis : {&x_, &y_, &z_}) axis->resize(ghosts + SPARE_GHOSTS);
  self.resize(sorted_.size());
}

inline void GhostGrid::place_ghosts(std::int64_t begin_row, std::int64_t end_row) {
  if (atom.empty()) return;
  const double* const cell = cell_.data();
  const int far[2] = {entries_[1].back().image, entries_[2].back().image};
  for (std::int64_t row = begin_row; row < end_row; ++row) {
    const std::int32_t* sorted = &first_sorted_[home_row(row)];
    const int of_row = entries_[0][row / size_[1]].image * (far[0] + 1) + entries_[1][row % size_[1]].image;
    std::int32_t ghost = first_[row * size_[2]];
    for (const Entry& entry : entries_[2]) {
      const std::int32_t number = of_row * (far[1] + 1) + entry.image;
      const auto& whole = images[number];
      double shift[3];
      for (int x = 0; x < 3; ++x)
        shift[x] = whole[0] * cell[x] + whole[1] * cell[3 + x] + whole[2] * cell[6 + x] - home[x];
      const bool at_home = whole[0] == 0 && whole[1] == 0 && whole[2] == 0;
      for (std::int32_t k = sorted[entry.bin]; k < sorted[entry.bin + 1]; ++k, ++ghost) {
        const std::int32_t i = sorted_[k];
        atom[ghost] = i;
        image[ghost] = number;
        x_[ghost] = static_cast<float>(home[3 * i] + shift[0]);
        y_[ghost] = static_cast<float>(home[3 * i + 1] + shift[1]);
        z_[ghost] = static_cast<float>(home[3 * i + 2] + shift[2]);
        if (at_home) self[i] = ghost;
      }
    }
  }
}

// A coordinate is rounded by 6e−8 of itself, a distance by that of both and by some 2e−7 of its own.
inline void GhostGrid::allow_for_rounding(double cutoff) {
  double largest = 0;
  for (std::size_t k = 0; k < home.size(); ++k)
    largest = std::max(largest, std::abs(home[k] - home[k % 3]));
  for (int a = 0; a < 3; ++a) {
    const int images_along = entries_[a].back().image / 2;
    for (int x = 0; x < 3; ++x) largest += images_along * std::abs(cell_[3 * a + x]);
  }
  const double limit = cutoff + 1e-6 * (cutoff + largest);
  limit2_ = static_cast<float>(limit * limit);
}

inline int GhostGrid::around(std::int64_t i, Piece* pieces) const {
  const int bin = bin_of_[i];
  const int at[3] = {bin / (size_[1] * size_[2]), bin / size_[2] % size_[1], bin % size_[2]};
  int from[3], to[3], count = 0;
  for (int a = 0; a < 3; ++a) {
    from[a] = std::max(at[a] - reach_[a], 0);
    to[a] = std::min(at[a] + reach_[a], size_[a] - 1);
  }
  for (int u = from[0]; u <= to[0]; ++u)
    for (int v = from[1]; v <= to[1]; ++v) {
      const std::int32_t* row = &first_[static_cast<std::size_t>(u * size_[1] + v) * size_[2]];
      pieces[count++] = {row[from[2]], row[to[2] + 1]};
    }
  return count;
}

}  // namespace elyte
