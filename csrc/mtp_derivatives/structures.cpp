#include "mtp_derivatives/structures.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "neighbours.hpp"

namespace elyte::derivatives {

namespace {

std::array<double, 3> vector_of(const Configuration& c, const NeighbourList& list, std::int64_t i,
                                std::int64_t k) {
  const std::int64_t j = list.index[k];
  std::array<double, 3> r{};
  double square = 0;
  for (int x = 0; x < 3; ++x) {
    r[x] = c.positions[3 * j + x] - c.positions[3 * i + x];
    for (int a = 0; a < 3; ++a) r[x] += list.shift[k][a] * c.cell[3 * a + x];
    square += r[x] * r[x];
  }
  if (square < 1e-12)
    throw std::invalid_argument("atoms " + std::to_string(i) + " and " + std::to_string(j) +
                                " are at one point");
  return r;
}

}  // namespace

Prepared::Prepared(const MtpModel& model, const Configuration& c) : species_(model.species_count()) {
  for (std::int64_t i = 0; i < c.n; ++i) {
    const int type = model.type(c.numbers[i]);
    if (type < 0) throw std::domain_error(std::to_string(c.numbers[i]));
    types_.push_back(type);
  }
  NeighbourList list;
  build_neighbours(c, model.max_distance, list);
  std::vector<std::array<double, 3>> vectors;
  for (std::int64_t i = 0; i < c.n; ++i) {
    first_.push_back(static_cast<std::int64_t>(index_.size()));
    for (int type = 0; type < species_; ++type) {
      for (std::int64_t k = list.first[i]; k < list.first[i + 1]; ++k) {
        if (types_[list.index[k]] != type) continue;
        vectors.push_back(vector_of(c, list, i, k));
        index_.push_back(static_cast<std::int32_t>(list.index[k]));
      }
      ends_.push_back(static_cast<std::int32_t>(index_.size() - first_.back()));
    }
    most_neighbours_ = std::max(most_neighbours_, static_cast<int>(ends_.back()));
    const auto filled = static_cast<std::size_t>(whole(static_cast<std::int64_t>(index_.size())));
    index_.resize(filled, 0);
    vectors.resize(filled, {1, 0, 0});
  }
  first_.push_back(static_cast<std::int64_t>(index_.size()));
  for (int x = 0; x < 3; ++x) {
    vectors_[x] = aligned<double>(vectors.size());
    for (std::size_t k = 0; k < vectors.size(); ++k) vectors_[x][k] = vectors[k][x];
  }
}

Structure Prepared::part(std::int64_t from, std::int64_t to) const {
  return {to - from,
          types_.data() + from,
          first_.data() + from,
          ends_.data() + from * species_,
          {vectors_[0].get(), vectors_[1].get(), vectors_[2].get()},
          index_.data(),
          most_neighbours_};
}

}  // namespace elyte::derivatives
