"""Diffusion in an infinite box: by the viscosity, and by boxes of several sizes."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.intervals import interval
from elyte.analysis.transport.diffusion import yeh_hummer
from elyte.analysis.transport.finite_size import corrected_for_size, extrapolated_to_infinity
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

KELVIN, ETA, INFINITE = 300.0, 1e-3, 2e-9
LENGTHS = (20.0, 30.0, 45.0)


def diffusion(length: float, error: float = 1e-11, shift: float = 0.0) -> Quantity:
    value = 2 * INFINITE - yeh_hummer(INFINITE, KELVIN, ETA, length) + shift
    return Quantity(
        "self-diffusion coefficient", value, error, "m²/s", species="Li+", temperature=KELVIN,
        n_effective=100.0,
    )  # fmt: skip


def test_the_viscosity_takes_the_box_away() -> None:
    eta = Quantity("shear viscosity", ETA, 1e-4, "Pa s", temperature=KELVIN)
    found = corrected_for_size(diffusion(20.0), eta, 20.0)
    assert found.value == pytest.approx(INFINITE)
    shift = INFINITE - diffusion(20.0).value
    assert found.error == pytest.approx(np.hypot(1e-11, 0.1 * shift))
    low, high = interval(found)
    assert high - low == pytest.approx(2 * 1.959964 * found.error)
    given = Quantity("shear viscosity", ETA, np.nan, "Pa s", source="the user")
    exact = corrected_for_size(diffusion(20.0), given, 20.0)
    assert exact.error == pytest.approx(1e-11)
    assert "the user" in exact.method


def test_the_interval_of_the_viscosity_is_that_of_the_shift() -> None:
    details = {"interval_68": [0.5e-3, 2e-3], "interval_95": [0.25e-3, 4e-3]}
    eta = Quantity("shear viscosity", ETA, 1e-4, "Pa s", temperature=KELVIN, details=details)
    exact = diffusion(20.0, error=0.0)
    shift = INFINITE - exact.value
    low, high = interval(corrected_for_size(exact, eta, 20.0))
    assert low == pytest.approx(exact.value + shift / 4)
    assert high == pytest.approx(exact.value + shift * 4)


def test_what_is_missing_is_said() -> None:
    eta = Quantity.withhold("shear viscosity", "Pa s", "too short")
    assert "needs the shear viscosity" in corrected_for_size(diffusion(20.0), eta, 20.0).withheld
    good = Quantity("shear viscosity", ETA, 1e-4, "Pa s")
    with pytest.raises(InputError, match="temperature"):
        corrected_for_size(Quantity("D", 1e-9, 1e-11, "m²/s"), good, 20.0)


def test_boxes_of_several_sizes_give_both() -> None:
    infinite, eta, curve = extrapolated_to_infinity([diffusion(x) for x in LENGTHS], LENGTHS)
    assert infinite.value == pytest.approx(INFINITE)
    assert eta.value == pytest.approx(ETA, rel=1e-6)
    assert 0 < eta.error < ETA
    np.testing.assert_allclose(curve.x, [1 / x for x in LENGTHS])


def test_the_errors_of_the_extrapolation_cover() -> None:
    rng = np.random.default_rng(0)
    inside = [
        abs(found.value - INFINITE) < found.error
        for found in (
            extrapolated_to_infinity(
                [diffusion(x, shift=1e-11 * rng.normal()) for x in LENGTHS], LENGTHS
            )[0]
            for _ in range(400)
        )
    ]
    assert 0.62 < np.mean(inside) < 0.76


def test_one_size_or_no_dependence() -> None:
    infinite, eta, _ = extrapolated_to_infinity([diffusion(20.0)] * 2, (20.0, 20.0))
    assert "two sizes" in infinite.withheld
    assert "two sizes" in eta.withheld
    flat = [Quantity("D", 1e-9, 1e-11, "m²/s", temperature=KELVIN) for _ in LENGTHS]
    assert "does not depend" in extrapolated_to_infinity(flat, LENGTHS)[1].withheld
    with pytest.raises(InputError, match="length"):
        extrapolated_to_infinity(flat, (20.0,))
