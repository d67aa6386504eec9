#include "mtp/grades.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>

namespace elyte::mtp {

static_assert(GRADE_PANEL == GradeMap::PANEL, "both describe the same panels");

namespace {

// Up to GRADE_ROWS_MOST rows of one species, which `places` names.
struct Batch {
  const GradeMap* map;
  const std::size_t* places;
  std::size_t count;
};

const GradeMap* map_of(const std::vector<GradeMap>& maps, std::int64_t number) {
  for (const GradeMap& map : maps)
    if (map.number == number) return &map;
  return nullptr;
}

void grade_batch(const Kernel& kernel, const Batch& batch, std::size_t width, double* scratch,
                Evaluation& result) {
  double grades[GRADE_ROWS_MOST];
  const double* rows[GRADE_ROWS_MOST];
  std::fill(grades, grades + GRADE_ROWS_MOST, std::numeric_limits<double>::infinity());
  for (std::size_t r = 0; r < batch.count; ++r) rows[r] = &result.rows[batch.places[r] * width];
  if (const GradeMap* map = batch.map) {
    const void* inverse = map->inverse.data();
    const GradeTable table{width + 1, map->panels,
                           map->single ? static_cast<const float*>(inverse) : nullptr,
                           map->single ? nullptr : static_cast<const double*>(inverse)};
    kernel.grade(table, rows, static_cast<int>(batch.count), scratch, grades);
    for (std::size_t r = 0; r < batch.count; ++r) {
      // std::max keeps a first argument that is not a number
      grades[r] = std::max(grades[r], map->least);
      for (std::size_t k = 0; k < map->far.size(); ++k)
        grades[r] = std::max(grades[r], std::abs(rows[r][map->far[k]]) * map->far_scale[k]);
    }
  }
  for (std::size_t r = 0; r < batch.count; ++r) result.grades[batch.places[r]] = grades[r];
}

// Rows of one species together; how they are put together does not change what each gives. Every
// thread has some of each species.
std::vector<Batch> batches_of(const Evaluation& result,
                              const std::vector<std::vector<std::size_t>>& places,
                              const std::vector<std::int64_t>& species, int threads) {
  constexpr std::size_t TILE = 8;
  std::vector<Batch> batches;
  for (std::size_t z = 0; z < species.size(); ++z) {
    const GradeMap* map = map_of(*result.grading, species[z]);
    const std::size_t share = places[z].size() / static_cast<std::size_t>(threads) / TILE * TILE;
    const std::size_t most = std::clamp<std::size_t>(share + TILE, TILE, GRADE_ROWS_MOST);
    for (std::size_t k = 0; k < places[z].size(); k += most)
      batches.push_back({map, &places[z][k], std::min(most, places[z].size() - k)});
  }
  return batches;
}

// The mean of the rows by all parameters, from their sums over each species: each species' isolated
// atom first.
void mean_of(const MtpModel& model, const std::vector<std::int32_t>& types, const Evaluation& result,
             double* mean) {
  std::fill_n(mean, model.parameters_count(), 0.0);
  for (const std::int32_t type : types) mean[type] += 1;
  for (std::size_t k = 0; k < result.rows.size(); ++k) mean[result.mean->columns[k]] += result.rows[k];
  for (std::size_t p = 0; p < model.parameters_count(); ++p) mean[p] /= static_cast<double>(types.size());
}

// std::max would pass over what is not a number.
double larger(double value, double other) {
  return other <= value || std::isnan(value) ? value : other;
}

}  // namespace

void grade_mean(const Kernel& kernel, const MtpModel& model, const std::vector<std::int32_t>& types,
                AlignedMemory& scratch, Evaluation& result) {
  const MeanMap& map = *result.mean;
  const std::size_t parameters = model.parameters_count();
  if (map.columns.size() != result.rows.size() || map.last_parameter >= parameters)
    throw std::invalid_argument("a map to grades is for rows of another length");
  const std::size_t filled = map.filled.size(), open = map.open.size();
  double* const mean = scratch.aligned(parameters + 2 * filled + open);
  double *const of_filled = mean + parameters, *const known = of_filled + filled, *const left = known + filled;
  mean_of(model, types, result, mean);
  for (std::size_t k = 0; k < filled; ++k) of_filled[k] = mean[map.filled[k]];
  for (std::size_t j = 0; j < open; ++j) left[j] = mean[map.open[j]];
  std::fill_n(known, filled, 0.0);
  kernel.add_rows(of_filled, map.inverse.data(), filled, filled, known);
  double grade = 0;
  for (std::size_t k = 0; k < filled; ++k) {
    grade = larger(grade, std::abs(known[k]));
    known[k] = -known[k];
  }
  kernel.add_rows(known, map.rows.data(), filled, open, left);
  for (std::size_t j = 0; j < open; ++j) grade = larger(grade, std::abs(left[j]) / map.pseudo[j]);
  result.grades.assign(1, grade);
}

void grade_rows(const Kernel& kernel, const MtpModel& model, const std::vector<std::int32_t>& types,
                Team& team, std::vector<AlignedMemory>& scratch, Evaluation& result) {
  const std::size_t count = result.only ? result.only->size() : types.size();
  std::vector<std::vector<std::size_t>> places(model.species.size());
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t atom = result.only ? static_cast<std::size_t>((*result.only)[k]) : k;
    places[static_cast<std::size_t>(types[atom])].push_back(k);
  }
  const std::vector<Batch> batches = batches_of(result, places, model.species, team.threads());
  result.grades.resize(count);
  const std::size_t width = result.row_width;
  for (const GradeMap& map : *result.grading)
    if (map.width != width)
      throw std::invalid_argument("a map to grades is for rows of another length");
  const std::size_t needed = kernel.grade_scratch(width + 1);
  team.share(static_cast<std::int64_t>(batches.size()), [&](std::int64_t k, int thread) {
    AlignedMemory& memory = scratch[static_cast<std::size_t>(thread)];
    grade_batch(kernel, batches[static_cast<std::size_t>(k)], width, memory.aligned(needed), result);
  });
}

}  // namespace elyte::mtp
