"""Numbers are printed as the error allows."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elyte.core import Quantity
from elyte.report.numbers import (
    format_duration,
    format_number,
    format_samples,
    format_temperature,
    group_quantities,
)


@pytest.mark.parametrize(
    ("value", "error", "exponent", "expected"),
    [
        (1.3312, 0.0041, 0, "1.3312 ± 0.0041"),
        (2.31e-10, 2.5e-11, -10, "2.31 ± 0.25"),
        (-0.5, 0.1, 0, "−0.50 ± 0.10"),
        (1234.0, 56.0, 0, "1234 ± 56"),
        (1234.0, 560.0, 0, "1234 ± 560"),
        (3.2, math.nan, 0, "3.200"),
        (0.0, 0.0, 0, "0.0"),
        (math.nan, math.nan, 0, "–"),
    ],
)
def test_value_and_error(value: float, error: float, exponent: int, expected: str) -> None:
    assert str(format_number(value, error, exponent)) == expected


@given(
    st.floats(-1e6, 1e6, allow_nan=False),
    st.floats(1e-6, 1e3, allow_nan=False),
)
def test_what_is_printed_is_the_value_within_a_twentieth_of_its_error(
    value: float, error: float
) -> None:
    text = format_number(value, error)
    printed = float(f"{text.whole}{text.fraction}".replace("−", "-"))
    assert abs(printed - value) <= 0.0501 * error + 1e-12 * abs(value)
    assert float(text.error) == pytest.approx(error, rel=0.051)


def test_a_group_shares_one_power_of_ten() -> None:
    diffusion = [Quantity("D", v, v / 10, "m²/s") for v in (2e-10, 3e-10, 1.2e-9)]
    density = [Quantity("density", 1.2, 0.1, "g/cm³")]
    groups = group_quantities([diffusion[0], *density, *diffusion[1:]])
    assert [(g.name, g.exponent, len(g.quantities)) for g in groups] == [
        ("D", -10, 3),
        ("density", 0, 1),
    ]
    assert groups[0].printed_unit == "10⁻¹⁰ m²/s"


def test_same_names_with_other_units_stay_apart() -> None:
    found = group_quantities([Quantity("x", 1, 1, "m"), Quantity("x", 1, 1, "s")])
    assert [g.unit for g in found] == ["m", "s"]


def test_a_group_without_values_has_no_power_of_ten() -> None:
    (group,) = group_quantities([Quantity.withhold("σ", "S/m", "too short")])
    assert group.printed_unit == "S/m"


def test_small_formats() -> None:
    assert [format_samples(n) for n in (41.2, 3.4, 3.0, math.nan)] == ["41", "3.4", "3", "–"]
    assert [format_temperature(t) for t in (350.0, 298.15, None)] == ["350", "298.15", "–"]
    assert [format_duration(s) for s in (0.0, 3.21, 59.6, 185, 4800)] == [
        "0 s", "3.2 s", "1 min 00 s", "3 min 05 s", "1 h 20 min",
    ]  # fmt: skip
