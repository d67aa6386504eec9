"""The table of properties in a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from elyte.core import Quantity
from elyte.report import ReportData, print_properties
from elyte.report.tables import withheld_lines


def printed(quantities: list[Quantity], width: int = 140) -> str:
    """Return the table as plain text."""
    buffer = io.StringIO()
    print_properties(quantities, Console(file=buffer, width=width, no_color=True))
    return buffer.getvalue()


def test_decimal_points_are_aligned() -> None:
    lines = printed(
        [
            Quantity("density", 1.3312, 0.0041, "g/cm³", "blocks", 41.0, temperature=350.0),
            Quantity("pressure", -123.4, 5.6, "bar", "virial"),
        ]
    ).splitlines()[1:]
    assert len({line.index(".") for line in lines}) == 1
    assert "1.3312 ± 0.0041" in lines[0]
    assert "−123.4" in lines[1]


def test_withheld_values_say_why(data: ReportData) -> None:
    text = printed(list(data.quantities))
    line = next(line for line in text.splitlines() if "withheld" in line)
    assert "no plateau" in line


def test_markup_in_names_is_printed_as_it_is() -> None:
    assert "[red]x[/red]" in printed([Quantity("[red]x[/red]", 1.0, 0.1, "1")])


def test_a_narrow_terminal_is_enough(data: ReportData) -> None:
    assert "1.3312 ± 0.0041" in printed(list(data.quantities), 80)


def test_what_is_withheld_at_several_temperatures_names_them() -> None:
    reason = "too short"
    quantities = [
        Quantity.withhold("diffusion", "m²/s", reason, species="Li+", temperature=t)
        for t in (300.0, 320.0)
    ]
    assert withheld_lines(quantities) == ["diffusion of Li+ at 300 K, Li+ at 320 K (too short)"]
    assert withheld_lines(quantities[:1]) == ["diffusion of Li+ (too short)"]
