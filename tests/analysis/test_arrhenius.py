"""Arrhenius and VFT fits: exact data, coverage, what cannot be told apart, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from elyte.analysis.intervals import interval
from elyte.analysis.transport.arrhenius import arrhenius, vogel_fulcher_tammann
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage

GAS = 8.31446261815324e-3  # kJ/(mol K)
TEMPERATURES = np.array([300.0, 330.0, 360.0, 400.0, 450.0])


def listed(values: np.ndarray, relative: float, temperatures: np.ndarray) -> list[Quantity]:
    return [
        Quantity("D", float(v), float(v * relative), "m²/s", temperature=float(t), species="Li")
        for v, t in zip(values, temperatures, strict=True)
    ]


def activated(energy: float, temperatures: np.ndarray = TEMPERATURES) -> np.ndarray:
    return 2e-8 * np.exp(-energy / (GAS * temperatures))


def vogel(b: float, t0: float, temperatures: np.ndarray) -> np.ndarray:
    return 3e-8 * np.exp(-b / (temperatures - t0))


def noisy(rng: np.random.Generator, values: np.ndarray, relative: float) -> np.ndarray:
    return values * np.exp(relative * rng.normal(size=len(values)))


@pytest.mark.parametrize("energy", [5.0, 25.0, 60.0])
def test_exact_arrhenius_data(energy: float) -> None:
    found, curve = arrhenius(listed(activated(energy), 0.01, TEMPERATURES))
    assert found.value == pytest.approx(energy, rel=1e-9)
    assert found.unit == "kJ/mol"
    assert found.species == "Li"
    assert found.details["ln_prefactor"] == pytest.approx(np.log(2e-8))
    assert found.details["p_value"] == pytest.approx(1.0)
    exact = activated(energy, 1000 / curve.x)
    np.testing.assert_allclose(curve.y, exact, rtol=1e-9)


def test_a_property_that_falls_has_a_positive_energy_too() -> None:
    found, _ = arrhenius(listed(1e-20 / activated(30.0), 0.02, TEMPERATURES), rises=False)
    assert found.value == pytest.approx(30.0, rel=1e-9)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_coverage_of_activation_energy(count: int) -> None:
    t = TEMPERATURES[:count]

    def draw(rng: np.random.Generator) -> Quantity:
        return arrhenius(listed(noisy(rng, activated(25.0, t), 0.08), 0.08, t))[0]

    found = coverage(draw, 25.0, runs=300)
    assert 0.63 < found.inside_68 < 0.76
    assert 0.92 < found.inside_95 < 0.99


def test_curved_data_widen_the_error_and_say_so() -> None:
    bent = listed(vogel(600.0, 200.0, TEMPERATURES), 0.01, TEMPERATURES)
    straight = listed(activated(25.0), 0.01, TEMPERATURES)
    assert arrhenius(bent)[0].details["p_value"] < 1e-6
    assert arrhenius(bent)[0].error > 3 * arrhenius(straight)[0].error


def test_an_interval_that_a_quantity_brings_is_used() -> None:
    plain = listed(activated(25.0), 0.1, TEMPERATURES)
    wide = [
        replace(q, details={"interval_68": [q.value / np.exp(0.3), q.value * np.exp(0.3)]})
        for q in plain
    ]
    assert arrhenius(wide)[0].error == pytest.approx(3 * arrhenius(plain)[0].error)


def test_withheld_values_are_left_out_and_too_few_are_withheld() -> None:
    quantities = listed(activated(25.0), 0.01, TEMPERATURES)
    quantities[1] = Quantity.withhold("D", "m²/s", "too short", temperature=330.0, species="Li")
    found, _ = arrhenius(quantities)
    assert found.value == pytest.approx(25.0)
    assert found.details["left_out"] == ["330.0 K: too short"]
    alone, curve = arrhenius(quantities[:2])
    assert "two temperatures" in alone.withheld
    assert len(curve.x) == 0


def test_exact_vft_data() -> None:
    t = np.linspace(260.0, 450.0, 8)
    b, t0, curve = vogel_fulcher_tammann(listed(vogel(700.0, 190.0, t), 0.01, t))
    assert b.value == pytest.approx(700.0, rel=2e-3)
    assert t0.value == pytest.approx(190.0, abs=0.2)
    np.testing.assert_allclose(curve.y, vogel(700.0, 190.0, 1000 / curve.x), rtol=1e-3)


@pytest.mark.parametrize("which", [0, 1])
def test_coverage_of_vft(which: int) -> None:
    t = np.linspace(240.0, 450.0, 7)

    def draw(rng: np.random.Generator) -> Quantity:
        values = noisy(rng, vogel(700.0, 190.0, t), 0.03)
        return vogel_fulcher_tammann(listed(values, 0.03, t))[which]

    found = coverage(draw, (700.0, 190.0)[which], runs=80)
    assert 0.55 < found.inside_68 < 0.82
    assert 0.88 < found.inside_95 <= 1.0
    assert found.withheld < 0.05


def test_vft_is_withheld_where_arrhenius_describes_the_values() -> None:
    b, t0, _ = vogel_fulcher_tammann(listed(activated(25.0), 0.05, TEMPERATURES))
    assert "Arrhenius" in b.withheld
    assert t0.withheld == b.withheld
    few = listed(activated(25.0), 0.05, TEMPERATURES)[:3]
    assert "four temperatures" in vogel_fulcher_tammann(few)[0].withheld


def test_intervals_hold_the_value() -> None:
    t = np.linspace(260.0, 450.0, 8)
    for quantity in vogel_fulcher_tammann(listed(vogel(700.0, 190.0, t), 0.02, t))[:2]:
        (a, b), (c, d) = interval(quantity, 0.68), interval(quantity, 0.95)
        assert c < a < quantity.value < b < d


@pytest.mark.parametrize(
    "change", [{"temperature": None}, {"value": -1.0}, {"error": 0.0}, {"unit": "cm²/s"}]
)
def test_bad_input(change: dict[str, object]) -> None:
    quantities = listed(activated(25.0), 0.01, TEMPERATURES)
    quantities[0] = replace(quantities[0], **change)
    with pytest.raises(InputError):
        arrhenius(quantities)
    with pytest.raises(InputError):
        vogel_fulcher_tammann([])
