// Full neighbour lists in any cell: triclinic, partly periodic, smaller than the cutoff.
//
// `build_neighbours` sorts the atoms into bins and is linear in their number; `VerletList` keeps
// a list with a skin and rebuilds it only when a pair could have come within the cutoff unseen
// (`Origin`).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "forcefield.hpp"

namespace elyte {

// Neighbours of atom i are the entries first[i] … first[i + 1] of `index` and `shift`; entry k
// lies at positions[index[k]] − positions[i] + shift[k] · cell, with the positions as given.
struct NeighbourList {
  std::vector<std::int64_t> first;
  std::vector<std::int32_t> index;
  std::vector<std::array<std::int32_t, 3>> shift;
};

namespace detail {

using Matrix = std::array<double, 9>;  // rows

inline std::array<double, 3> cross(const double* a, const double* b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

inline double norm(const double* a) { return std::sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]); }

// The cell with its directions that are not periodic replaced by unit vectors normal to the
// others, so that it can always be inverted.
inline Matrix completed_cell(const double* cell, const std::array<bool, 3>& pbc) {
  Matrix full{};
  int periodic = 0;
  for (int a = 0; a < 3; ++a)
    if (pbc[a]) {
      std::copy(cell + 3 * a, cell + 3 * a + 3, full.begin() + 3 * a);
      ++periodic;
    }
  if (periodic == 0) return {1, 0, 0, 0, 1, 0, 0, 0, 1};
  if (periodic == 1) {  // first a vector normal to the periodic one
    const int p = pbc[0] ? 0 : pbc[1] ? 1 : 2;
    const double* v = &full[3 * p];
    int least = 0;  // the axis that is least along it
    for (int a = 1; a < 3; ++a)
      if (std::abs(v[a]) < std::abs(v[least])) least = a;
    const double axis[3] = {least == 0 ? 1.0 : 0.0, least == 1 ? 1.0 : 0.0, least == 2 ? 1.0 : 0.0};
    const auto normal = cross(v, axis);
    for (int x = 0; x < 3; ++x) full[3 * ((p + 1) % 3) + x] = normal[x] / norm(normal.data());
  }
  if (periodic < 3) {  // then the one normal to both
    const int missing = periodic == 1 ? (pbc[0] ? 2 : pbc[1] ? 0 : 1) : !pbc[0] ? 0 : !pbc[1] ? 1 : 2;
    const auto normal = cross(&full[3 * ((missing + 1) % 3)], &full[3 * ((missing + 2) % 3)]);
    for (int x = 0; x < 3; ++x) full[3 * missing + x] = normal[x] / norm(normal.data());
  }
  return full;
}

inline Matrix inverse(const Matrix& m) {
  Matrix result;
  const auto bc = cross(&m[3], &m[6]), ca = cross(&m[6], &m[0]), ab = cross(&m[0], &m[3]);
  const double volume = m[0] * bc[0] + m[1] * bc[1] + m[2] * bc[2];
  for (int x = 0; x < 3; ++x) {
    result[3 * x] = bc[x] / volume;
    result[3 * x + 1] = ca[x] / volume;
    result[3 * x + 2] = ab[x] / volume;
  }
  return result;
}

// p less so many whole cells.
inline void wrapped(const double* p, const std::array<std::int32_t, 3>& whole, const double* cell,
                    double* result) {
  for (int x = 0; x < 3; ++x) {
    result[x] = p[x];
    for (int a = 0; a < 3; ++a) result[x] -= whole[a] * cell[3 * a + x];
  }
}

// How much a vectorised search may read or write beyond the end.
inline constexpr std::size_t SPARE_SLOTS = 8;

// Atoms in bins of a grid laid along the cell vectors.
struct Bins {
  Matrix cell, reciprocal;
  std::array<bool, 3> pbc;
  std::array<double, 3> low{}, width{};  // in fractional coordinates
  std::array<int, 3> count{1, 1, 1}, reach{0, 0, 0};
  std::vector<std::array<std::int32_t, 3>> wrap;  // whole cells taken off each atom
  std::vector<std::int32_t> bin_of, first;
  std::vector<std::int32_t> atoms, slot_of;  // which atom is in a slot, and where an atom is
  std::vector<double> x, y, z;               // wrapped positions, by slot

