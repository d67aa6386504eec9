"""The linear algebra of MaxVol against brute force."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elyte.selection.maxvol import Basis, largest, maximise, swap

TOLERANCE = 1e-6


def filled(rows: np.ndarray, floor: float = 1e-6) -> Basis:
    basis = Basis(floor * np.sqrt(np.mean(rows**2, axis=0)))
    basis.start(rows, np.arange(len(rows)))
    maximise(basis, rows, 1.0 + TOLERANCE)
    return basis


def swap_search(rows: np.ndarray, chosen: list[int]) -> list[int]:
    """Exchange single rows, determinant by determinant, until no exchange gains anything."""
    chosen = list(chosen)
    volume = abs(np.linalg.det(rows[chosen]))
    improved = True
    while improved:
        improved = False
        for place in range(len(chosen)):
            for row in range(len(rows)):
                trial = chosen[:place] + [row] + chosen[place + 1 :]
                if abs(np.linalg.det(rows[trial])) > volume * (1 + 10 * TOLERANCE):
                    chosen, volume, improved = trial, abs(np.linalg.det(rows[trial])), True
    return chosen


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(0, 25))
def test_no_single_exchange_found_by_brute_force_gains_volume(seed, size, extra):
    rows = np.random.default_rng(seed).normal(size=(size + extra, size))
    basis = filled(rows)
    assert (basis.holders >= 0).all()
    chosen = basis.holders.tolist()
    assert swap_search(rows, chosen) == chosen


@given(st.integers(0, 10_000))
def test_the_volume_is_near_that_of_the_best_of_all_subsets(seed):
    rows = np.random.default_rng(seed).normal(size=(9, 3))
    best = max(abs(np.linalg.det(rows[list(c)])) for c in combinations(range(9), 3))
    found = abs(np.linalg.det(rows[filled(rows).holders]))
    # a dominant submatrix is within a factor n^(n/2) of the maximum
    assert best / 3**1.5 <= found <= best * (1 + 1e-12)


@given(st.integers(0, 10_000), st.integers(2, 40))
def test_dominance_and_the_inverse(seed, size):
    rows = np.random.default_rng(seed).normal(size=(4 * size, size))
    basis = filled(rows)
    assert largest(rows @ np.linalg.inv(basis.matrix)).max() <= 1 + 2 * TOLERANCE
    np.testing.assert_allclose(basis.inverse @ basis.matrix, np.eye(size), atol=1e-8)
    np.testing.assert_array_equal(basis.matrix, rows[basis.holders])


def test_a_row_is_never_in_two_places():
    random = np.random.default_rng(3)
    rows = np.repeat(random.normal(size=(20, 6)), 3, axis=0)
    basis = filled(rows)
    assert len({holder // 3 for holder in basis.holders}) == 6


def test_rank_deficient_rows_leave_pseudo_rows_that_have_no_say_within_their_span():
    random = np.random.default_rng(1)
    rows = random.normal(size=(50, 4)) @ random.normal(size=(4, 10))
    basis = filled(rows, floor=1e-4)
    assert (basis.holders >= 0).sum() == 4
    inside = random.normal(size=(30, 50)) @ rows / 50
    pseudo = basis.holders < 0
    assert np.abs(basis.coefficients(inside)[:, pseudo]).max() < 1e-8
    outside = random.normal(size=(30, 10))
    assert largest(basis.coefficients(outside)).min() > 100


def test_rows_smaller_than_the_floor_do_not_enter():
    rows = np.diag([1.0, 1.0, 1.0])
    noise = rows + 1e-9 * np.random.default_rng(0).normal(size=(3, 3))
    basis = Basis(1e-3 * np.ones(3))
    basis.start(noise[:2], np.arange(2))
    assert sorted(basis.holders) == [-1, 0, 1]
    assert maximise(basis, noise[:2], 1.01) == 0


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_the_batched_update_equals_the_inverse_anew(seed, count):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(30, 8))
    basis = filled(rows)
    coefficients = basis.coefficients(rows)
    new = 3 * random.normal(size=(count, 8))
    found = basis.coefficients(new)
    places: dict[int, int] = {}
    before = basis.log_volume
    growth = swap(found.copy(), 1.01, np.arange(count), places)
    positions, entered = np.array(list(places), int), np.array(list(places.values()), int)
    if len(positions):
        update = basis.replace(positions, new[entered], found[entered], 100 + entered)
        update.apply(coefficients)
    np.testing.assert_allclose(basis.inverse, np.linalg.inv(basis.matrix), atol=1e-9)
    np.testing.assert_allclose(coefficients, rows @ np.linalg.inv(basis.matrix), atol=1e-9)
    assert basis.log_volume - before == pytest.approx(growth, abs=1e-9)


def test_extending_by_columns_keeps_old_coefficients():
    rows = np.random.default_rng(0).normal(size=(20, 5))
    basis = filled(rows)
    old = basis.coefficients(rows)
    basis.extend(np.array([2.0, 3.0]))
    wide = np.hstack([rows, np.zeros((20, 2))])
    np.testing.assert_allclose(basis.coefficients(wide), np.hstack([old, np.zeros((20, 2))]))
    assert (basis.holders[5:] == -1).all()
    np.testing.assert_allclose(basis.inverse @ basis.matrix, np.eye(7), atol=1e-10)
