"""The jackknife of a mean is its standard error; kinks, weights, too few samples."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.jackknife import jackknife
from elyte.analysis.profile import solve_profile, weighted_fit, widening


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    x = np.random.default_rng(0).normal(size=(20, 1))
    found = jackknife(x, lambda row: float(row[0]), np.ones((20, 1)))
    assert found.value == pytest.approx(x.mean())
    assert found.standard_error == pytest.approx(x.std(ddof=1) / np.sqrt(20))
    assert found.degrees_of_freedom == 19


def test_the_bias_of_a_square_is_taken_out() -> None:
    x = np.random.default_rng(1).normal(size=(30, 1))
    args = (x, lambda row: float(row[0] ** 2), np.ones((30, 1)))
    exact = x.mean() ** 2 - x.var(ddof=1) / 30
    assert jackknife(*args, groups=30).value == pytest.approx(exact)
    assert jackknife(*args, groups=30, corrected=False).value == pytest.approx(x.mean() ** 2)


def test_few_samples_give_a_reason() -> None:
    found = jackknife(np.ones((4, 1)), lambda row: float(row[0]), np.ones((4, 1)))
    assert "only 4" in found.reason


def test_profile_at_each_point_is_the_weighted_fit() -> None:
    rng = np.random.default_rng(2)
    x, errors = np.linspace(1, 5, 9), np.full(9, 0.1)
    y = 2 + 3 * x**1.5 + 0.1 * rng.normal(size=9)
    grid = np.linspace(1.0, 2.0, 201)
    profile = solve_profile(lambda p: np.stack([x**0, x**p], axis=1), grid, y, errors)
    for k in (0, 77, 200):
        design = np.stack([x**0, x ** grid[k]], axis=1)
        parameters, covariance, chi2 = weighted_fit(design, y, errors)
        np.testing.assert_allclose(profile.parameters[k], parameters, rtol=1e-8)
        np.testing.assert_allclose(profile.covariances[k], covariance, rtol=1e-8)
        assert profile.chi2[k] == pytest.approx(chi2, rel=1e-8)
    low, high = profile.interval(0.95)
    assert low < 1.5 < high
    assert profile.freedom == 6


def test_only_improbable_scatter_widens() -> None:
    assert widening(3.0, 4) == 1.0
    assert widening(40.0, 4) == pytest.approx(np.sqrt(10))
    assert widening(1.0, 0) == 1.0
