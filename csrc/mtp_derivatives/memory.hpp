// What the passes keep of a structure, and their working memory.
// Included by passes_body.hpp only, and so compiled once for each instruction set and precision.
#pragma once

#include "mtp/kernel_moments.hpp"
#include "mtp/kernel_neighbours.hpp"
#include "mtp_derivatives/passes.hpp"

namespace elyte::derivatives {
namespace {

using namespace mtp;

// How one group of neighbours moves: D(û), û·δ, and the rates of the weights w_j.
enum Rate { RATE_X, RATE_Y, RATE_Z, ALONG, WEIGHT_RATE };

template <int D>
constexpr int rates() {
  return WEIGHT_RATE + weights_at(D, 0);
}

constexpr int EIGHT = block_of<double>();

// What `evaluate` leaves, in double precision: values and adjoints of each eight atoms; of each
// neighbour its geometry, weights and slopes (`rows<D>`), and ∂E_i/∂w_j.
template <int D>
struct State {
  const Tables& tables;
  const Structure& structure;
  double* memory;

  std::int64_t blocks() const { return (structure.n + EIGHT - 1) / EIGHT; }
  std::int64_t of_block() const { return 2 * static_cast<std::int64_t>(tables.slots) * EIGHT; }
  double* values(std::int64_t block) const { return memory + block * of_block(); }
  double* adjoints(std::int64_t block) const { return values(block) + of_block() / 2; }
  double* groups(std::int64_t i) const { return values(blocks()) + structure.first[i] * rows<D>(); }
  double* by_weights(std::int64_t i) const {
    return groups(structure.n) + structure.first[i] * weights_at(D, 0);
  }
  std::size_t size() const {
    return static_cast<std::size_t>(blocks() * of_block() + structure.first[structure.n] *
                                                                (rows<D>() + weights_at(D, 0)));
  }
  int count(std::int64_t i) const { return structure.ends[(i + 1) * tables.species_count - 1]; }
};

// Working memory beside the kernel's own.
struct Work {
  Scratch s;
  Real* rates;                 // (group, rate, lane) of the neighbours of each atom of a block
  Real* monomial_rates;        // (group, monomial, lane) of one atom
  Real *tangents, *reverse;    // (slot, atom or displacement)
  Real *direct, *turned;       // (axis, μ, stride): what stands before Q_β, and before Q'_β
  Real *basis, *slopes;        // (neighbour, β): Q_β and Q'_β
  Real* scalars;               // (scalar, atom)
  Real* radial;                // [z_i][z_j][μ][β], β filled up to vectors
  Real* by_weights;            // (group, j, lane) of one atom: ∂E_i/∂w_j
  Real *values, *adjoints;     // (slot) of one atom, and of its products:
  Real *factors, *pairs;       // (term, 2); C_ab
  Real* resolved;              // [monomial, with z or without][z][β]
  Real* rows;                  // (displacement, columns of one species of centre)
  int* present;                // vectors of columns [z][β]
};

template <int D>
std::size_t lay_out_work(const Tables& t, int most_neighbours, double* memory, Work& w) {
  Atoms atoms{};
  atoms.most_neighbours = most_neighbours;
  Pieces pieces{reinterpret_cast<char*>(memory)};
  pieces.used = lay_out<D>(t, atoms, memory, w.s);
  const auto n = static_cast<std::size_t>(w.s.stride), slots = static_cast<std::size_t>(t.slots);
  const auto betas = static_cast<std::size_t>(round_up(t.radial_size));
  const std::size_t s = t.species_count, functions = radial_functions(D);
  const RowColumns columns(t);
  const auto width = static_cast<std::size_t>(columns.of_function);
  pieces.take(w.rates, n * rates<D>() * BLOCK);
  pieces.take(w.monomial_rates, n * monomials_count(D));
  pieces.take(w.tangents, slots * 3 * BLOCK);
  pieces.take(w.reverse, slots * 3 * BLOCK);
  pieces.take(w.direct, n * functions * 3);
  pieces.take(w.turned, n * functions * 3);
  pieces.take(w.basis, n * betas);
  pieces.take(w.slopes, n * betas);
  pieces.take(w.scalars, static_cast<std::size_t>(t.scalars_count) * BLOCK);
  pieces.take(w.radial, s * s * functions * betas);
  pieces.take(w.factors, 2 * terms_count(t));
  pieces.take(w.pairs, terms_count(t) + form_count(t));
  pieces.take(w.by_weights, n * weights_at(D, 0));
  pieces.take(w.values, slots);
  pieces.take(w.adjoints, slots);
  // sums that begin anywhere run over by a vector
  pieces.take(w.resolved, 2 * monomials_count(D) * width + LANES);
  pieces.take(w.rows, BLOCK * static_cast<std::size_t>(columns.scalars + columns.of_centre) + LANES);
  pieces.take(w.present, width);
  return pieces.used / sizeof(double);
}

}  // namespace
}  // namespace elyte::derivatives
