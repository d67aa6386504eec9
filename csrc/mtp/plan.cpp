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
  prepare_radial();
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
    targets[a].factor = targets[b].factor = true;
  }
  for (std::size_t k = 0; k < model_.alpha_moment_mapping.size(); ++k) {
    Target& scalar = targets[model_.alpha_moment_mapping[k]];
    scalar.seed += model_.moment_coefficients[k];
    scalar.needed = true;
  }
  for (std::size_t t = targets.size(); t-- > 0;)
    if (targets[t].needed)
      for (const Term& term : targets[t].terms) targets[term.a].needed = targets[term.b].needed = true;
  return targets;
}

// Products that are factors get a slot. Those that only stand in the energy are merged into one
// quadratic form, Σ_a v_a Σ_b S_ab v_b, however many scalars share a pair (a, b).
void Plan::place_products(std::vector<Target> targets) {
  const int basic = model_.basic_count();
  int slots = primary_slots(shape_) + static_cast<int>(derived_.size()) / 3;
  std::vector<int> slot(basic_slot_);
  slot.resize(targets.size(), -1);
  seed_.assign(static_cast<std::size_t>(slots), 0.0);
  for (int m = 0; m < basic; ++m) seed_[slot[m]] += targets[m].seed;
  target_first_.push_back(0);
  std::map<std::pair<int, int>, double> form;
  for (std::size_t t = static_cast<std::size_t>(basic); t < targets.size(); ++t) {
    const Target& target = targets[t];
    if (!target.needed) continue;
    if (!target.factor) {
      for (const Term& term : target.terms)
        form[std::minmax(slot[term.a], slot[term.b])] += target.seed * term.weight;
      continue;
    }
    slot[t] = slots++;
    seed_.push_back(target.seed);
    for (const Term& term : target.terms) {
      factors_.push_back(slot[term.a]);
      factors_.push_back(slot[term.b]);
      weights_.push_back(term.weight);
    }
    target_first_.push_back(static_cast<int>(weights_.size()));
  }
  for (const auto& [pair, value] : form) {
    if (row_slot_.empty() || row_slot_.back() != pair.first) {
      row_slot_.push_back(pair.first);
      row_first_.push_back(static_cast<int>(columns_.size()));
    }
    columns_.push_back(pair.second);
    row_values_.push_back(value);
  }
  row_first_.push_back(static_cast<int>(columns_.size()));
}

void Plan::prepare_radial() {
  const int s = model_.species_count(), functions = radial_functions(shape_);
  radial_.assign(static_cast<std::size_t>(s) * s * model_.radial_size * functions, 0.0);
  double* to = radial_.data();
  for (int zi = 0; zi < s; ++zi)
    for (int zj = 0; zj < s; ++zj)
      for (int beta = 0; beta < model_.radial_size; ++beta, to += functions)
        for (int mu = 0; mu < model_.n_mu; ++mu)
          to[mu] = model_.scaling * model_.pair(zi, zj)[mu * model_.radial_size + beta];
  isolated_ = model_.species_coefficients;
}

void Plan::publish() {
  const double width = model_.max_distance - model_.min_distance;
  tables_.shape = shape_;
  tables_.species_count = model_.species_count();
  tables_.radial_size = model_.radial_size;
  tables_.cutoff = model_.max_distance;
  tables_.x_scale = 2 / width;
  tables_.x_shift = -(model_.max_distance + model_.min_distance) / width;
  tables_.radial = radial_.data();
  tables_.isolated = isolated_.data();
  tables_.slots = static_cast<int>(seed_.size());
  tables_.derived_count = static_cast<int>(derived_.size()) / 3;
  tables_.derived = derived_.data();
  tables_.targets_count = static_cast<int>(target_first_.size()) - 1;
  tables_.target_first = target_first_.data();
  tables_.factors = factors_.data();
  tables_.weights = weights_.data();
  tables_.seed = seed_.data();
  tables_.rows_count = static_cast<int>(row_slot_.size());
  tables_.row_slot = row_slot_.data();
  tables_.row_first = row_first_.data();
  tables_.columns = columns_.data();
  tables_.row_values = row_values_.data();
}

}  // namespace elyte::mtp
