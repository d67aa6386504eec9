"""Shear viscosity: an Ornstein–Uhlenbeck stress, coverage, isotropy, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.intervals import interval
from elyte.analysis.transport.diffusion import integrated
from elyte.analysis.transport.viscosity import (
    shear_components,
    viscosity,
    viscosity_from_moments,
)
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage
from elyte.testing.synthetic import autoregressive

STEP, VOLUME, TEMPERATURE, SPREAD, DECAY = 5.0, 30_000.0, 350.0, 1e-3, 0.9
# trapezoidal sum of SPREAD² DECAY^k over k ≥ 0, in SI: V σ² Δt [1/(1 − d) − ½] / k_B T
INTEGRAL = (SPREAD * 1.602176634e11) ** 2 * STEP * 1e-15 * (1 / (1 - DECAY) - 0.5)
TRUTH = VOLUME * 1e-30 / (1.380649e-23 * TEMPERATURE) * INTEGRAL


def ornstein_uhlenbeck(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Pressure tensors of an isotropic liquid whose shear stress decays exponentially."""
    full = SPREAD * np.sqrt(2) * autoregressive(rng, frames, DECAY, (3, 3))
    tensor = (full + full.transpose(0, 2, 1)) / 2  # variance 2σ² on the diagonal, σ² off it
    pressure = 0.02 + 0.01 * autoregressive(rng, frames, 0.99, (1, 1))
    return tensor + pressure * np.eye(3)


def estimate(rng: np.random.Generator, frames: int = 2000, runs: int = 1) -> Quantity:
    tensors = [ornstein_uhlenbeck(rng, frames) for _ in range(runs)]
    return viscosity(tensors, STEP, VOLUME, TEMPERATURE)[0]


def test_five_components_have_one_variance_and_do_not_depend_on_pressure() -> None:
    tensors = ornstein_uhlenbeck(np.random.default_rng(0), 200_000)
    found = np.cov(shear_components(tensors).T) / SPREAD**2
    np.testing.assert_allclose(found, np.eye(5), atol=0.05)
    shifted = tensors + 3.0 * np.eye(3)
    np.testing.assert_allclose(shear_components(shifted), shear_components(tensors), atol=1e-12)


def test_norm_of_the_components_is_that_of_the_traceless_tensor() -> None:
    p = np.random.default_rng(1).normal(size=(1, 3, 3))
    s = (p[0] + p[0].T) / 2 - np.eye(3) * np.trace(p[0]) / 3
    assert 2 * np.sum(shear_components(p) ** 2) == pytest.approx(np.sum(s**2))


@pytest.mark.parametrize(("frames", "runs"), [(1000, 1), (300, 2)])
def test_coverage(frames: int, runs: int) -> None:
    found = coverage(lambda rng: estimate(rng, frames, runs), TRUTH, runs=80)
    assert 0.58 < found.inside_68 < 0.88  # wide: the error counts what may still bend
    assert 0.90 < found.inside_95 <= 1.0
    assert found.withheld < 0.4  # the shorter is 2 × 30 relaxation times


def test_long_run_and_running_integral_find_the_truth() -> None:
    tensors = ornstein_uhlenbeck(np.random.default_rng(2), 40_000)
    quantity, curve = viscosity([tensors], STEP, VOLUME, TEMPERATURE)
    assert quantity.unit == "Pa s"
    assert quantity.value == pytest.approx(TRUTH, rel=0.1)
    assert curve.y_error is not None
    plateau = 100
    assert abs(curve.y[plateau] - TRUTH) < 3 * curve.y_error[plateau]


def test_integrated_moments_give_the_same_number() -> None:
    tensors = ornstein_uhlenbeck(np.random.default_rng(3), 3000)
    direct, _ = viscosity([tensors], STEP, VOLUME, TEMPERATURE)
    moments = viscosity_from_moments([integrated(tensors, STEP)], STEP, VOLUME, TEMPERATURE)
    assert moments.value == pytest.approx(direct.value, rel=1e-9)
    assert interval(moments) == pytest.approx(interval(direct), rel=1e-9)


def test_too_short_is_withheld() -> None:
    quantity = estimate(np.random.default_rng(4), 10)
    assert "only 10 frames" in quantity.withheld
    solid = np.random.default_rng(5).normal(size=(300, 3, 3))  # moments that stay where they are
    assert "Helfand moments" in viscosity_from_moments([solid], STEP, VOLUME, 300.0).withheld


@pytest.mark.parametrize(
    ("shape", "step", "volume", "temperature"),
    [
        ((50, 6), 1.0, 1.0, 1.0),
        ((50, 3, 3), 0.0, 1.0, 1.0),
        ((50, 3, 3), 1.0, -1.0, 1.0),
        ((50, 3, 3), 1.0, 1.0, np.nan),
    ],
)
def test_bad_input(shape: tuple[int, ...], step: float, volume: float, temperature: float) -> None:
    with pytest.raises(InputError):
        viscosity([np.ones(shape)], step, volume, temperature)


def test_a_scalar_pressure_and_broken_values_are_refused() -> None:
    for tensor in (np.eye(3) * np.ones((50, 1, 1)), np.full((50, 3, 3), np.nan)):
        with pytest.raises(InputError, match="pressure tensor"):
            viscosity([tensor], STEP, VOLUME, TEMPERATURE)
    with pytest.raises(InputError, match="no run"):
        viscosity([], STEP, VOLUME, TEMPERATURE)
