"""Fits over temperatures, pressures and sizes of the box, from analyses that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.across import StatePoint, across
from elyte.analysis.driver import Analysis
from elyte.analysis.transport.diffusion import yeh_hummer
from elyte.core.quantity import Quantity
from elyte.core.units import BOLTZMANN

BARRIER = 0.2  # eV


def point(
    kelvin: float, length: float = 30.0, molecules: int = 100, pressure: float | None = None
) -> StatePoint:
    d = 1e-8 * np.exp(-BARRIER / (BOLTZMANN * kelvin))
    d = 2 * d - yeh_hummer(d, kelvin, 1e-3, length) if molecules != 100 or length != 30 else d
    bar = 0.0 if pressure is None else pressure
    rho = 1.2 * np.exp(-8e-4 * (kelvin - 300)) / (1 - 0.09 * np.log((0.12 + bar) / 0.12))
    fields = {"temperature": kelvin}
    quantities = [
        Quantity("density", rho, 1e-4, "g/cm³", **fields),  # type: ignore[arg-type]
        Quantity("self-diffusion coefficient", d, 0.02 * d, "m²/s", species="Li+", **fields),  # type: ignore[arg-type]
        Quantity.withhold(
            "self-diffusion coefficient", "m²/s", "Green–Kubo: none", species="Li+", **fields
        ),
        Quantity(
            "intermittent pair lifetime", 1e-2 / d * 1e-9, 1e-4 / d * 1e-9, "ps", species="Li+–EC",
            **fields,  # type: ignore[arg-type]
        ),
        Quantity.withhold("ionic conductivity", "S/m", "too short", **fields),
    ]  # fmt: skip
    return StatePoint(Analysis(quantities, volume=length**3), kelvin, pressure, molecules)


def by_name(found: list[Quantity], name: str) -> list[Quantity]:
    return [q for q in found if q.name == name]


def test_activation_energies_and_expansion() -> None:
    found = across([point(t) for t in (300.0, 320.0, 340.0, 360.0)])
    quantities = list(found.quantities)
    energies = {q.species: q for q in by_name(quantities, "activation energy")}
    exact = BARRIER * 96.485
    for label in ("self-diffusion coefficient of Li+", "intermittent pair lifetime of Li+–EC"):
        assert energies[label].value == pytest.approx(exact, rel=1e-3)
    assert len(energies) == 2  # none of what is withheld everywhere
    (alpha,) = by_name(quantities, "thermal expansion coefficient")
    assert alpha.value == pytest.approx(8e-4, rel=1e-3)
    (t0,) = by_name(quantities, "VFT temperature")
    assert "Arrhenius" in t0.withheld
    groups = {c.group for c in found.curves}
    assert "Temperature dependence: self-diffusion coefficient of Li+" in groups
    data = next(c for c in found.curves if c.label == "runs")
    np.testing.assert_allclose(data.x, [1000 / t for t in (360.0, 340.0, 320.0, 300.0)])


def test_one_temperature_is_not_enough() -> None:
    found = across([point(300.0), point(300.0)])
    assert all("one temperature" in q.withheld for q in found.quantities)
    assert {q.name for q in found.quantities} >= {"activation energy", "VFT temperature"}


def test_pressures_give_the_tait_equation() -> None:
    points = [point(300.0, pressure=p) for p in (1e-4, 0.02, 0.05, 0.1, 0.2)]
    (beta,) = by_name(list(across(points).quantities), "isothermal compressibility")
    assert beta.value == pytest.approx(0.09 / 0.12, rel=0.05)


def test_sizes_give_the_infinite_box() -> None:
    points = [point(300.0, length, n) for length, n in ((20.0, 50), (30.0, 200), (40.0, 400))]
    quantities = list(across(points).quantities)
    (infinite,) = by_name(quantities, "self-diffusion coefficient, infinite box")
    exact = 1e-8 * np.exp(-BARRIER / (BOLTZMANN * 300.0))
    assert infinite.value == pytest.approx(exact, rel=0.01)
