"""Dielectric constant: Gaussian dipoles with a known answer, coverage, charged molecules."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.thermo.dielectric import box_dipole, dielectric_constant
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage
from elyte.testing.synthetic import autoregressive

VOLUME, TEMPERATURE, SPREAD = 27_000.0, 300.0, 8.0
DIPOLE_SI = SPREAD * 1.602176634e-19 * 1e-10
# ⟨M_x²⟩/(ε₀ V k_B T), in SI
TRUTH = 1 + DIPOLE_SI**2 / (8.8541878128e-12 * VOLUME * 1e-30 * 1.380649e-23 * TEMPERATURE)


def dipoles(rng: np.random.Generator, frames: int, decay: float = 0.9) -> np.ndarray:
    return SPREAD * autoregressive(rng, frames, decay, (3,))


def test_long_series() -> None:
    found = dielectric_constant([dipoles(np.random.default_rng(0), 40_000)], VOLUME, TEMPERATURE)
    assert found.value == pytest.approx(TRUTH, abs=3 * found.error)
    assert found.error < 0.04 * found.value
    other = dielectric_constant(
        [dipoles(np.random.default_rng(0), 40_000)], VOLUME, TEMPERATURE, high_frequency=2.0
    )
    assert other.value == pytest.approx(found.value + 1)


@pytest.mark.parametrize(("frames", "runs"), [(1000, 1), (200, 3)])
def test_coverage(frames: int, runs: int) -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        series = [dipoles(rng, frames) for _ in range(runs)]
        return dielectric_constant(series, VOLUME, TEMPERATURE)

    found = coverage(draw, TRUTH, runs=150)
    assert 0.58 < found.inside_68 < 0.78
    assert 0.90 < found.inside_95 <= 1.0
    assert found.withheld < 0.1


def test_dipole_of_neutral_molecules() -> None:
    rng = np.random.default_rng(1)
    positions = rng.normal(size=(5, 6, 3))
    charges, molecules = np.array([0.4, -0.4, 0.2, 0.3, -0.5, 0.0]), np.array([7, 7, 3, 3, 3, 9])
    found = box_dipole(positions, charges, molecules)
    naive = sum(q * positions[:, k] for k, q in enumerate(charges))
    np.testing.assert_allclose(found, naive, atol=1e-12)
    moved = positions + np.array([10.0, -4.0, 2.0])
    np.testing.assert_allclose(box_dipole(moved, charges, molecules), found, atol=1e-9)


def test_rounded_charges_do_not_see_the_origin() -> None:
    positions = np.random.default_rng(2).normal(size=(4, 3, 3))
    charges, molecules = np.array([0.3334, 0.3334, -0.6666]), np.zeros(3, int)
    moved = box_dipole(positions + 1e3, charges, molecules)
    np.testing.assert_allclose(moved, box_dipole(positions, charges, molecules), atol=1e-8)


def test_ions_are_refused() -> None:
    with pytest.raises(InputError, match=r"molecule 1 has a net charge of \+1.000 e"):
        box_dipole(np.zeros((3, 2, 3)), [1.0, 0.0], [1, 2])


def test_what_is_withheld() -> None:
    rng = np.random.default_rng(3)
    short = dielectric_constant([dipoles(rng, 60, 0.99)], VOLUME, TEMPERATURE)
    assert "too short" in short.withheld
    tilted = dielectric_constant([dipoles(rng, 3000) + [0, 0, 20.0]], VOLUME, TEMPERATURE)
    assert tilted.withheld


def test_bad_input() -> None:
    series = dipoles(np.random.default_rng(4), 100)
    for values, volume, temperature in (
        ([series], 0.0, 300.0),
        ([series], VOLUME, np.inf),
        ([series[:, :2]], VOLUME, 300.0),
        ([series * 0], VOLUME, 300.0),
        ([series * np.nan], VOLUME, 300.0),
        ([], VOLUME, 300.0),
    ):
        with pytest.raises(InputError):
            dielectric_constant(values, volume, temperature)
    with pytest.raises(InputError, match="one finite value"):
        box_dipole(np.zeros((3, 2, 3)), [0.0], [1, 2])
