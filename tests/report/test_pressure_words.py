"""The report says what an error of the pressure does to the density."""

from __future__ import annotations

import pytest

from elyte.analysis import Analysis
from elyte.core import Quantity
from elyte.core.units import GPA
from elyte.report.project import _density_shift


def analysis(compressibility: float | None = 0.8) -> Analysis:
    known = [] if compressibility is None else [compressibility]
    return Analysis(
        [Quantity("isothermal compressibility", k, 0.1, "1/GPa", "fluctuations") for k in known]
    )


@pytest.mark.parametrize(("pressure", "word"), [(0.032, "low"), (-0.032, "high")])
def test_a_biased_pressure_is_told(pressure: float, word: str) -> None:
    found = _density_shift(analysis(), {"pressure": pressure * GPA, "pressure_error": 0.006 * GPA})
    assert f"{1000 * pressure:+.0f} ± 6 MPa" in found
    assert f"2.6% too {word}" in found


@pytest.mark.parametrize(
    ("compressibility", "errors"),
    [
        (0.8, {"pressure": 0.032 * GPA, "pressure_error": 0.03 * GPA}),  # within its own error
        (0.8, {"pressure": 0.005 * GPA, "pressure_error": 0.001 * GPA}),  # of no consequence
        (None, {"pressure": 0.032 * GPA, "pressure_error": 0.006 * GPA}),
        (0.8, {}),
    ],
)
def test_nothing_is_said_of_what_is_not_known(compressibility, errors) -> None:
    assert _density_shift(analysis(compressibility), errors) == ""
