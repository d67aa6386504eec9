"""The basis of a moment tensor potential of a given level: moments, products, scalars.

A scalar of the basis is a full contraction of basic moment tensors M_{μ,ν}, that is a multigraph:
each vertex is a tensor (its μ, and ν = its number of edges), each edge a contracted index. Edges
from a vertex to itself are left out (a trace of M_{μ,ν} is M_{μ,ν−2}, since unit vectors are
contracted), and so are products of more than four tensors, as in MLIP. With

    lev M_{μ,ν} = 2 + 4μ + ν,     lev of a product = sum of its tensors' levels,

a graph of V vertices and E edges has level 2V + 4Σμ + 2E. `generate(level)` holds every graph up
to isomorphism whose level does not exceed the given one.

A graph is evaluated by cutting it in two along the fewest edges, again and again, down to basic
tensors; parts that graphs share are made once. doi:10.1137/15M1054183, 10.1088/2632-2153/abc9fe.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.core.errors import InputError

MOST_TENSORS = 4
LEVELS = range(2, 29)

Exponents = tuple[int, int, int]


def _frozen(values: ArrayLike, columns: int) -> NDArray[np.int64]:
    array = np.array(values, dtype=np.int64, order="C")
    array = array.reshape((-1, columns) if columns > 1 else -1)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Tables:
    """Which moments a potential has and how they are made.

    Args:
        basic: μ, ν_x, ν_y, ν_z of each basic moment, (m, 4).
        products: a, b, coefficient, target, in the order in which they are carried out:
            M[target] += coefficient · M[a] · M[b], (p, 4).
        mapping: moment of each scalar of the basis, (A,).
        moments_count: number of moments, basic ones included.

    Raises:
        InputError: an index out of range, or a moment used before it is made.
    """

    basic: NDArray[np.int64]
    products: NDArray[np.int64]
    mapping: NDArray[np.int64]
    moments_count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "basic", _frozen(self.basic, 4))
        object.__setattr__(self, "products", _frozen(self.products, 4))
        object.__setattr__(self, "mapping", _frozen(self.mapping, 1))
        self._check()

    def _check(self) -> None:
        m, n = len(self.basic), self.moments_count
        if m == 0 or (self.basic < 0).any():
            raise InputError("the table of basic moments is empty or has negative entries")
        a, b, _, target = self.products.T
        if (self.products[:, [0, 1, 3]] < 0).any() or (target >= n).any() or (target < m).any():
            raise InputError("the table of products points outside the moments")
        last = {int(t): row for row, t in enumerate(target)}
        for row, factor in ((r, int(f)) for pair in (a, b) for r, f in enumerate(pair)):
            if factor >= m and last.get(factor, len(self.products)) >= row:
                raise InputError(f"product {row} uses moment {factor} before it is complete")
        if (self.mapping < 0).any() or (self.mapping >= n).any():
            raise InputError("the table of scalars points outside the moments")

    @property
    def n_mu(self) -> int:
        """Number of radial functions."""
        return int(self.basic[:, 0].max()) + 1

    @functools.cached_property
    def level(self) -> int:
        """Highest level of the scalars, with lev M_{μ,ν} = 2 + 4μ + ν and sums for products."""
        levels = [0] * self.moments_count
        levels[: len(self.basic)] = (2 + 4 * self.basic[:, 0] + self.basic[:, 1:].sum(1)).tolist()
        for a, b, _, target in self.products.tolist():
            levels[target] = max(levels[target], levels[a] + levels[b])
        return max((levels[moment] for moment in self.mapping.tolist()), default=0)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Tables)
            and self.moments_count == other.moments_count
            and np.array_equal(self.basic, other.basic)
            and np.array_equal(self.products, other.products)
            and np.array_equal(self.mapping, other.mapping)
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Graph:
    """Tensors with contracted and free indices.

    Args:
        mu: radial function of each vertex.
        free: number of its free indices.
        edges: edges between vertices, as the upper triangle row by row.
    """

    mu: tuple[int, ...]
    free: tuple[int, ...]
    edges: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.mu)

    def between(self, u: int, v: int) -> int:
        """Number of edges between two vertices."""
        if u == v:
            return 0
        u, v = min(u, v), max(u, v)
        return self.edges[u * len(self) - u * (u + 1) // 2 + v - u - 1]

    def rank(self, u: int) -> int:
        """ν of a vertex: its free indices and its edges."""
        return self.free[u] + sum(self.between(u, v) for v in range(len(self)))

    def reordered(self, order: tuple[int, ...]) -> Graph:
        """Return the part on the vertices `order`; cut edges become free indices."""
        inside = {u: sum(self.between(u, v) for v in order if v != u) for u in order}
        return Graph(
            tuple(self.mu[u] for u in order),
            tuple(self.rank(u) - inside[u] for u in order),
            tuple(self.between(u, v) for u, v in itertools.combinations(order, 2)),
        )


@functools.cache
def _canonical(graph: Graph) -> tuple[Graph, tuple[int, ...]]:
    """Return the least of all orders of the vertices, and that order."""

    def key(order: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        g = graph.reordered(order)
        return g.mu, tuple(graph.rank(u) for u in order), g.free, g.edges

    order = min(itertools.permutations(range(len(graph))), key=key)
    return graph.reordered(order), order


def scalar_graphs(level: int) -> list[Graph]:
    """Return all multigraphs of at most that level and four vertices, up to isomorphism."""
    found: dict[Graph, int] = {}
    for vertices in range(1, MOST_TENSORS + 1):
        room = level // 2 - vertices
        pairs = vertices * (vertices - 1) // 2
        for mu in itertools.combinations_with_replacement(range(max(room // 2, 0) + 1), vertices):
            for edges in _at_most(room - 2 * sum(mu), pairs):
                graph, _ = _canonical(Graph(mu, (0,) * vertices, edges))
                found.setdefault(graph, vertices + 2 * sum(mu) + sum(edges))
    return sorted(found, key=lambda g: (found[g], len(g), g.mu, g.edges))


def _at_most(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Yield all tuples of that many whole numbers with at most that sum."""
    if total < 0:
        return
    if parts == 0:
        yield ()
        return
    for head in range(total + 1):
        for tail in _at_most(total - head, parts - 1):
            yield (head, *tail)