  struct Place {
    int bin, image;
    bool exists;
  };
  // The bin and the image that a number along direction a, in or out of the grid, stands for.
  Place enter(int a, int number) const {
    if (!pbc[a]) return {number, 0, number >= 0 && number < count[a]};
    int image = 0;
    while (number < 0) number += count[a], --image;
    while (number >= count[a]) number -= count[a], ++image;
    return {number, image, true};
  }

  // How many cells away the images can be that are within reach along direction a.
  int farthest_image(int a) const { return pbc[a] ? (reach[a] + count[a] - 1) / count[a] : 0; }

  Bins(const Configuration& c, double cutoff)
      : cell(completed_cell(c.cell, c.pbc)), reciprocal(inverse(cell)), pbc(c.pbc) {
    const auto n = static_cast<std::size_t>(c.n);
    std::vector<double> fraction(3 * n);
    wrap.assign(n, {0, 0, 0});
    for (std::size_t i = 0; i < n; ++i)
      for (int a = 0; a < 3; ++a) {
        double f = 0;
        for (int x = 0; x < 3; ++x) f += c.positions[3 * i + x] * reciprocal[3 * x + a];
        if (pbc[a]) {
          const double whole = std::floor(f);
          wrap[i][a] = static_cast<std::int32_t>(whole);
          f -= whole;
        }
        fraction[3 * i + a] = f;
      }
    choose_grid(fraction, n, cutoff);
    check_reach();
    sort_into_bins(c, fraction, n);
  }

 private:
  void choose_grid(const std::vector<double>& fraction, std::size_t n, double cutoff) {
    // no more bins than a few per atom, however thin the gas
    const double most = std::max(1.0, std::cbrt(4.0 * static_cast<double>(n)));
    for (int a = 0; a < 3; ++a) {
      const double column[3] = {reciprocal[a], reciprocal[3 + a], reciprocal[6 + a]};
      const double height = 1 / norm(column);  // between the planes of this direction
      double extent = 1;
      if (!pbc[a] && n > 0) {
        double high = fraction[a];
        low[a] = fraction[a];
        for (std::size_t i = 1; i < n; ++i) {
          low[a] = std::min(low[a], fraction[3 * i + a]);
          high = std::max(high, fraction[3 * i + a]);
        }
        extent = std::max(high - low[a], 1e-9);
      }
      const double wished = std::floor(2 * extent * height / cutoff);  // half a cutoff wide
      count[a] = static_cast<int>(std::clamp(wished, 1.0, 2 * most));
      width[a] = extent / count[a];
      double bins = std::ceil(cutoff / (width[a] * height) * (1 + 1e-12));
      if (!pbc[a]) bins = std::min(bins, count[a] - 1.0);
      reach[a] = static_cast<int>(std::min(bins, 1e6));
    }
  }

  // A box that has collapsed would have its images counted for ever.
  void check_reach() const {
    double bins = 1;
    for (int a = 0; a < 3; ++a) bins *= 2.0 * reach[a] + 1;
    if (!(bins < 1e6)) throw std::invalid_argument("the cell is far too small for the cutoff");
  }

