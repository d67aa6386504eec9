"""Conductivity and Onsager coefficients of ions with a chosen matrix."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis import conductivity_from_current
from elyte.analysis.transport.green_kubo import current_curves
from elyte.analysis.transport.nernst_einstein import nernst_einstein, ratio, transport_numbers
from elyte.analysis.transport.onsager import (
    collective,
    conductivity,
    onsager,
    onsager_quantities,
)
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.core.units import BOLTZMANN, ELEMENTARY_CHARGE
from elyte.testing.coverage import coverage
from elyte.testing.synthetic import correlated_walks, langevin

VOLUME, TEMPERATURE, STEP = 8000.0, 350.0, 50.0
MATRIX = np.array([[1.0, 0.8], [0.8, 1.2]])  # ions of opposite charge dragging each other along
# z R of an anion moves against the cation: the sign of the charge stands in the matrix.
DIPOLES = MATRIX * np.array([[1, -1], [-1, 1]])


def si_conductivity(slope: float) -> float:
    """σ in SI units, written out: slope of ⟨ΔP_x²⟩ in (e Å)² per step."""
    c2m2_per_s = slope * (ELEMENTARY_CHARGE * 1e-10) ** 2 / (STEP * 1e-15)
    k_t = BOLTZMANN * TEMPERATURE * ELEMENTARY_CHARGE
    return c2m2_per_s / (2 * VOLUME * 1e-30 * k_t)


def test_parts_sum_to_the_conductivity_and_are_the_chosen_matrix() -> None:
    walks = correlated_walks(np.random.default_rng(0), 40_000, DIPOLES)
    total = collective([walks.sum(axis=0)], STEP, VOLUME, TEMPERATURE)
    parts = onsager([list(walks)], ["Li+", "PF6-"], STEP, VOLUME, TEMPERATURE, total)
    sigma, _ = conductivity([walks.sum(axis=0)], STEP, VOLUME, TEMPERATURE)
    assert parts.matrix.sum() == pytest.approx(sigma.value, rel=1e-9)
    exact = si_conductivity(1.0) * DIPOLES
    assert np.all(np.abs(parts.matrix - exact) < 4 * parts.errors)
    assert parts.transference.sum() == pytest.approx(1)


def test_a_negative_transference_number_is_found() -> None:
    matrix = np.array([[1.0, 1.3], [1.3, 4.0]]) * np.array([[1, -1], [-1, 1]])
    walks = correlated_walks(np.random.default_rng(1), 50_000, matrix)
    total = collective([walks.sum(axis=0)], STEP, VOLUME, TEMPERATURE)
    parts = onsager([list(walks)], ["Li+", "X-"], STEP, VOLUME, TEMPERATURE, total)
    found = onsager_quantities(parts, TEMPERATURE, "solvent")
    t = next(q for q in found if q.name == "transference number" and q.species == "Li+")
    assert t.value == pytest.approx(-0.3 / 2.4, abs=4 * t.error)
    assert t.value + 2 * t.error < 0
    assert "solvent frame" in t.method


@pytest.mark.parametrize(("name", "frames"), [("transf", 400), ("transf", 80), ("Onsager", 200)])
def test_coverage_of_parts(name: str, frames: int) -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        walks = correlated_walks(rng, frames, DIPOLES)
        total = collective([walks.sum(axis=0)], STEP, VOLUME, TEMPERATURE)
        parts = onsager([list(walks)], ["a", "b"], STEP, VOLUME, TEMPERATURE, total)
        found = onsager_quantities(parts, TEMPERATURE, "barycentric")
        return next(q for q in found if q.name.startswith(name) and q.species in ("a", "a, b"))

    truth = 0.2 / 0.6 if name == "transf" else None
    if truth is None:  # the first that is found is σ_ab or σ_aa in the order of the list
        truth = si_conductivity(-0.8)
    found = coverage(draw, truth, runs=250)
    assert 0.62 < found.inside_68 < 0.76
    assert 0.91 < found.inside_95 < 0.99


@pytest.mark.parametrize(("frames", "runs"), [(1000, 1), (300, 6)])
def test_conductivity_from_a_bare_current(frames: int, runs: int) -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        currents = [langevin(rng, frames, 1, 4.0, 0.5)[1][:, 0] / STEP for _ in range(runs)]
        return conductivity_from_current(currents, STEP, VOLUME, TEMPERATURE)

    found = coverage(draw, si_conductivity(1.0), runs=200)
    assert 0.62 < found.inside_68 < 0.76
    assert 0.90 < found.inside_95 < 0.99


def test_running_integral_reaches_the_conductivity() -> None:
    current = langevin(np.random.default_rng(2), 200_000, 1, 6.0, 0.5)[1][:, 0] / STEP
    quantity = conductivity_from_current(current, STEP, VOLUME, TEMPERATURE)
    normalised, running = current_curves([current], STEP, VOLUME, TEMPERATURE, longest=5e-4)
    assert normalised.y[0] == 1
    assert running.y[60] == pytest.approx(quantity.value, rel=0.15)
    assert quantity.value == pytest.approx(si_conductivity(1.0), abs=3 * quantity.error)


def given(value: float, error: float) -> Quantity:
    details = {
        "interval_68": [value - error, value + error],
        "interval_95": [value - 2 * error, value + 2 * error],
    }
    return Quantity("D", value, error, "m²/s", n_effective=50, details=details)


def test_nernst_einstein_by_hand() -> None:
    ions = [("Li+", 10, 1.0, given(1e-9, 1e-11)), ("Mg2+", 5, 2.0, given(5e-10, 1e-11))]
    sigma = nernst_einstein(ions, VOLUME, TEMPERATURE)
    k_t = BOLTZMANN * TEMPERATURE * ELEMENTARY_CHARGE
    exact = ELEMENTARY_CHARGE**2 * (10 * 1e-9 + 20 * 5e-10) / (VOLUME * 1e-30 * k_t)
    assert sigma.value == pytest.approx(exact)
    assert sigma.error / sigma.value == pytest.approx(np.hypot(0.1, 0.2) / 20)
    numbers = transport_numbers(ions, TEMPERATURE)
    assert numbers[0].value == pytest.approx(0.5)
    assert numbers[0].error == pytest.approx(numbers[1].error)
    half = ratio("ionicity", sigma, sigma, "")
    assert half.value == 1


def test_what_needs_a_withheld_number_is_withheld_and_names_it() -> None:
    missing = Quantity.withhold("self-diffusion coefficient", "m²/s", "too short")
    ions = [("Li+", 10, 1.0, missing), ("X-", 10, -1.0, given(1e-9, 1e-11))]
    sigma = nernst_einstein(ions, VOLUME, TEMPERATURE)
    assert sigma.withheld == "needs D(Li+): withheld"
    assert sigma.name in ratio("ionicity", given(1.0, 0.1), sigma, "").withheld
    assert all(q.withheld for q in transport_numbers(ions))
    short = conductivity_from_current(np.ones((5, 3)), STEP, VOLUME, TEMPERATURE)
    assert short.withheld


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_bad_parameters_are_refused(bad: float) -> None:
    current = np.random.default_rng(3).normal(size=(50, 3))
    with pytest.raises(InputError, match="timestep"):
        conductivity_from_current(current, bad, VOLUME, TEMPERATURE)
    with pytest.raises(InputError, match="volume"):
        conductivity_from_current(current, STEP, bad, TEMPERATURE)
    with pytest.raises(InputError, match="temperature"):
        conductivity_from_current(current, STEP, VOLUME, bad)
    with pytest.raises(InputError, match="shape"):
        conductivity_from_current(current[:, :2], STEP, VOLUME, TEMPERATURE)
