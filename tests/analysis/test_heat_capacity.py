"""Heat capacity: classical oscillators by equipartition, coverage, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.thermo.heat_capacity import heat_capacity
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage
from elyte.testing.synthetic import autoregressive

TEMPERATURE, MASS, OSCILLATORS = 330.0, 600.0, 200
KT = 8.617333262145179e-05 * TEMPERATURE
TRUTH = OSCILLATORS * 8.31446261815324 / MASS  # R per oscillator, J/(g K)


def energies(rng: np.random.Generator, frames: int, decay: float = 0.8) -> np.ndarray:
    """Energy of classical oscillators, k_B T/2 for each of 2N squares; far from zero."""
    squares = autoregressive(rng, frames, decay, (2 * OSCILLATORS,)) ** 2
    return np.asarray(-5e4 + KT / 2 * squares.sum(axis=1))


def test_equipartition() -> None:
    found = heat_capacity([energies(np.random.default_rng(0), 20_000)], MASS, TEMPERATURE)
    assert found.value == pytest.approx(TRUTH, abs=3 * found.error)
    assert found.error < 0.03 * found.value
    assert found.details["heat_capacity_kB"] == pytest.approx(OSCILLATORS, rel=0.1)
    assert found.unit == "J/(g K)"
    assert "above experiment" in found.details["caveat"]
    assert found.name.endswith("constant pressure")


@pytest.mark.parametrize(("frames", "runs"), [(800, 1), (200, 3)])
def test_coverage(frames: int, runs: int) -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        series = [energies(rng, frames) for _ in range(runs)]
        return heat_capacity(series, MASS, TEMPERATURE, "volume")

    found = coverage(draw, TRUTH, runs=100)
    assert 0.56 < found.inside_68 < 0.80
    assert 0.89 < found.inside_95 <= 1.0
    assert found.withheld < 0.05


def test_the_zero_of_energy_and_the_size_do_not_matter() -> None:
    series = energies(np.random.default_rng(1), 500)
    one = heat_capacity([series], MASS, TEMPERATURE)
    other = heat_capacity([np.sqrt(2) * (series + 5e4)], 2 * MASS, TEMPERATURE)
    assert other.value == pytest.approx(one.value, rel=1e-6)


def test_too_short_is_withheld() -> None:
    rng = np.random.default_rng(2)
    assert "too short" in heat_capacity([energies(rng, 12)], MASS, TEMPERATURE).withheld
    slow = heat_capacity([energies(rng, 200, 0.995)], MASS, TEMPERATURE)
    assert "independent energies" in slow.withheld


def test_bad_input() -> None:
    series = energies(np.random.default_rng(3), 100)
    for values, mass, temperature, constant in (
        ([series], 0.0, TEMPERATURE, "volume"),
        ([series], MASS, -1.0, "volume"),
        ([series], MASS, TEMPERATURE, "entropy"),
        ([series[:, None]], MASS, TEMPERATURE, "volume"),
        ([series * np.nan], MASS, TEMPERATURE, "volume"),
        ([], MASS, TEMPERATURE, "volume"),
    ):
        with pytest.raises(InputError):
            heat_capacity(values, mass, temperature, constant)
    with pytest.raises(InputError, match="do not fluctuate"):
        heat_capacity([np.full(100, -3.0)], MASS, TEMPERATURE)
