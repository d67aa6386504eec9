#include "mtp/plan.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

namespace elyte::mtp {

Plan::Plan(const MtpModel& model) : model_(model) {
  model_.check();
  if (model_.species_count() > 128) throw std::invalid_argument("more than 128 species");
  lay_out_moments();
  place_products(read_products());
  publish();
}

// Since û·û = 1, z² = 1 − x² − y²: a moment with c ≥ 2 is the one with c − 2 minus those with
// c − 2 and two more of x or of y. The shape must hold all that this leads to.
void Plan::lay_out_moments() {
  const auto fits = [&](int shape) {
    for (const auto& [mu, a, b, c] : model_.alpha_index_basic) {
      const int weight = 2 * mu + c % 2;
      for (int degree = a + b; degree <= a + b + c - c % 2; degree += 2)
        if (degree > shape || weight >= weights_at(shape, degree)) return false;
    }
    return model_.n_mu <= radial_functions(shape);
  };
  while (shape_ <= LARGEST_SHAPE && !fits(shape_)) ++shape_;
  if (shape_ > LARGEST_SHAPE)
    throw std::invalid_argument("the basic moments have a rank or number beyond those of level 28");
  for (const auto& [mu, a, b, c] : model_.alpha_index_basic)
    basic_slot_.push_back(derived_slot(mu, a, b, c));
}

int Plan::derived_slot(int mu, int a, int b, int c) {
  if (c < 2) return slot_of(shape_, a + b, b, 2 * mu + c);
  for (const auto& known : derived_known_)
    if (known[0] == mu && known[1] == a && known[2] == b && known[3] == c) return known[4];
  const int parts[3] = {derived_slot(mu, a, b, c - 2), derived_slot(mu, a + 2, b, c - 2),
                        derived_slot(mu, a, b + 2, c - 2)};
  const int slot = primary_slots(shape_) + static_cast<int>(derived_.size()) / 3;
  derived_.insert(derived_.end(), parts, parts + 3);
  derived_known_.push_back({mu, a, b, c, slot});
  return slot;
}

std::vector<Plan::Target> Plan::read_products() const {
  std::vector<Target> targets(static_cast<std::size_t>(model_.moments_count));
  for (const auto& [a, b, coefficient, target] : model_.alpha_index_times) {
    targets[target].terms.push_back({a, b, static_cast<double>(coefficient)});
    targets[target].depth =
        std::max(targets[target].depth, 1 + std::max(targets[a].depth, targets[b].depth));
    targets[a].factor = targets[b].factor = true;
  }
  for (std::size_t k = 0; k < model_.alpha_moment_mapping.size(); ++k) {
    Target& scalar = targets[model_.alpha_moment_mapping[k]];
    scalar.seed += model_.moment_coefficients[k];
    scalar.needed = true;
  }
  for (std::size_t t = targets.size(); t-- > 0;)
    if (targets[t].needed)
      for (const Term<double>& term : targets[t].terms) targets[term.a].needed = targets[term.b].needed = true;
  return targets;
}

void Plan::place_products(const std::vector<Target>& targets) {
  const int basic = model_.basic_count();
  std::vector<int> slot(basic_slot_);
  slot.resize(targets.size(), -1);
  seed_.assign(static_cast<std::size_t>(primary_slots(shape_)) + derived_.size() / 3, 0.0);
  for (int m = 0; m < basic; ++m) seed_[slot[m]] += targets[m].seed;
  place_factors(targets, slot);
  place_form(targets, slot);
  place_scalars(targets, slot);
}

// Reorder targets of the same kind so that those in a row share no factor where that can be had:
// the reverse pass adds to its factors' adjoints, and would wait for the sum before.
template <typename Same>
void Plan::spread(const std::vector<Target>& targets, std::vector<std::size_t>& order, Same same) {
  constexpr std::size_t WINDOW = 48;
  std::vector<std::size_t> last(targets.size(), 0);  // when a factor was used, from 1 on
  const auto recent = [&](std::size_t t) {
    std::size_t latest = 0;
    for (const Term<double>& term : targets[t].terms) latest = std::max({latest, last[term.a], last[term.b]});
    return latest;
  };
  for (std::size_t k = 0; k < order.size(); ++k) {
    std::size_t best = k, least = recent(order[k]);
    for (std::size_t other = k + 1;
         other < std::min(order.size(), k + WINDOW) && same(order[other], order[k]); ++other)
      if (const std::size_t used = recent(order[other]); used < least) best = other, least = used;
    std::rotate(order.begin() + static_cast<std::ptrdiff_t>(k),
                order.begin() + static_cast<std::ptrdiff_t>(best),
                order.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    for (const Term<double>& term : targets[order[k]].terms) last[term.a] = last[term.b] = k + 1;
  }
}

// Products that are factors of others get a slot, those with equally many terms in a row.
void Plan::place_factors(const std::vector<Target>& targets, std::vector<int>& slot) {
  std::vector<std::size_t> order;
  for (auto t = static_cast<std::size_t>(model_.basic_count()); t < targets.size(); ++t)
    if (targets[t].needed && targets[t].factor) order.push_back(t);
  const auto key = [&](std::size_t t) {
    return std::make_pair(targets[t].depth, targets[t].terms.size());
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t one, std::size_t two) { return key(one) < key(two); });
  spread(targets, order, [&](std::size_t one, std::size_t two) { return key(one) == key(two); });
  for (std::size_t k = 0; k < order.size(); ++k) {
    const Target& target = targets[order[k]];
    slot[order[k]] = static_cast<int>(seed_.size());
    seed_.push_back(target.seed);
    for (const Term<double>& term : target.terms)
      in_double_.terms.push_back({slot[term.a] * SLOT_BYTES, slot[term.b] * SLOT_BYTES, term.weight});
    if (k == 0 || key(order[k]) != key(order[k - 1]))
      groups_.push_back({0, static_cast<int>(target.terms.size())});
    ++groups_.back().targets;
  }
}

// Products that only stand in the energy are merged into one quadratic form,
// Σ_a v_a Σ_b S_ab v_b, however many scalars share a pair (a, b).
void Plan::place_form(const std::vector<Target>& targets, const std::vector<int>& slot) {
  std::map<std::pair<int, int>, double> form;
  for (const Target& target : targets)
    if (target.needed && !target.factor)
      for (const Term<double>& term : target.terms)
        form[std::minmax(slot[term.a], slot[term.b])] += target.seed * term.weight;
  for (const auto& [pair, value] : form) {
    if (row_slot_.empty() || row_slot_.back() != pair.first) {
      row_slot_.push_back(pair.first);
      row_first_.push_back(static_cast<int>(columns_.size()));
    }
    columns_.push_back(pair.second * SLOT_BYTES);
    in_double_.row_values.push_back(value);
  }
  row_first_.push_back(static_cast<int>(columns_.size()));
}

// Where each scalar is found, or of which products it is the sum: for rows ∂E_i/∂ξ.
void Plan::place_scalars(const std::vector<Target>& targets, const std::vector<int>& slot) {
  for (int moment : model_.alpha_moment_mapping) {
    const bool stands = slot[moment] >= 0;
    scalar_slot_.push_back(stands ? slot[moment] * SLOT_BYTES : -1);
    scalar_terms_count_.push_back(stands ? 0 : static_cast<int>(targets[moment].terms.size()));
    if (stands) continue;
    for (const Term<double>& term : targets[moment].terms)
      in_double_.scalar_terms.push_back(
          {slot[term.a] * SLOT_BYTES, slot[term.b] * SLOT_BYTES, term.weight});
  }
}

namespace {

// What rounding to single precision has left of a value.
float rest_of_rounding(double value) {
  return static_cast<float>(value - static_cast<float>(value));
}

}  // namespace

// Σ c_β T_β = Σ v_β U_β and its derivative Σ s_β U_β: 2 T_β = U_β − U_β−2, T'_β = β U_β−1.
template <typename Real>
std::vector<Real> Plan::radial_table(const double* radial) const {
  const int pairs = model_.species_count() * model_.species_count(), size = model_.radial_size;
  const int functions = radial_functions(shape_);
  std::vector<Real> table(static_cast<std::size_t>(pairs) * size * radial_pieces<Real>() * functions);
  Real* to = table.data();
  for (int pair = 0; pair < pairs; ++pair, radial += model_.n_mu * size)
    for (int beta = 0; beta < size; ++beta, to += radial_pieces<Real>() * functions)
      for (int mu = 0; mu < model_.n_mu; ++mu) {
        const auto c = [&](int k) {
          return k < size ? model_.scaling * radial[mu * size + k] : 0.0;
        };
        const double value = (beta == 0 ? c(0) : c(beta) / 2) - c(beta + 2) / 2;
        to[RADIAL_VALUE * functions + mu] = static_cast<Real>(value);
        to[RADIAL_SLOPE * functions + mu] = static_cast<Real>((beta + 1) * c(beta + 1));
        if constexpr (rounded<Real>())
          to[RADIAL_REST * functions + mu] = rest_of_rounding(value);
      }
  return table;
}

template std::vector<double> Plan::radial_table<double>(const double*) const;

Plan::Operations Plan::operations() const {
  const double functions = radial_functions(shape_), weights = weights_at(shape_, 0);
  const double monomials = (shape_ + 1) * (shape_ + 2) / 2;
  const double moments = primary_slots(shape_);
  const double radial = model_.radial_size * (1 + 2 * functions) + 3 * functions + 8;
  const double forward = (weights - functions) + monomials + moments;
  const double reverse = monomials + 2 * moments + 2 * monomials + 3 * functions;
  const double geometry = 3 /* r² */ + 8 /* 1/r */ + 4 /* û */ + 18 /* force */ + 9 /* stress */ + 3;
  const double terms = static_cast<double>(in_double_.terms.size());
  const double pairs = static_cast<double>(columns_.size());
  // forward: weight and sum; reverse: weight and two sums; the form: one sum each way
  return {radial + forward + reverse + geometry,
          5 * terms + 2 * pairs + 5.0 * static_cast<double>(derived_.size()) / 3};
}

void Plan::publish() {
  const double width = model_.max_distance - model_.min_distance;
  tables_.shape = shape_;
  tables_.species_count = model_.species_count();
  tables_.radial_size = model_.radial_size;
  tables_.cutoff = model_.max_distance;
  // two atoms at one point are noted whatever the potential says of itself
  tables_.min_distance = std::max(model_.min_distance, 1e-6);
  tables_.x_scale = 2 / width;
  tables_.x_shift = -(model_.max_distance + model_.min_distance) / width;
  tables_.isolated = model_.species_coefficients.data();
  tables_.core_distance = model_.core_distance.data();
  tables_.core_strength = model_.core_strength;
  for (double distance : model_.core_distance)
    tables_.largest_core = std::max(tables_.largest_core, distance);
  if (tables_.largest_core > model_.max_distance)
    throw std::invalid_argument("the repulsive core is larger than the cutoff");
  tables_.slots = static_cast<int>(seed_.size());
  tables_.derived_count = static_cast<int>(derived_.size()) / 3;
  tables_.derived = derived_.data();
  tables_.groups_count = static_cast<int>(groups_.size());
  tables_.groups = groups_.data();
  for (std::size_t k = 0; k < seed_.size(); ++k)
    if (seed_[k] != 0) {
      seed_slot_.push_back(static_cast<int>(k));
      in_double_.seeds.push_back(seed_[k]);
    }
  tables_.seeds_count = static_cast<int>(in_double_.seeds.size());
  tables_.seed_slot = seed_slot_.data();
  tables_.rows_count = static_cast<int>(row_slot_.size());
  tables_.row_slot = row_slot_.data();
  tables_.row_first = row_first_.data();
  tables_.columns = columns_.data();
  tables_.n_mu = model_.n_mu;
  tables_.scaling = model_.scaling;
  tables_.scalars_count = model_.scalars_count();
  tables_.row_width =
      tables_.scalars_count + model_.species_count() * model_.n_mu * model_.radial_size;
  tables_.scalar_slot = scalar_slot_.data();
  tables_.scalar_terms_count = scalar_terms_count_.data();
  convert();
}

std::vector<float> rounded_values(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

void Plan::convert() {
  in_double_.radial = radial_table<double>(model_.radial.data());
  in_single_.radial = radial_table<float>(model_.radial.data());
  in_single_.seeds = rounded_values(in_double_.seeds);
  in_single_.row_values = rounded_values(in_double_.row_values);
  for (double value : in_double_.row_values)
    in_single_.row_rests.push_back(rest_of_rounding(value));
  const auto narrow_terms = [](const std::vector<Term<double>>& from, std::vector<Term<float>>& to) {
    for (const Term<double>& term : from)
      to.push_back({term.a, term.b, static_cast<float>(term.weight)});
  };
  narrow_terms(in_double_.terms, in_single_.terms);
  narrow_terms(in_double_.scalar_terms, in_single_.scalar_terms);
  tables_.in_double = in_double_.view();
  tables_.in_single = in_single_.view();
}

}  // namespace elyte::mtp
