"""Van Hove's self part and α₂: Brownian walkers, mixtures with a known α₂, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.transport.van_hove import (
    non_gaussian_curve,
    non_gaussian_parameter,
    van_hove_self,
)
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage
from elyte.testing.synthetic import brownian

STEP = 10.0


def test_brownian_distribution_is_maxwells() -> None:
    runs = [brownian(np.random.default_rng(k), 400, 200, 0.5) for k in range(2)]
    curves = van_hove_self(runs, STEP, [20.0, 80.0], bins=40, longest=12.0, species="Li")
    for curve, lag in zip(curves, (2, 8), strict=True):
        s = 0.5 * lag
        exact = np.sqrt(2 / np.pi) * curve.x**2 / s**1.5 * np.exp(-(curve.x**2) / (2 * s))
        np.testing.assert_allclose(curve.y, exact, atol=0.02)
        assert np.sum(curve.y) * 0.3 == pytest.approx(1.0, abs=1e-6)
        assert curve.details["time_ps"] == lag * STEP / 1000


def test_error_of_the_distribution_is_its_scatter() -> None:
    draws = [
        van_hove_self([brownian(np.random.default_rng(k), 60, 20, 1.0)], STEP, [30.0], 10, 6.0)[0]
        for k in range(60)
    ]
    scatter = np.std([c.y for c in draws], axis=0)
    stated = np.sqrt(np.mean([np.asarray(c.y_error) ** 2 for c in draws], axis=0))
    np.testing.assert_allclose(stated, scatter, rtol=0.35, atol=1e-3)


@pytest.mark.parametrize(("frames", "particles", "time"), [(300, 40, 50.0), (60, 12, 100.0)])
def test_alpha_2_of_brownian_walkers_covers_zero(frames: int, particles: int, time: float) -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        return non_gaussian_parameter([brownian(rng, frames, particles, 1.0)], STEP, time)

    found = coverage(draw, 0.0, runs=300)
    assert 0.60 < found.inside_68 < 0.78
    assert 0.88 < found.inside_95 < 0.99
    assert found.withheld == 0
    assert abs(found.bias) < 0.4


def test_alpha_2_of_two_kinds_of_walkers() -> None:
    # ⟨r⁴⟩ of a mixture: α₂ = ⟨D²⟩/⟨D⟩² − 1
    rng = np.random.default_rng(0)
    walks = np.concatenate([brownian(rng, 800, 150, 4.0), brownian(rng, 800, 150, 1.0)], axis=1)
    found = non_gaussian_parameter([walks], STEP, 50.0)
    exact = (16 + 1) / 2 / 2.5**2 - 1
    assert found.value == pytest.approx(exact, abs=3 * found.error)
    assert found.error < 0.15
    curve = non_gaussian_curve([walks], STEP, points=8)
    np.testing.assert_allclose(curve.y[:4], exact, atol=0.2)
    assert curve.x[0] == STEP / 1000


def test_fixed_steps_have_no_tail() -> None:
    # every particle moves by the same distance: ⟨r⁴⟩ = ⟨r²⟩²
    line = np.arange(50.0)[:, None, None] * np.ones((1, 12, 3))
    assert non_gaussian_parameter([line], STEP, 10.0).value == pytest.approx(-0.4)


def test_what_is_withheld() -> None:
    rng = np.random.default_rng(1)
    few = non_gaussian_parameter([brownian(rng, 100, 3, 1.0)], STEP, 10.0)
    assert "only 3 particles" in few.withheld
    short = non_gaussian_parameter([brownian(rng, 100, 30, 1.0)], STEP, 500.0)
    assert "too short" in short.withheld
    still = non_gaussian_parameter([np.zeros((100, 30, 3))], STEP, 10.0)
    assert still.withheld == "nothing moves"
    assert len(non_gaussian_curve([np.zeros((100, 30, 3))], STEP).x) == 0


def test_bad_input() -> None:
    walk = brownian(np.random.default_rng(2), 50, 12, 1.0)
    for runs, step, time in (
        ([walk], 0.0, 10.0),
        ([walk], STEP, 1.0),
        ([walk], STEP, 5000.0),
        ([walk[:, 0]], STEP, 10.0),
        ([walk * np.nan], STEP, 10.0),
        ([], STEP, 10.0),
    ):
        with pytest.raises(InputError):
            non_gaussian_parameter(runs, step, time)
        with pytest.raises(InputError):
            van_hove_self(runs, step, [time])
    with pytest.raises(InputError, match="at least one time"):
        van_hove_self([walk], STEP, [])
