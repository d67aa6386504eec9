#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <optional>

#include "analysis_pairs/histogram.hpp"

namespace nb = nanobind;
using namespace elyte::analysis;

namespace {

using Positions = nb::ndarray<const double, nb::shape<-1, -1, 3>, nb::c_contig, nb::device::cpu>;
using Cells = nb::ndarray<const double, nb::shape<-1, 3, 3>, nb::c_contig, nb::device::cpu>;
using Integers = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <class T>
nb::ndarray<nb::numpy, T> owned(std::vector<T>&& values, std::initializer_list<std::size_t> shape) {
  auto* storage = new std::vector<T>(std::move(values));
  nb::capsule owner(storage, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::ndarray<nb::numpy, T>(storage->data(), shape, owner);
}

Particles particles(const Positions& positions, const std::optional<Integers>& group) {
  if (group && group->shape(0) != positions.shape(1))
    throw std::invalid_argument("one group number is needed for each particle");
  return {static_cast<std::int64_t>(positions.shape(1)), positions.data(),
          group ? group->data() : nullptr};
}

void check_frames(const Positions& a, const Positions& b, const Cells& cells) {
  if (a.shape(0) != b.shape(0) || a.shape(0) != cells.shape(0))
    throw std::invalid_argument("positions and cells must have the same number of frames");
}

nb::object histogram(Positions a, Positions b, Cells cells, double r_max, std::int64_t bins,
                     Integers block, std::int64_t blocks, std::optional<Integers> group_a,
                     std::optional<Integers> group_b, bool same, int threads) {
  check_frames(a, b, cells);
  if (block.shape(0) != a.shape(0)) throw std::invalid_argument("one block for each frame");
  if (group_a.has_value() != group_b.has_value())
    throw std::invalid_argument("groups must be given for both sets or for none");
  for (std::size_t t = 0; t < block.shape(0); ++t)
    if (block(t) < 0 || block(t) >= blocks) throw std::invalid_argument("no such block");
  std::vector<std::int64_t> counts(blocks * bins);
  const auto set_a = particles(a, group_a), set_b = particles(b, group_b);
  {
    nb::gil_scoped_release release;
    pair_histogram(set_a, set_b, same, static_cast<std::int64_t>(a.shape(0)), cells.data(), r_max,
                   bins, block.data(), counts.data(), threads);
  }
  return nb::cast(owned(std::move(counts), {std::size_t(blocks), std::size_t(bins)}));
}

nb::tuple pairs(Positions a, Positions b, Cells cells, double cutoff,
                std::optional<Integers> group_a, std::optional<Integers> group_b, int threads) {
  check_frames(a, b, cells);
  if (group_a.has_value() != group_b.has_value())
    throw std::invalid_argument("groups must be given for both sets or for none");
  const auto set_a = particles(a, group_a), set_b = particles(b, group_b);
  PairList list;
  {
    nb::gil_scoped_release release;
    list = pairs_within(set_a, set_b, static_cast<std::int64_t>(a.shape(0)), cells.data(), cutoff,
                        threads);
  }
  const std::size_t frames = list.first.size(), count = list.distance.size();
  return nb::make_tuple(owned(std::move(list.first), {frames}),
                        owned(std::move(list.index), {count, 2}),
                        owned(std::move(list.distance), {count}));
}

}  // namespace

NB_MODULE(analysis_pairs, m) {
  m.doc() = "Histograms of pair distances and lists of pairs, in any periodic box.";
  m.def("histogram", &histogram, nb::arg("a"), nb::arg("b"), nb::arg("cells"), nb::arg("r_max"),
        nb::arg("bins"), nb::arg("block"), nb::arg("blocks"), nb::arg("group_a").none(),
        nb::arg("group_b").none(), nb::arg("same"), nb::arg("threads"));
  m.def("pairs", &pairs, nb::arg("a"), nb::arg("b"), nb::arg("cells"), nb::arg("cutoff"),
        nb::arg("group_a").none(), nb::arg("group_b").none(), nb::arg("threads"));
}
