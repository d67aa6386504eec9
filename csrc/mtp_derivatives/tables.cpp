#include "mtp_derivatives/tables.hpp"

#include <algorithm>
#include <stdexcept>

namespace elyte::derivatives {

using mtp::SLOT_BYTES;
using mtp::Term;

Basis::Basis(const MtpModel& model) : plan_(model) {
  const auto slots = static_cast<std::size_t>(tables().slots);
  above_of_.resize(slots);
  beside_of_.resize(slots);
  place_scalars();
  reverse_products();
  publish();
}

// A scalar that no slot holds is a sum of products that the quadratic form has, too.
void Basis::place_scalars() {
  const mtp::Tables& t = tables();
  std::map<std::pair<int, int>, int> place;
  for (int row = 0; row < t.rows_count; ++row)
    for (int k = t.row_first[row]; k < t.row_first[row + 1]; ++k)
      place[{t.row_slot[row], t.columns[k] / SLOT_BYTES}] = k;
  const Term<double>* term = t.in_double.scalar_terms;
  for (int alpha = 0; alpha < t.scalars_count; ++alpha)
    for (int k = 0; k < t.scalar_terms_count[alpha]; ++k, ++term)
      form_of_term_.push_back(place.at(std::minmax(term->a / SLOT_BYTES, term->b / SLOT_BYTES)));
  form_.reserve(place.size());
  for (const auto& [pair, where] : place) share(pair.first, pair.second, -1, where);
}

// Note that target t has the term weight · v[a] v[b]; or, with t = −1, where S_ab stands.
void Basis::share(int a, int b, int target, double weight) {
  const auto [found, is_new] =
      pair_number_.try_emplace(std::minmax(a, b), static_cast<int>(shares_of_.size()));
  const std::int32_t pair = found->second;
  if (is_new) {
    shares_of_.emplace_back();
    form_.push_back(target < 0 ? static_cast<std::int32_t>(weight) : -1);
    beside_of_[a].push_back({b * SLOT_BYTES, pair});
    beside_of_[b].push_back({a * SLOT_BYTES, pair});
  }
  if (target >= 0) shares_of_[pair].push_back({target, weight});
}

void Basis::reverse_products() {
  const mtp::Tables& t = tables();
  int target = t.slots, number = 0;
  for (int g = 0; g < t.groups_count; ++g) target -= t.groups[g].targets;
  const Term<double>* term = t.in_double.terms;
  for (int g = 0; g < t.groups_count; ++g)
    for (int k = 0; k < t.groups[g].targets; ++k, ++target)
      for (int x = 0; x < t.groups[g].terms; ++x, ++term, ++number) {
        const int a = term->a / SLOT_BYTES, b = term->b / SLOT_BYTES;
        above_of_[a].push_back({target * SLOT_BYTES, 2 * number + 1});
        above_of_[b].push_back({target * SLOT_BYTES, 2 * number});
        share(a, b, target, term->weight);
      }
}

void Basis::publish() {
  for (std::size_t slot = above_of_.size(); slot-- > 0;) {
    factors_.push_back({static_cast<std::int32_t>(above_of_[slot].size()),
                        static_cast<std::int32_t>(beside_of_[slot].size())});
    above_.insert(above_.end(), above_of_[slot].begin(), above_of_[slot].end());
    beside_.insert(beside_.end(), beside_of_[slot].begin(), beside_of_[slot].end());
  }
  for (const auto& shares : shares_of_) {
    shares_first_.push_back(static_cast<std::int32_t>(shares_.size()));
    shares_.insert(shares_.end(), shares.begin(), shares.end());
  }
  shares_first_.push_back(static_cast<std::int32_t>(shares_.size()));
  reversal_ = {factors_.data(),      above_.data(),        beside_.data(),
               static_cast<int>(shares_of_.size()), shares_first_.data(), shares_.data(), form_.data()};
}

Parameters::Parameters(const Basis& basis, const double* theta)
    : basis_(basis),
      tables_(basis.tables()),
      row_values_(form_count(tables_), 0.0),
      radial_(basis.plan_.radial_by_beta(theta + tables_.species_count + tables_.scalars_count)) {
  const double* xi = theta + tables_.species_count;
  const Term<double>* term = tables_.in_double.scalar_terms;
  std::vector<double> seed(static_cast<std::size_t>(tables_.slots), 0.0);
  std::vector<bool> stands(seed.size(), false);
  auto form = basis.form_of_term_.begin();
  for (int alpha = 0; alpha < tables_.scalars_count; ++alpha) {
    if (tables_.scalar_slot[alpha] >= 0) {
      seed[tables_.scalar_slot[alpha] / SLOT_BYTES] += xi[alpha];
      stands[tables_.scalar_slot[alpha] / SLOT_BYTES] = true;
    }
    for (int k = 0; k < tables_.scalar_terms_count[alpha]; ++k, ++term, ++form)
      row_values_[*form] += xi[alpha] * term->weight;
  }
  for (int slot = 0; slot < tables_.slots; ++slot)
    if (stands[slot]) seed_slot_.push_back(slot), seeds_.push_back(seed[slot]);
  tables_.isolated = theta;
  tables_.seeds_count = static_cast<int>(seeds_.size());
  tables_.seed_slot = seed_slot_.data();
  tables_.in_double.seeds = seeds_.data();
  tables_.in_double.row_values = row_values_.data();
  tables_.in_double.radial = radial_.data();
}

std::vector<std::string> passes_available() {
  std::vector<std::string> names;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    names.push_back("avx512");
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) names.push_back("avx2");
#endif
  names.push_back("portable");
  return names;
}

Passes passes_named(const std::string& name, int shape) {
  const auto names = passes_available();
  const std::string chosen = name.empty() ? names.front() : name;
  if (std::find(names.begin(), names.end(), chosen) == names.end())
    throw std::invalid_argument("this processor has no instruction set '" + chosen + "'");
#if defined(__x86_64__)
  if (chosen == "avx512") return avx512_passes(shape);
  if (chosen == "avx2") return avx2_passes(shape);
#endif
  return portable_passes(shape);
}

}  // namespace elyte::derivatives
