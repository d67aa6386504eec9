"""The report says what an error of the pressure does to the density."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core import Quantity
from elyte.core.units import GPA
from elyte.report.pressure import shift_of


def quantities(compressibility: float | None = 0.8) -> list[Quantity]:
    known = [] if compressibility is None else [compressibility]
    return [Quantity("isothermal compressibility", k, 0.1, "1/GPa", "fluctuations") for k in known]


def errors(pressure: float, error: float) -> dict[str, float]:
    return {"pressure": pressure * GPA, "pressure_error": error * GPA}


@pytest.mark.parametrize(("pressure", "word"), [(0.032, "low"), (-0.032, "high")])
def test_a_biased_pressure_is_told(pressure: float, word: str) -> None:
    shift = shift_of(quantities(), errors(pressure, 0.006))
    assert shift is not None
    assert f"{1000 * pressure:+.0f} ± 6 MPa" in shift.warning()
    assert f"2.6% too {word}" in shift.warning()


@pytest.mark.parametrize(
    "found",
    [
        errors(0.032, 0.03),  # within its own error
        errors(0.005, 0.001),  # of no consequence
    ],
)
def test_what_is_uncertain_or_small_is_no_warning(found: dict[str, float]) -> None:
    shift = shift_of(quantities(), found)
    assert shift is not None
    assert shift.warning() == ""


@pytest.mark.parametrize(
    ("compressibility", "found"),
    [(None, errors(0.032, 0.006)), (0.8, {}), (np.nan, errors(0.032, 0.006))],
)
def test_nothing_is_said_of_what_is_not_known(
    compressibility: float | None, found: dict[str, float]
) -> None:
    assert shift_of(quantities(compressibility), found) is None


def test_the_corrected_density_holds_the_truth_as_often_as_its_error_says() -> None:
    random = np.random.default_rng(0)
    truth, kappa, pressure = 1.45, 0.6, 0.06  # g/cm³, 1/GPa, GPa
    inside = []
    for _ in range(2000):
        measured = Quantity("density", truth / (1 + kappa * pressure), 0.004, "g/cm³", "")
        measured = Quantity("density", random.normal(measured.value, 0.004), 0.004, "g/cm³", "")
        seen = Quantity("isothermal compressibility", random.normal(kappa, 0.1), 0.1, "1/GPa", "")
        shift = shift_of([seen], errors(random.normal(pressure, 0.015), 0.015))
        assert shift is not None
        found = shift.corrected(measured)
        inside.append(abs(found.value - truth) < found.error)
    assert 0.63 < np.mean(inside) < 0.73
