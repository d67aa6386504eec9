"""Thermal expansion: exact densities, coverage, curvature, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from elyte.analysis.thermo.density import fixed_density
from elyte.analysis.thermo.expansion import thermal_expansion
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage

TEMPERATURES = np.array([290.0, 320.0, 350.0, 400.0])
ALPHA = 7e-4


def listed(values: np.ndarray, relative: float = 1e-3) -> list[Quantity]:
    return [
        Quantity("density", float(v), float(v * relative), "g/cm³", temperature=float(t))
        for v, t in zip(values, TEMPERATURES, strict=False)
    ]


def exact(curvature: float = 0.0) -> np.ndarray:
    x = TEMPERATURES - 300
    return 1.3 * np.exp(-ALPHA * x + curvature * x**2 / 2)


def test_exact_densities() -> None:
    quantity, curve = thermal_expansion(listed(exact()))
    assert quantity.value == pytest.approx(ALPHA, rel=1e-9)
    assert quantity.unit == "1/K"
    assert quantity.temperature == TEMPERATURES.mean()
    np.testing.assert_allclose(curve.y, 1.3 * np.exp(-ALPHA * (curve.x - 300)), rtol=1e-9)


def test_quadratic_fit_gives_the_coefficient_at_a_temperature() -> None:
    for t in (300.0, 380.0):
        quantity, _ = thermal_expansion(listed(exact(-2e-6)), at=t, quadratic=True)
        assert quantity.value == pytest.approx(ALPHA + 2e-6 * (t - 300), rel=1e-9)


@pytest.mark.parametrize(("count", "quadratic"), [(2, False), (4, False), (4, True)])
def test_coverage(count: int, quadratic: bool) -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        values = exact()[:count] * (1 + 3e-3 * rng.normal(size=count))
        return thermal_expansion(listed(values, 3e-3), quadratic=quadratic)[0]

    found = coverage(draw, ALPHA, runs=300)
    assert 0.63 < found.inside_68 < 0.76
    assert 0.92 < found.inside_95 < 0.99


def test_a_line_through_curved_densities_is_widened() -> None:
    bent, straight = (thermal_expansion(listed(v, 1e-4))[0] for v in (exact(-5e-6), exact()))
    assert bent.details["p_value"] < 1e-6
    assert bent.error > 3 * straight.error


def test_too_few_are_withheld() -> None:
    densities = listed(exact())
    densities[1:] = [replace(q, value=np.nan, withheld="too short") for q in densities[1:]]
    quantity, curve = thermal_expansion(densities)
    assert "fewer than 2 temperatures" in quantity.withheld
    assert len(curve.x) == 0
    assert thermal_expansion(listed(exact())[:2], quadratic=True)[0].withheld


@pytest.mark.parametrize("change", [{"temperature": None}, {"value": 0.0}, {"error": np.nan}])
def test_bad_input(change: dict[str, object]) -> None:
    densities = listed(exact())
    with pytest.raises(InputError):
        thermal_expansion([*densities, replace(densities[0], **change)])


def test_imposed_or_no_densities_are_refused() -> None:
    with pytest.raises(InputError, match="constant pressure"):
        thermal_expansion([fixed_density(1000.0, 800.0, 300.0), *listed(exact())])
    with pytest.raises(InputError, match="none was given"):
        thermal_expansion([])
