"""Tait equation: exact densities, coverage with B unknown, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from elyte.analysis.intervals import interval
from elyte.analysis.thermo.tait import tait_compressibility
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage

PRESSURES = np.array([0.0001, 0.05, 0.1, 0.2, 0.3, 0.5])
B, C, AT = 0.12, 0.09, 0.0001
TRUTH = C / (B + AT)


def exact(pressures: np.ndarray = PRESSURES) -> np.ndarray:
    return 1.2 / (1 - C * np.log((B + pressures) / (B + AT)))


def listed(values: np.ndarray, relative: float = 5e-4) -> list[Quantity]:
    return [
        Quantity("density", float(v), float(v * relative), "g/cm³", temperature=320.0)
        for v in values
    ]


def test_exact_densities() -> None:
    found, curve = tait_compressibility(PRESSURES, listed(exact()), AT)
    assert found.value == pytest.approx(TRUTH, rel=2e-3)
    assert found.details["B_GPa"] == pytest.approx(B, rel=5e-3)
    assert found.details["C"] == pytest.approx(C, rel=5e-3)
    assert found.unit == "1/GPa"
    np.testing.assert_allclose(curve.y, exact(curve.x), rtol=5e-5)


def test_at_another_pressure() -> None:
    found, _ = tait_compressibility(PRESSURES, listed(exact()), 0.2)
    step = 1e-6
    low, high = exact(np.array([0.2 - step, 0.2 + step]))
    assert found.value == pytest.approx(np.log(high / low) / (2 * step), rel=2e-3)


def test_order_does_not_matter() -> None:
    back, _ = tait_compressibility(PRESSURES[::-1], listed(exact()[::-1]), AT)
    assert back.value == tait_compressibility(PRESSURES, listed(exact()), AT)[0].value


@pytest.mark.parametrize("relative", [3e-4, 2e-3])
def test_coverage(relative: float) -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        values = exact() * (1 + relative * rng.normal(size=len(PRESSURES)))
        return tait_compressibility(PRESSURES, listed(values, relative), AT)[0]

    found = coverage(draw, TRUTH, runs=150)
    assert 0.58 < found.inside_68 < 0.80
    assert 0.90 < found.inside_95 <= 1.0
    assert found.withheld < 0.1


def test_intervals_hold_the_value() -> None:
    found, _ = tait_compressibility(PRESSURES, listed(exact()), AT)
    (a, b), (c, d) = interval(found, 0.68), interval(found, 0.95)
    assert c < a < found.value < b < d


def test_what_is_withheld() -> None:
    few, curve = tait_compressibility(PRESSURES[:3], listed(exact()[:3]), AT)
    assert "fewer than 4 pressures" in few.withheld
    assert len(curve.x) == 0
    densities = listed(exact())
    densities[:3] = [Quantity.withhold("density", "g/cm³", "void", temperature=320.0)] * 3
    assert tait_compressibility(PRESSURES, densities, AT)[0].withheld
    flat, _ = tait_compressibility(PRESSURES, listed(np.full(6, 1.2)), AT)
    assert "does not fall" in flat.withheld


@pytest.mark.parametrize("change", [{"value": -1.0}, {"error": 0.0}, {"temperature": 300.0}])
def test_bad_densities(change: dict[str, object]) -> None:
    densities = listed(exact())
    densities[2] = replace(densities[2], **change)
    with pytest.raises(InputError):
        tait_compressibility(PRESSURES, densities, AT)


def test_bad_pressures() -> None:
    for pressures, at in ((PRESSURES[:2], AT), (PRESSURES * np.nan, AT), (PRESSURES, 3.0)):
        with pytest.raises(InputError):
            tait_compressibility(pressures, listed(exact()), at)
    with pytest.raises(InputError):
        tait_compressibility([], [], AT)
