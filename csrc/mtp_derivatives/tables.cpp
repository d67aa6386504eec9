#include <algorithm>
#include <cstdlib>
#include <map>
#include <stdexcept>

#include "mtp_derivatives/frames.hpp"
#include "neighbours.hpp"

namespace elyte::derivatives {

namespace {

using Exponents = std::array<int, 3>;

// Every exponent triple that a basic moment needs, with all its parents, by ascending degree.
std::vector<Exponents> closed_monomials(const MtpModel& model) {
  std::vector<Exponents> list{{0, 0, 0}};
  for (const auto& basic : model.alpha_index_basic)
    for (Exponents e{basic[1], basic[2], basic[3]}; e != Exponents{0, 0, 0};) {
      list.push_back(e);
      --*std::find_if(e.begin(), e.end(), [](int power) { return power > 0; });
    }
  const auto degree = [](const Exponents& e) { return e[0] + e[1] + e[2]; };
  std::sort(list.begin(), list.end(), [&](const Exponents& a, const Exponents& b) {
    return degree(a) != degree(b) ? degree(a) < degree(b) : a > b;
  });
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

}  // namespace

Tables::Tables(const MtpModel& model) {
  if (model.radial_size > MOST_RADIAL || model.n_mu > MOST_MU)
    throw std::invalid_argument("more radial functions than the derivatives are built for");
  const auto monomials = closed_monomials(model);
  std::map<Exponents, int> number;
  for (const auto& e : monomials) {
    const int k = static_cast<int>(number.size());
    number[e] = k;
    Exponents parent = e;
    int axis = 0;
    while (axis < 2 && parent[axis] == 0) ++axis;
    if (k > 0) --parent[axis];
    parent_.push_back(k > 0 ? number.at(parent) : 0);
    axis_.push_back(axis);
    if (k > 0) by_axis_[axis].push_back(k);
  }
  std::vector<int> order;  // old numbers of the basic moments, by μ
  for (int mu = 0; mu < model.n_mu; ++mu) {
    mu_first_.push_back(static_cast<int>(order.size()));
    for (int m = 0; m < model.basic_count(); ++m)
      if (model.alpha_index_basic[m][0] == mu) order.push_back(m);
  }
  mu_first_.push_back(static_cast<int>(order.size()));
  std::vector<int> renamed(model.moments_count);
  for (int m = 0; m < model.moments_count; ++m) renamed[m] = m;
  for (int m = 0; m < model.basic_count(); ++m) {
    renamed[order[m]] = m;
    const auto& basic = model.alpha_index_basic[order[m]];
    monomial_of_.push_back(number.at({basic[1], basic[2], basic[3]}));
  }
  for (const auto& x : model.alpha_index_times)
    products_.push_back({renamed[x[0]], renamed[x[1]], renamed[x[3]], static_cast<double>(x[2])});
  for (int moment : model.alpha_moment_mapping) mapping_.push_back(renamed[moment]);

  plan_.species = model.species_count();
  plan_.n_mu = model.n_mu;
  plan_.radial_size = model.radial_size;
  plan_.basic = model.basic_count();
  plan_.moments = model.moments_count;
  plan_.products = static_cast<int>(products_.size());
  plan_.scalars = model.scalars_count();
  plan_.monomials = static_cast<int>(monomials.size());
  plan_.min_distance = model.min_distance;
  plan_.max_distance = model.max_distance;
  plan_.scaling = model.scaling;
}

Plan Tables::plan(const double* theta) const {
  Plan plan = plan_;
  plan.parent = parent_.data();
  plan.axis = axis_.data();
  for (int a = 0; a < 3; ++a) {
    plan.by_axis[a] = by_axis_[a].data();
    plan.by_axis_count[a] = static_cast<int>(by_axis_[a].size());
  }
  plan.mu_first = mu_first_.data();
  plan.monomial_of = monomial_of_.data();
  plan.product = products_.data();
  plan.mapping = mapping_.data();
  plan.species_coefficients = theta;
  plan.moment_coefficients = theta + plan.species;
  plan.radial = theta + plan.species + plan.scalars;
  return plan;
}

std::vector<std::string> passes_available() {
  std::vector<std::string> names;
#ifdef ELYTE_X86
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    names.push_back("avx512");
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) names.push_back("avx2");
#endif
  names.push_back("portable");
  return names;
}

const Passes& passes_named(const std::string& name) {
  const auto names = passes_available();
  const std::string chosen = name.empty() ? names.front() : name;
  if (std::find(names.begin(), names.end(), chosen) == names.end())
    throw std::invalid_argument("this processor has no instruction set '" + chosen + "'");
#ifdef ELYTE_X86
  if (chosen == "avx512") return avx512_passes();
  if (chosen == "avx2") return avx2_passes();
#endif
  return portable_passes();
}

void AlignedDelete::operator()(void* p) const { std::free(p); }

Prepared::Prepared(const MtpModel& model, const Configuration& c) {
  for (std::int64_t i = 0; i < c.n; ++i) {
    const int type = model.type(c.numbers[i]);
    if (type < 0) throw std::domain_error(std::to_string(c.numbers[i]));
    types_.push_back(type);
  }
  NeighbourList list;
  build_neighbours(c, model.max_distance, list);
  std::vector<Block> blocks;
  std::vector<std::vector<std::int64_t>> of_type(model.species_count());
  first_.push_back(0);
  for (std::int64_t i = 0; i < c.n; ++i) {
    for (auto& members : of_type) members.clear();
    for (std::int64_t k = list.first[i]; k < list.first[i + 1]; ++k)
      of_type[types_[list.index[k]]].push_back(k);
    for (int type = 0; type < model.species_count(); ++type)
      for (std::size_t m = 0; m < of_type[type].size(); ++m) {
        const int lane = static_cast<int>(m % LANES);
        if (lane == 0) {
          Block block{};
          std::fill(block.x, block.x + LANES, 2 * model.max_distance);
          block.type = type;
          blocks.push_back(block);
        }
        const std::int64_t k = of_type[type][m], j = list.index[k];
        double r[3], square = 0;
        for (int x = 0; x < 3; ++x) {
          r[x] = c.positions[3 * j + x] - c.positions[3 * i + x];
          for (int a = 0; a < 3; ++a) r[x] += list.shift[k][a] * c.cell[3 * a + x];
          square += r[x] * r[x];
        }
        if (square < 1e-12)
          throw std::invalid_argument("atoms " + std::to_string(i) + " and " + std::to_string(j) +
                                      " are at one point");
        Block& block = blocks.back();
        block.x[lane] = r[0], block.y[lane] = r[1], block.z[lane] = r[2];
        block.index[lane] = static_cast<std::int32_t>(j);
        block.count = lane + 1;
      }
    first_.push_back(static_cast<std::int64_t>(blocks.size()));
  }
  blocks_.reset(static_cast<Block*>(std::aligned_alloc(64, std::max<std::size_t>(1, blocks.size()) * sizeof(Block))));
  std::copy(blocks.begin(), blocks.end(), blocks_.get());
}

Structure Prepared::part(std::int64_t from, std::int64_t to) const {
  return {to - from, types_.data() + from, first_.data() + from, blocks_.get()};
}

}  // namespace elyte::derivatives
