"""The table of properties for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from elyte.core.quantity import Quantity
from elyte.report.numbers import (
    Group,
    Number,
    format_number,
    format_samples,
    format_temperature,
    group_quantities,
)


def property_table(quantities: Sequence[Quantity]) -> Table:
    """Return the table of properties: value ± standard error, decimal points aligned.

    Quantities without a value show the reason in place of the method.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("property", overflow="fold")
    table.add_column("of", overflow="fold")
    table.add_column("T/K", justify="right", no_wrap=True)
    table.add_column("value ± error", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("n_eff", justify="right", no_wrap=True)
    table.add_column("method", style="dim", overflow="fold")
    groups = group_quantities(quantities)
    numbers = [
        [format_number(q.value, q.error, group.exponent) for q in group.quantities]
        for group in groups
    ]
    before = max((len(n.whole) for row in numbers for n in row), default=0)
    after = max((len(n.fraction) for row in numbers for n in row), default=0)
    for group, row in zip(groups, numbers, strict=True):
        _add_group(table, group, [_aligned(number, before, after) for number in row])
    return table


def withheld_lines(quantities: Sequence[Quantity]) -> list[str]:
    """Return what has no value, one line for each reason: "name of species, species (reason)"."""
    table: dict[str, dict[str, list[str]]] = {}
    several = len({q.temperature for q in quantities if q.temperature is not None}) > 1
    for quantity in quantities:
        if quantity.withheld:
            names = table.setdefault(quantity.withheld, {})
            names.setdefault(quantity.name, []).append(_of(quantity, several))
    lines = []
    for reason, names in table.items():
        parts = []
        for name, species in names.items():
            of = ", ".join(s for s in species if s)
            parts.append(f"{name} of {of}" if of else name)
        lines.append(f"{'; '.join(parts)} ({reason})")
    return lines


def _of(quantity: Quantity, several: bool) -> str:
    """Return "Li+", or "Li+ at 300 K" where there are several temperatures."""
    place = quantity.temperature is not None and several
    at = f"at {format_temperature(quantity.temperature)} K" if place else ""
    return " ".join(part for part in (quantity.species, at) if part)


def print_properties(quantities: Sequence[Quantity], console: Console | None = None) -> None:
    """Print the table of what has a value, and below it what has none, by reason."""
    chosen = console or Console(highlight=False)
    if known := [q for q in quantities if not q.withheld]:
        chosen.print(property_table(known))
    for line in withheld_lines(quantities):
        chosen.print(f"withheld: {line}", markup=False)


def _add_group(table: Table, group: Group, texts: list[str]) -> None:
    for index, (quantity, text) in enumerate(zip(group.quantities, texts, strict=True)):
        withheld = bool(quantity.withheld)
        table.add_row(
            Text(group.name if index == 0 else ""),
            Text(quantity.species),
            Text(format_temperature(quantity.temperature)),
            Text("withheld", style="yellow") if withheld else Text(text),
            Text("" if withheld else group.printed_unit),
            Text(format_samples(quantity.n_effective)),
            Text(quantity.withheld if withheld else quantity.method),
        )


def _aligned(number: Number, before: int, after: int) -> str:
    error = f" ± {number.error}" if number.error else ""
    return f"{number.whole:>{before}}{number.fraction:<{after}}{error}"
