"""What `elyte analyse` says of the length of runs: a table, a file, one line."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from elyte.analysis.convergence import convergence_table
from elyte.cli.display import wide_console
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

_SHOWN = 8


def fraction_option(text: str) -> float | None:
    """Parse "5%", "0.05" or "none".

    Raises:
        InputError: anything else, or a fraction that is not between 0 and 1.
    """
    if text.strip().lower() == "none":
        return None
    number = text.strip().removesuffix("%")
    try:
        value = float(number) / (100 if number != text.strip() else 1)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise InputError(f"--wanted-error is '{text}'; write a relative error, 5%, or none")
    return value


def write_convergence(quantities: Sequence[Quantity], out: Path) -> None:
    """Write convergence.csv, and print the properties that need the longest runs."""
    rows = convergence_table(quantities)
    if not rows:
        return
    with (out / "convergence.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    enough = sum(row["long enough"] for row in rows)
    console = wide_console()
    console.print(f"long enough for the wanted error: {enough} of {len(rows)} properties")
    waiting = [row for row in rows if not row["long enough"]]
    waiting.sort(key=lambda row: -row["needed (times the length)"])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("needs longer runs", "of", "error", "drift", "has / ps", "needs / ps", "times"):
        table.add_column(name, justify="left" if name in ("needs longer runs", "of") else "right")
    for row in waiting[:_SHOWN]:
        table.add_row(
            row["property"],
            row["species"],
            f"{100 * row['relative error']:.0f} %",
            _known(row["drift (errors)"], "+.1f", " σ"),
            _known(row["length (ps)"], ".4g"),
            _known(row["needed (ps)"], ".2g"),
            _known(row["needed (times the length)"], ".2g"),
        )
    if waiting:
        console.print(table)


def _known(value: float, form: str, unit: str = "") -> str:
    """Return a number as text, "–" where it is not known (no time step, no halves)."""
    return f"{value:{form}}{unit}" if math.isfinite(value) else "–"
