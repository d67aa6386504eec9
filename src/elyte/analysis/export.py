"""Curves as CSV files for other programs."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from elyte.analysis.curve import Curve


def write_curves(curves: Sequence[Curve], folder: str | Path) -> list[Path]:
    """Write each curve as a CSV file with a header that names units; return the paths."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for curve in curves:
        stem = base = file_name(" ".join(filter(None, (curve.name, curve.label))))
        count = 1
        while target / f"{stem}.csv" in paths:
            count += 1
            stem = f"{base}-{count}"
        path = target / f"{stem}.csv"
        _write(curve, path)
        paths.append(path)
    return paths


def file_name(text: str) -> str:
    """Return a name that every file system takes, from the name and label of a curve."""
    plain = text.replace("–", "-").replace("+", "plus")
    return re.sub(r"[^A-Za-z0-9.-]+", "_", plain).strip("_")


def _write(curve: Curve, path: Path) -> None:
    header = [f"x ({curve.x_unit})", f"{curve.name} ({curve.y_unit})"]
    columns = [curve.x, curve.y]
    if curve.y_error is not None:
        header.append("standard error")
        columns.append(curve.y_error)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(zip(*(c.tolist() for c in columns), strict=True))
