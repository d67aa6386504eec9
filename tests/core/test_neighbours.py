"""Neighbour lists against a naive version and against real, odd cells."""

from __future__ import annotations

import ase.io
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import shared_data
from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.core.neighbours import Neighbours, neighbours, neighbours_naive


def as_set(found: Neighbours) -> set[tuple[int, ...]]:
    rows = np.column_stack([found.first, found.second, found.shift])
    return set(map(tuple, rows.tolist()))


def assert_equal(frame: Frame, cutoff: float) -> None:
    fast, naive = neighbours(frame, cutoff), neighbours_naive(frame, cutoff)
    assert len(as_set(fast)) == len(fast)
    differing = as_set(fast) ^ as_set(naive)
    # only pairs at the cutoff to rounding may be on one list and not on the other
    for i, j, *shift in differing:
        vector = frame.positions[j] - frame.positions[i] + np.array(shift) @ frame.cell
        assert abs(np.linalg.norm(vector) - cutoff) < 1e-9
    assert (np.diff(fast.first) >= 0).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 30),
    pbc=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    size=st.floats(1.5, 15),
    cutoff=st.floats(0.5, 7),
)
def test_equals_naive_in_any_cell(
    seed: int, n: int, pbc: tuple[bool, bool, bool], size: float, cutoff: float
) -> None:
    random = np.random.default_rng(seed)
    cell = size * (np.eye(3) + random.uniform(-0.4, 0.4, (3, 3)))
    positions = random.uniform(-2, 3, (n, 3)) @ cell
    assert_equal(Frame(np.ones(n), positions, cell, pbc), cutoff)


@pytest.mark.parametrize("pbc", [(1, 0, 0), (0, 1, 1), (0, 0, 0)])
def test_directions_without_period_need_no_cell_vector(pbc: tuple[int, int, int]) -> None:
    random = np.random.default_rng(4)
    n = 40
    frame = Frame(np.ones(n), random.uniform(0, 8, (n, 3)))
    cell = np.diag(np.where(pbc, 6.0, 0.0))
    fully = np.where(pbc, 6.0, 1.0) * np.eye(3)
    with_box = Frame(frame.numbers, frame.positions, fully, pbc)
    assert_equal(with_box, 3.0)
    if not any(pbc):
        assert as_set(neighbours(Frame(frame.numbers, frame.positions, cell), 3.0)) == as_set(
            neighbours(with_box, 3.0)
        )


def test_large_boxes_and_thin_gases() -> None:
    random = np.random.default_rng(1)
    dense = Frame(np.ones(800), random.uniform(0, 20, (800, 3)), 20 * np.eye(3), True)
    assert_equal(dense, 4.0)
    gas = Frame(np.ones(50), random.uniform(0, 3000, (50, 3)), 3000 * np.eye(3), True)
    assert_equal(gas, 400.0)


def test_one_atom_sees_its_images() -> None:
    frame = Frame([1], [[0.3, 0.2, 0.1]], 3 * np.eye(3), True)
    assert len(neighbours(frame, 3.1)) == 6
    assert len(neighbours(frame, 2.9)) == 0


def test_atoms_at_one_point_are_a_pair() -> None:
    frame = Frame([1, 1], np.zeros((2, 3)))
    assert as_set(neighbours(frame, 1.0)) == {(0, 1, 0, 0, 0), (1, 0, 0, 0, 0)}


@pytest.mark.parametrize("pbc", [(True, True, True), (False, True, False)])
def test_collapsed_cell(pbc: tuple[bool, bool, bool]) -> None:
    with pytest.raises(InputError, match="far too small for the cutoff"):
        neighbours(Frame([1], [[0, 0, 0]], 1e-7 * np.eye(3), pbc), 5.0)


def test_cutoff_must_be_positive() -> None:
    with pytest.raises(InputError, match="positive cutoff"):
        neighbours(Frame([1], [[0, 0, 0]]), 0.0)


def test_odd_cells() -> None:
    path = shared_data("oracles/ewald_cells/tests/calculators/pbc_structures.xyz")
    for atoms in ase.io.read(path, ":")[::3]:
        frame = Frame.from_ase(atoms)
        assert_equal(frame, min(4.0, 1.5 * frame.volume ** (1 / 3)))
