"""Networks of ions: constructed graphs, a naive search, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elyte.analysis.speciation.networks import (
    Networks,
    cluster_populations,
    mean_network_size,
    network_sizes,
    networks,
)
from elyte.analysis.speciation.shells import Contacts
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage
from elyte.testing.synthetic import exchange


def bonds(frames: int, ions: int, ligands: int, pairs: list[tuple[int, int, int]]) -> Contacts:
    table = np.array(pairs, dtype=np.int64).reshape(-1, 3)
    return Contacts(frames, ions, ligands, *table.T, np.ones(len(table), dtype=np.int64))


def test_a_chain_a_pair_and_a_lone_ion() -> None:
    anions = bonds(2, 6, 3, [(0, 0, 0), (0, 1, 0), (0, 1, 1), (0, 2, 1), (0, 5, 2), (1, 0, 0)])
    solvent = bonds(2, 6, 2, [(0, 3, 0), (0, 4, 0), (1, 2, 1)])
    found = networks(anions, solvent)
    np.testing.assert_array_equal(found.size, [[3, 3, 3, 2, 2, 1], [1] * 6])
    np.testing.assert_array_equal(found.bridges, [[2, 2, 2, 1, 1, 0], [0] * 6])
    assert found.network[0, 0] == found.network[0, 2] != found.network[0, 3]
    curve = network_sizes([found])
    np.testing.assert_allclose(curve.y, [7 / 12, 2 / 12, 3 / 12])
    assert curve.y.sum() == pytest.approx(1)


def naive_sizes(ions: int, pairs: set[tuple[int, int]]) -> list[int]:
    sizes = []
    for start in range(ions):
        seen, grown = {start}, True
        while grown:
            molecules = {m for i, m in pairs if i in seen}
            more = {i for i, m in pairs if m in molecules}
            grown = not more <= seen
            seen |= more
        sizes.append(len(seen))
    return sizes


@settings(max_examples=60, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 4)), max_size=12))
def test_sizes_equal_a_naive_search(pairs: set[tuple[int, int]]) -> None:
    found = networks(bonds(1, 8, 5, [(0, i, m) for i, m in pairs]))
    assert found.size[0].tolist() == naive_sizes(8, pairs)


def dimers(rng: np.random.Generator, frames: int, couples: int, lifetime: float) -> Networks:
    """Couples of ions that an own bridge joins for two fifths of the time."""
    joined = exchange(rng, frames, couples, 0.4, lifetime)
    frame, couple = np.nonzero(joined)
    pairs = [(f, 2 * c + k, c) for f, c in zip(frame, couple, strict=True) for k in (0, 1)]
    return networks(bonds(frames, 2 * couples, couples, pairs))


def test_coverage_of_the_mean_size() -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        return mean_network_size([dimers(rng, 250, 10, 6.0)])

    found = coverage(draw, 1.4, runs=80)
    assert 0.54 < found.inside_68 < 0.83
    assert 0.87 < found.inside_95 <= 1.0


def test_clusters_by_number_of_anions() -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        three = exchange(rng, 200, 30, 0.35, 10.0)
        return cluster_populations([2 + three], "Li+")[1]

    found = coverage(draw, 0.35, runs=80)
    assert 0.54 < found.inside_68 < 0.83
    assert 0.87 < found.inside_95 <= 1.0
    fractions = cluster_populations([np.array([[2, 3, 3, 5]])], "Li+")
    assert [(q.species, q.value) for q in fractions] == [
        ("Li+ with 2 anions", 0.25), ("Li+ with 3 anions", 0.5), ("Li+ with 5 anions", 0.25)
    ]  # fmt: skip


def test_withheld_when_too_short() -> None:
    found = networks(bonds(3, 4, 2, [(0, 0, 0), (0, 1, 0), (2, 2, 1), (2, 1, 1)]))
    assert mean_network_size([found]).withheld == "only 3 values of at least 8"


def test_bad_input() -> None:
    with pytest.raises(InputError, match="at least one bridging"):
        networks()
    with pytest.raises(InputError, match="same ions"):
        networks(bonds(1, 2, 1, []), bonds(1, 3, 1, []))
    with pytest.raises(InputError, match="at least one run"):
        network_sizes([])
    with pytest.raises(InputError, match="counts of anions"):
        cluster_populations([np.array([1, 2])])
