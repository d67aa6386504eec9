"""Slopes of displacements: the covariance against simulation, regimes, coverage."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from elyte.analysis.correlation import mean_squared_displacement
from elyte.analysis.intervals import interval
from elyte.analysis.transport.diffusion import green_kubo_diffusion, self_diffusion, yeh_hummer
from elyte.analysis.walk import displacement_covariance, fit_slope
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage
from elyte.testing.synthetic import brownian, caged, langevin

STEP = 100.0
UNIT = 1e-5 / (2 * STEP)  # slope of one axis per frame → m²/s


def test_covariance_of_displacements_equals_simulation() -> None:
    lags, frames = np.array([1, 3, 8]), 40
    rng = np.random.default_rng(0)
    samples = []
    for _ in range(20_000 // 50):
        walks = brownian(rng, frames, 50, 1.0)[..., 0]
        samples += [mean_squared_displacement(w[:, None])[lags] for w in walks.T]
    exact = np.arange(60.0)
    predicted = displacement_covariance(exact, lags, [frames], 1, 1)
    np.testing.assert_allclose(np.cov(np.array(samples).T), predicted, rtol=0.06)


@pytest.mark.parametrize(("frames", "particles", "runs"), [(300, 20, 1), (100, 1, 1), (60, 4, 3)])
def test_coverage_for_brownian_walkers(frames: int, particles: int, runs: int) -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        walks = [brownian(rng, frames, particles, 1.0) for _ in range(runs)]
        return self_diffusion(walks, STEP)[0]

    found = coverage(draw, UNIT, runs=200)
    assert 0.63 < found.inside_68 < 0.75
    assert 0.92 < found.inside_95 < 0.99
    assert found.withheld < 0.1


def test_coverage_with_inertia_from_positions_and_velocities() -> None:
    def draw(rng: np.random.Generator, kind: str) -> Quantity:
        positions, velocities = langevin(rng, 300, 12, 3.0, 0.5)
        if kind == "positions":
            return self_diffusion([positions], STEP)[0]
        return green_kubo_diffusion([velocities / STEP], STEP)[0]

    for kind in ("positions", "velocities"):
        found = coverage(partial(draw, kind=kind), UNIT, runs=200)
        assert 0.63 < found.inside_68 < 0.76
        assert 0.92 < found.inside_95 < 0.99


def test_caged_particles_are_fitted_where_they_have_left_the_cage() -> None:
    rng = np.random.default_rng(5)
    quantity, curve = self_diffusion([caged(rng, 3000, 30, 0.02, 8.0, 0.35)], STEP, "Li")
    low, high = interval(quantity, 0.95)
    assert low < 0.02 * UNIT < high
    assert quantity.details["fit_window_ps"][0] > 8.0 * STEP / 1000
    assert curve.details["window"] == tuple(quantity.details["fit_window_ps"])


def test_what_is_not_diffusive_is_withheld() -> None:
    ballistic = np.arange(200)[:, None, None] * np.random.default_rng(6).normal(size=(1, 50, 3))
    solid = np.random.default_rng(7).normal(size=(200, 50, 3)) * 0.2
    for walk in (ballistic, solid, np.zeros((50, 3, 3)), np.zeros((4, 3, 3))):
        quantity, _ = self_diffusion([walk], STEP)
        assert quantity.withheld
        assert np.isnan(quantity.value)


def test_a_short_run_of_one_particle_is_withheld_or_wide() -> None:
    found = coverage(lambda rng: self_diffusion([brownian(rng, 15, 1, 1.0)], STEP)[0], UNIT, 300)
    assert found.withheld > 0.2 or found.relative_error > 0.3
    assert found.inside_95 > 0.88


def test_particles_that_keep_their_surroundings_widen_the_error() -> None:
    rng = np.random.default_rng(8)
    fast, slow = brownian(rng, 400, 20, 5.0), brownian(rng, 400, 20, 0.2)
    mixed = self_diffusion([np.concatenate([fast, slow], axis=1)], STEP)[0]
    alike = self_diffusion([brownian(rng, 400, 40, 2.6)], STEP)[0]
    assert mixed.error / mixed.value > 3 * alike.error / alike.value


def test_scaling_of_units() -> None:
    walk = brownian(np.random.default_rng(9), 400, 30, 2.0)
    one = self_diffusion([walk], 10.0, least=0.0)[0]
    other = self_diffusion([3 * walk], 20.0, least=0.0)[0]
    assert other.value == pytest.approx(4.5 * one.value, rel=1e-6)


def test_given_first_lag_is_used() -> None:
    msd = mean_squared_displacement(brownian(np.random.default_rng(1), 500, 10, 1.0)) / 3
    assert fit_slope(msd, [500], 30, first=7).lags[0] == 7


def test_yeh_hummer_correction() -> None:
    # 2.837297 k_B T / (6 π η L) with 300 K, 1 mPa s, 30 Å
    assert yeh_hummer(1e-9, 300.0, 1e-3, 30.0) == pytest.approx(1e-9 + 2.0782e-10, rel=1e-3)
