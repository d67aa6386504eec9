"""Correlation functions against loops, tidynamics, and a trajectory with a known value."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from data import shared_data
from elyte.analysis.correlation import (
    autocorrelation,
    cross_correlation,
    cross_displacement,
    mean_squared_displacement,
)
from elyte.core.errors import InputError

WALK = np.cumsum(np.random.default_rng(0).normal(size=(60, 4, 3)), axis=0)


def test_displacement_equals_a_double_loop() -> None:
    naive = [
        np.mean(np.sum((WALK[k:] - WALK[: len(WALK) - k]) ** 2, axis=-1)) for k in range(len(WALK))
    ]
    np.testing.assert_allclose(mean_squared_displacement(WALK), naive, rtol=1e-9, atol=1e-9)


def test_autocorrelation_equals_a_double_loop() -> None:
    naive = [np.mean(np.sum(WALK[k:] * WALK[: len(WALK) - k], axis=-1)) for k in range(20)]
    np.testing.assert_allclose(autocorrelation(WALK, 20), naive, rtol=1e-10)


def test_cross_functions_equal_double_loops() -> None:
    a, b = WALK[:, 0], WALK[:, 1]
    n = len(a)
    displaced = [np.mean(np.sum((a[k:] - a[: n - k]) * (b[k:] - b[: n - k]), -1)) for k in range(9)]
    np.testing.assert_allclose(cross_displacement(a, b, 9), displaced, atol=1e-9)
    product = [np.mean(np.sum(a[: n - k] * b[k:] + a[k:] * b[: n - k], -1)) / 2 for k in range(9)]
    np.testing.assert_allclose(cross_correlation(a, b, 9), product, atol=1e-9)


def test_ballistic_motion() -> None:
    velocity = np.array([[1.0, 2.0, -2.0], [0.0, 0.0, 3.0]])
    positions = np.arange(50)[:, None, None] * velocity
    np.testing.assert_allclose(
        mean_squared_displacement(positions), 9.0 * np.arange(50) ** 2, atol=1e-8
    )


def test_equal_to_tidynamics() -> None:
    tidynamics = pytest.importorskip("tidynamics")
    long = np.cumsum(np.random.default_rng(3).normal(size=(3000, 5, 3)), axis=0)
    msd = np.mean([tidynamics.msd(long[:, i]) for i in range(5)], axis=0)
    ours = mean_squared_displacement(long)
    np.testing.assert_allclose(ours[1:], msd[1:], rtol=1e-9, atol=1e-7)  # theirs is 1e-8 at lag 0
    acf = np.mean([tidynamics.acf(long[:, i]) for i in range(5)], axis=0)
    np.testing.assert_allclose(autocorrelation(long), acf, rtol=1e-9, atol=1e-8)


def test_known_norm_of_a_stored_random_walk() -> None:
    mda = pytest.importorskip("MDAnalysis")
    folder = shared_data("trajectories/random_walk")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        universe = mda.Universe(
            str(folder / "RANDOM_WALK_TOPO.pdb"), str(folder / "xyz_random_walk.xtc")
        )
        positions = np.array([t.positions.astype(float) for t in universe.trajectory])
    norm = np.linalg.norm(mean_squared_displacement(positions))
    assert norm == pytest.approx(3932.39927487146, rel=1e-7)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError):
        cross_displacement(WALK[:, 0], WALK[:5, 1])
    with pytest.raises(InputError):
        autocorrelation(np.zeros((0, 3)))
