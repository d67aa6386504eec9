#include "mtp_derivatives/tables.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

namespace elyte::derivatives {

using mtp::SLOT_BYTES;
using mtp::Term;

namespace {

using Pair = std::pair<int, int>;

// Where each pair of slots stands in the quadratic form.
std::map<Pair, int> form_places(const mtp::Tables& t) {
  std::map<Pair, int> place;
  for (int row = 0; row < t.rows_count; ++row)
    for (int k = t.row_first[row]; k < t.row_first[row + 1]; ++k)
      place[{t.row_slot[row], t.columns[k] / SLOT_BYTES}] = k;
  return place;
}

// Collects what each slot gets, slot by slot.
class ReversalBuilder {
 public:
  explicit ReversalBuilder(const mtp::Tables& t)
      : t_(t), above_(static_cast<std::size_t>(t.slots)), beside_(above_.size()) {
    for (const auto& [pair, place] : form_places(t)) form_[number_of(pair.first, pair.second)] = place;
    add_products();
  }

  ReversalTables tables() const {
    ReversalTables result;
    for (std::size_t slot = above_.size(); slot-- > 0;) {
      result.factors.push_back({static_cast<std::int32_t>(above_[slot].size()),
                                static_cast<std::int32_t>(beside_[slot].size())});
      result.above.insert(result.above.end(), above_[slot].begin(), above_[slot].end());
      result.beside.insert(result.beside.end(), beside_[slot].begin(), beside_[slot].end());
    }
    for (const auto& shares : shares_) {
      result.shares_first.push_back(static_cast<std::int32_t>(result.shares.size()));
      result.shares.insert(result.shares.end(), shares.begin(), shares.end());
    }
    result.shares_first.push_back(static_cast<std::int32_t>(result.shares.size()));
    result.form = form_;
    return result;
  }

 private:
  // A new pair is noted with both of its slots, one of them twice where they are the same.
  std::size_t number_of(int a, int b) {
    const auto [found, is_new] = number_.try_emplace(std::minmax(a, b), shares_.size());
    if (is_new) {
      const auto number = static_cast<std::int32_t>(shares_.size());
      beside_[a].push_back({b * SLOT_BYTES, number});
      beside_[b].push_back({a * SLOT_BYTES, number});
      shares_.emplace_back();
      form_.push_back(-1);
    }
    return found->second;
  }

  void add_products() {
    int target = t_.slots, number = 0;
    for (int g = 0; g < t_.groups_count; ++g) target -= t_.groups[g].targets;
    const Term<double>* term = t_.in_double.terms;
    for (int g = 0; g < t_.groups_count; ++g)
      for (int k = 0; k < t_.groups[g].targets; ++k, ++target)
        for (int x = 0; x < t_.groups[g].terms; ++x, ++term, ++number) {
          const int a = term->a / SLOT_BYTES, b = term->b / SLOT_BYTES;
          above_[a].push_back({target * SLOT_BYTES, 2 * number + 1});
          above_[b].push_back({target * SLOT_BYTES, 2 * number});
          shares_[number_of(a, b)].push_back({target, term->weight});
        }
  }

  const mtp::Tables& t_;
  std::map<Pair, std::size_t> number_;
  std::vector<std::vector<Reversal::Above>> above_;    // of each slot
  std::vector<std::vector<Reversal::Beside>> beside_;  // of each slot
  std::vector<std::vector<Reversal::Share>> shares_;   // of each pair
  std::vector<std::int32_t> form_;                     // of each pair
};

}  // namespace

Reversal ReversalTables::view() const {
  return {factors.data(),      above.data(),  beside.data(), static_cast<int>(form.size()),
          shares_first.data(), shares.data(), form.data()};
}

// A scalar that no slot holds is a sum of products that the quadratic form has, too.
Basis::Basis(const MtpModel& model)
    : plan_(model), reversal_(ReversalBuilder(plan_.tables()).tables()) {
  const mtp::Tables& t = tables();
  const auto place = form_places(t);
  const Term<double>* term = t.in_double.scalar_terms;
  for (int alpha = 0; alpha < t.scalars_count; ++alpha)
    for (int k = 0; k < t.scalar_terms_count[alpha]; ++k, ++term)
      form_of_term_.push_back(place.at(std::minmax(term->a / SLOT_BYTES, term->b / SLOT_BYTES)));
}

Parameters::Parameters(const Basis& basis, const double* theta)
    : basis_(basis), tables_(basis.tables()) {
  const double* xi = theta + tables_.species_count;
  in_double_.row_values.assign(form_count(tables_), 0.0);
  in_double_.radial = basis.plan_.radial_table<double>(xi + tables_.scalars_count);
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
      in_double_.row_values[*form] += xi[alpha] * term->weight;
  }
  for (int slot = 0; slot < tables_.slots; ++slot)
    if (stands[slot]) seed_slot_.push_back(slot), in_double_.seeds.push_back(seed[slot]);
  row_values_in_single_ = mtp::rounded_values(in_double_.row_values);
  tables_.isolated = theta;
  tables_.seeds_count = static_cast<int>(seed_slot_.size());
  tables_.seed_slot = seed_slot_.data();
  tables_.in_double.seeds = in_double_.seeds.data();
  tables_.in_double.row_values = in_double_.row_values.data();
  tables_.in_double.radial = in_double_.radial.data();
  // rows in single precision begin from a state in double, and need nothing else that depends on θ
  tables_.in_single.row_values = row_values_in_single_.data();
  tables_.in_single.seeds = tables_.in_single.radial = tables_.in_single.row_rests = nullptr;
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