  void sort_into_bins(const Configuration& c, const std::vector<double>& fraction, std::size_t n) {
    bin_of.resize(n);
    first.assign(static_cast<std::size_t>(count[0]) * count[1] * count[2] + 1, 0);
    for (std::size_t i = 0; i < n; ++i) {
      int b[3];
      for (int a = 0; a < 3; ++a)
        b[a] = std::clamp(static_cast<int>((fraction[3 * i + a] - low[a]) / width[a]), 0, count[a] - 1);
      bin_of[i] = (b[0] * count[1] + b[1]) * count[2] + b[2];
      ++first[bin_of[i] + 1];
    }
    for (std::size_t b = 1; b < first.size(); ++b) first[b] += first[b - 1];
    std::vector<std::int32_t> next(first.begin(), first.end() - 1);
    atoms.resize(n);
    slot_of.resize(n);
    for (auto* axis : {&x, &y, &z}) axis->resize(n + SPARE_SLOTS);
    for (std::size_t i = 0; i < n; ++i) {
      const auto slot = static_cast<std::size_t>(slot_of[i] = next[bin_of[i]]++);
      atoms[slot] = static_cast<std::int32_t>(i);
      double p[3];
      wrapped(c.positions + 3 * i, wrap[i], cell.data(), p);
      x[slot] = p[0], y[slot] = p[1], z[slot] = p[2];
    }
  }
};

// Write to `found` the slots from begin to end that are nearer than the cutoff to a point; returns
// how many. Each is written and then kept or not, since a branch would often be mispredicted.
inline std::int32_t near_slots(const double* x, const double* y, const double* z,
                               const double* point, std::int32_t begin, std::int32_t end,
                               double cutoff2, std::int32_t* found) {
  std::int32_t count = 0;
  for (std::int32_t slot = begin; slot < end; ++slot) {
    const double dx = x[slot] - point[0], dy = y[slot] - point[1], dz = z[slot] - point[2];
    found[count] = slot;
    count += dx * dx + dy * dy + dz * dz < cutoff2;
  }
  return count;
}
using NearSlots = decltype(&near_slots);

// Call visit(image, slots, count) for each piece of the sorted atoms around atom i: those of them, all
// in the same image, that are nearer than the cutoff. Atom i itself is among them, in image 0.
// `found` has room for all atoms and SPARE_SLOTS more.
template <class Visit>
void visit_around(const Bins& bins, std::int64_t i, double cutoff2, NearSlots near,
                  std::vector<std::int32_t>& found, const Visit& visit) {
  const int b = bins.bin_of[i];
  const int home[3] = {b / (bins.count[1] * bins.count[2]), b / bins.count[2] % bins.count[1],
                       b % bins.count[2]};
  const auto mine = static_cast<std::size_t>(bins.slot_of[i]);
  const int last = home[2] + bins.reach[2];
  // a row of bins along the third direction is one piece, cut where images change
  for (int u = home[0] - bins.reach[0]; u <= home[0] + bins.reach[0]; ++u) {
    const auto at_u = bins.enter(0, u);
    if (!at_u.exists) continue;
    for (int v = home[1] - bins.reach[1]; v <= home[1] + bins.reach[1]; ++v) {
      const auto at_v = bins.enter(1, v);
      if (!at_v.exists) continue;
      const int row = (at_u.bin * bins.count[1] + at_v.bin) * bins.count[2];
      for (int w = home[2] - bins.reach[2]; w <= last;) {
        const auto at_w = bins.enter(2, w);
        if (!at_w.exists) {
          ++w;
          continue;
        }
        const int length = std::min(last - w, bins.count[2] - 1 - at_w.bin) + 1;
        const std::array<std::int32_t, 3> image{at_u.image, at_v.image, at_w.image};
        double point[3] = {bins.x[mine], bins.y[mine], bins.z[mine]};
        for (int k = 0; k < 3; ++k)
          for (int a = 0; a < 3; ++a) point[k] -= image[a] * bins.cell[3 * a + k];
        const std::int32_t* first = &bins.first[row + at_w.bin];
        visit(image, found.data(),
              near(bins.x.data(), bins.y.data(), bins.z.data(), point, first[0], first[length],
                   cutoff2, found.data()));
        w += length;
      }
    }
  }
}

}  // namespace detail

// All pairs nearer than the cutoff, each seen from both of its atoms; an atom's own images count.
// Two atoms at one point are a pair of distance zero; an atom is not its own neighbour there.
// Throws std::invalid_argument for a cell that has collapsed.
inline void build_neighbours(const Configuration& c, double cutoff, NeighbourList& list) {
  const detail::Bins bins(c, cutoff);
  std::vector<std::int32_t> found(static_cast<std::size_t>(c.n) + detail::SPARE_SLOTS);
  list.first.assign(static_cast<std::size_t>(c.n) + 1, 0);
  list.index.clear();
  list.shift.clear();
  for (std::int64_t i = 0; i < c.n; ++i) {
    const auto& wrap = bins.wrap[i];
    detail::visit_around(
        bins, i, cutoff * cutoff, detail::near_slots, found,
        [&](const std::array<std::int32_t, 3>& image, const std::int32_t* slots, std::int32_t count) {
          const bool home = image[0] == 0 && image[1] == 0 && image[2] == 0;
          for (std::int32_t k = 0; k < count; ++k) {
            const std::int32_t j = bins.atoms[slots[k]];
            if (home && j == i) continue;
            const auto& other = bins.wrap[j];
            list.index.push_back(j);
            list.shift.push_back({image[0] + wrap[0] - other[0], image[1] + wrap[1] - other[1],
                                  image[2] + wrap[2] - other[2]});
          }
        });
    list.first[i + 1] = static_cast<std::int64_t>(list.index.size());
  }
}