@functools.cache
def _exponents(rank: int) -> tuple[Exponents, ...]:
    """All ν_x, ν_y, ν_z of that sum, x first."""
    return tuple((x, y, rank - x - y) for x in range(rank, -1, -1) for y in range(rank - x, -1, -1))


def _triple(values: list[int]) -> Exponents:
    x, y, z = values
    return x, y, z


def _multinomial(exponents: Exponents) -> int:
    x, y, z = exponents
    return math.factorial(x + y + z) // (math.factorial(x) * math.factorial(y) * math.factorial(z))


@functools.cache
def _cut(graph: Graph) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the two parts that the fewest edges hold together, the smaller part first."""

    def cost(part: tuple[int, ...]) -> tuple[object, ...]:
        rest = [v for v in range(len(graph)) if v not in part]
        cut = sum(graph.between(u, v) for u in part for v in rest)
        return cut, len(part), [(graph.mu[u], graph.rank(u)) for u in part], part

    parts = itertools.chain.from_iterable(
        itertools.combinations(range(len(graph)), size) for size in range(1, len(graph) // 2 + 1)
    )
    part = min(parts, key=cost)
    return part, tuple(v for v in range(len(graph)) if v not in part)


@dataclass
class _Builder:
    """Collects moments and products; a component of a tensor is made when first asked for."""

    basic: dict[tuple[int, int, int, int], int]
    products: list[tuple[int, int, int, int]] = field(default_factory=list)
    count: int = 0
    known: dict[tuple[Graph, tuple[Exponents, ...]], int] = field(default_factory=dict)
    made: dict[tuple[tuple[int, int, int], ...], int] = field(default_factory=dict)

    def moment(self, graph: Graph, component: tuple[Exponents, ...]) -> int:
        """Return the moment of one component: exponents of the free indices of each vertex."""
        graph, order = _canonical(graph)
        component = tuple(component[u] for u in order)
        if len(graph) == 1:
            return self.basic[(graph.mu[0], *component[0])]
        if (graph, component) not in self.known:
            self.known[graph, component] = self._make(self._terms(graph, component))
        return self.known[graph, component]

    def _terms(
        self, graph: Graph, component: tuple[Exponents, ...]
    ) -> tuple[tuple[int, int, int], ...]:
        """Products whose sum is the component: a sum over the values of the cut indices."""
        one, two = _cut(graph)
        joints = [(u, v) for u in one for v in two if graph.between(u, v)]
        terms: dict[tuple[int, int], int] = {}
        for values in itertools.product(*(_exponents(graph.between(u, v)) for u, v in joints)):
            exponents = [list(e) for e in component]
            weight = 1
            for (u, v), value in zip(joints, values, strict=True):
                weight *= _multinomial(value)
                for axis in range(3):
                    exponents[u][axis] += value[axis]
                    exponents[v][axis] += value[axis]
            a, b = (
                self.moment(graph.reordered(part), tuple(_triple(exponents[u]) for u in part))
                for part in (one, two)
            )
            pair = (min(a, b), max(a, b))
            terms[pair] = terms.get(pair, 0) + weight
        return tuple(sorted((a, b, weight) for (a, b), weight in terms.items()))

    def _make(self, terms: tuple[tuple[int, int, int], ...]) -> int:
        if terms not in self.made:
            target = len(self.basic) + len(self.made)
            self.products += [(a, b, weight, target) for a, b, weight in terms]
            self.made[terms] = target
        return self.made[terms]


def _basic_moments(graphs: list[Graph]) -> dict[tuple[int, int, int, int], int]:
    """Number the components of all tensors that occur, by μ, then ν."""
    tensors = sorted({(g.mu[u], g.rank(u)) for g in graphs for u in range(len(g))})
    rows = [(mu, *exponents) for mu, rank in tensors for exponents in _exponents(rank)]
    return {row: number for number, row in enumerate(rows)}


@functools.cache
def generate(level: int) -> Tables:
    """Return the tables of a level; 16 has 130 basic moments, 969 products and 92 scalars.

    Args:
        level: 2 … 28 (an odd level holds the same basis as the even one below it).

    Raises:
        InputError: a level out of range.
    """
    if level not in LEVELS:
        raise InputError(f"an MTP has a level from {LEVELS[0]} to {LEVELS[-1]}, not {level}")
    graphs = scalar_graphs(level)
    builder = _Builder(_basic_moments(graphs))
    mapping = [builder.moment(graph, ((0, 0, 0),) * len(graph)) for graph in graphs]
    moments_count = len(builder.basic) + len(builder.made)
    return Tables(
        _frozen(list(builder.basic), 4),
        _frozen(builder.products, 4),
        _frozen(mapping, 1),
        moments_count,
    )
