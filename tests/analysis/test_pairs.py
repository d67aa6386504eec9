"""Pair histograms and lists against a naive version that walks all images."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from elyte.analysis.pairs import distance_histogram, half_box, pairs_within
from elyte.core.errors import InputError

Array = NDArray[np.float64]
TRICLINIC = np.array([[8.0, 0.0, 0.0], [3.0, 7.0, 0.0], [-2.0, 1.0, 9.0]])


def naive(a: Array, b: Array, cell: Array, cutoff: float) -> list[tuple[int, int, float]]:
    """All pairs within the cutoff, every image, of one frame."""
    inverse = np.linalg.inv(cell)
    a, b = (a @ inverse % 1) @ cell, (b @ inverse % 1) @ cell
    found = []
    for shift in itertools.product(range(-4, 5), repeat=3):
        d = np.linalg.norm(b[None] + np.array(shift) @ cell - a[:, None], axis=-1)
        found += [(int(i), int(j), float(d[i, j])) for i, j in np.argwhere(d < cutoff)]
    return sorted(found)


@given(seed=st.integers(0, 1000), cutoff=st.floats(0.5, 9.0))
def test_pairs_equal_a_naive_search_also_beyond_half_the_box(seed: int, cutoff: float) -> None:
    rng = np.random.default_rng(seed)
    cell = TRICLINIC * rng.uniform(0.7, 1.5)
    a, b = rng.normal(size=(2, 7, 3)) * 20, rng.normal(size=(2, 11, 3)) * 20
    pairs = pairs_within(a, b, cell, cutoff)
    for t in range(2):
        part = slice(pairs.first[t], pairs.first[t + 1])
        found = sorted(
            (int(i), int(j), float(d))
            for (i, j), d in zip(pairs.index[part], pairs.distance[part], strict=True)
        )
        expected = naive(a[t], b[t], cell, cutoff)
        assert [p[:2] for p in found] == [p[:2] for p in expected]
        np.testing.assert_allclose([p[2] for p in found], [p[2] for p in expected], atol=1e-12)


@given(seed=st.integers(0, 1000), r_max=st.floats(1.0, 7.0))
def test_histogram_equals_the_pairs(seed: int, r_max: float) -> None:
    rng = np.random.default_rng(seed)
    a = rng.random((3, 40, 3)) * 10
    groups = rng.integers(0, 8, 40)
    blocks = np.array([0, 1, 0])
    for g in (None, (groups, groups)):
        counts = distance_histogram(a, None, TRICLINIC, r_max, 17, blocks, g)
        pairs = pairs_within(a, a, TRICLINIC, r_max)
        other = pairs.distance > 1e-9
        if g is not None:
            other &= groups[pairs.index[:, 0]] != groups[pairs.index[:, 1]]
        for block in (0, 1):
            d = pairs.distance[other & (blocks[pairs.frame] == block)]
            expected = np.histogram(d, bins=17, range=(0, r_max))[0]
            assert np.abs(counts[block] - expected).max() <= 1  # a pair on the edge of a bin
            assert counts[block].sum() == expected.sum()


def test_two_sets_and_one_set_agree() -> None:
    a = np.random.default_rng(1).random((2, 300, 3)) * 12
    cells = np.eye(3) * 12
    alone = distance_histogram(a, None, cells, 5.0, 50)
    twice = distance_histogram(a, a, cells, 5.0, 50)
    twice[0, 0] -= 600  # each with itself
    np.testing.assert_array_equal(alone, twice)


def test_rdf_counts_equal_mdanalysis_and_freud() -> None:
    freud = pytest.importorskip("freud")
    rng = np.random.default_rng(2)
    length = 20.0
    positions = (rng.random((4, 500, 3)) * length).astype(np.float32).astype(float)
    ours = distance_histogram(positions, None, np.eye(3) * length, 8.0, 80)[0]
    rdf = freud.density.RDF(bins=80, r_max=8.0)
    for frame in positions:
        rdf.compute((freud.box.Box.cube(length), frame - length / 2), reset=False)
    # freud works in single precision: pairs at the edge of a bin may fall to the other side.
    assert np.abs(ours - rdf.bin_counts).max() <= 6
    assert abs(int(ours.sum()) - int(rdf.bin_counts.sum())) <= 6


def test_half_box_of_a_triclinic_cell() -> None:
    heights = np.linalg.det(TRICLINIC) / np.array(
        [
            np.linalg.norm(np.cross(TRICLINIC[1], TRICLINIC[2])),
            np.linalg.norm(np.cross(TRICLINIC[2], TRICLINIC[0])),
            np.linalg.norm(np.cross(TRICLINIC[0], TRICLINIC[1])),
        ]
    )
    assert half_box(TRICLINIC[None]) == pytest.approx(heights.min() / 2)


def test_bad_input_is_refused() -> None:
    a = np.zeros((1, 2, 3))
    with pytest.raises(InputError, match="no volume"):
        distance_histogram(a, None, np.zeros((3, 3)), 1.0, 10)
    with pytest.raises(InputError, match="not finite"):
        distance_histogram(a + np.nan, None, np.eye(3), 1.0, 10)
    with pytest.raises(InputError, match="shape"):
        distance_histogram(a[0], None, np.eye(3), 1.0, 10)