// The configuration that a list was made of, which reaches `skin` beyond the cutoff: it stays valid
// while no pair outside it can have come within the cutoff. With x the positions then, F = h₀⁻¹ h the
// change of the cell and u = x' − x F what the atoms moved besides, a pair that was at d is now at
// d F + u_j − u_i, so
//   |d'| ≥ σ_min(F) |d| − 2 max|u|   with   σ_min(F) ≥ 1 − ‖F − 1‖,
// and the list holds while (1 − ‖F − 1‖)(cutoff + skin) − 2 max|u| ≥ cutoff.
class Origin {
 public:
  Origin(double cutoff, double skin) : cutoff_(cutoff), skin_(skin) {}

  // Remember that the list is made of this configuration.
  void set(const Configuration& c) {
    numbers_.assign(c.numbers, c.numbers + c.n);
    positions_.assign(c.positions, c.positions + 3 * c.n);
    std::copy(c.cell, c.cell + 9, cell_.begin());
    pbc_ = c.pbc;
    ++builds_;
  }

  double reach() const { return cutoff_ + skin_; }
  std::int64_t builds() const { return builds_; }

  // Whether the list still holds every pair within the cutoff.
  bool valid(const Configuration& c) const {
    if (builds_ == 0 || numbers_.size() != static_cast<std::size_t>(c.n) || pbc_ != c.pbc ||
        !std::equal(numbers_.begin(), numbers_.end(), c.numbers))
      return false;
    detail::Matrix f{1, 0, 0, 0, 1, 0, 0, 0, 1};
    double strain2 = 0;
    if (!std::equal(cell_.begin(), cell_.end(), c.cell)) {
      const auto before = detail::inverse(detail::completed_cell(cell_.data(), pbc_));
      const auto now = detail::completed_cell(c.cell, pbc_);
      for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b) {
          double sum = 0;
          for (int k = 0; k < 3; ++k) sum += before[3 * a + k] * now[3 * k + b];
          f[3 * a + b] = sum;
          const double off = sum - (a == b ? 1 : 0);
          strain2 += off * off;
        }
    }
    const double room = ((1 - std::sqrt(strain2)) * (cutoff_ + skin_) - cutoff_) / 2;
    if (!(room >= 0)) return false;
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      const double *old = &positions_[3 * i], *now = c.positions + 3 * i;
      double moved2 = 0;
      for (int b = 0; b < 3; ++b) {
        const double u = now[b] - (old[0] * f[b] + old[1] * f[3 + b] + old[2] * f[6 + b]);
        moved2 += u * u;
      }
      if (!(moved2 <= room * room)) return false;  // also where it is not a number
    }
    return true;
  }

 private:
  double cutoff_, skin_;
  std::int64_t builds_ = 0;
  std::vector<std::int64_t> numbers_;
  std::vector<double> positions_;
  std::array<double, 9> cell_{};
  std::array<bool, 3> pbc_{};
};

// A neighbour list with a skin.
class VerletList {
 public:
  VerletList(double cutoff, double skin) : origin_(cutoff, skin) {}

  // Bring the list up to date.
  void update(const Configuration& c) {
    if (origin_.valid(c)) return;
    build_neighbours(c, origin_.reach(), list_);
    origin_.set(c);
  }

  const NeighbourList& list() const { return list_; }

 private:
  Origin origin_;
  NeighbourList list_;
};

}  // namespace elyte
