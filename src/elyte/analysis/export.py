"""Curves and maps as CSV files, densities as cube files, for other programs."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elyte.analysis.curve import Curve
from elyte.analysis.maps import Cloud, Map
from elyte.analysis.structure.spatial import write_cube


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


def write_maps(maps: Sequence[Map], folder: str | Path) -> list[Path]:
    """Write each map as a CSV file of x, y, z and its error; return the paths."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    paths = []
    for shown in maps:
        path = target / f"{file_name(f'{shown.group or shown.name} {shown.label}')}.csv"
        _write_map(shown, path)
        paths.append(path)
    return paths


def _write_map(shown: Map, path: Path) -> None:
    names = (shown.x_name, shown.y_name, shown.name)
    units = (shown.x_unit, shown.y_unit, shown.z_unit)
    header = [f"{n} ({u})" if u else n for n, u in zip(names, units, strict=True)]
    places = shown.categories
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*header, "standard error"] if shown.z_error is not None else header)
        for i, x in enumerate(shown.x.tolist()):
            for j, y in enumerate(shown.y.tolist()):
                row = [places[i], places[j]] if places else [x, y]
                row.append(shown.z[i, j])
                writer.writerow(row if shown.z_error is None else [*row, shown.z_error[i, j]])


def write_clouds(clouds: Sequence[Cloud], folder: str | Path) -> list[Path]:
    """Write each density around a molecule as a Gaussian cube file; return the paths."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    paths = []
    for cloud in clouds:
        path = target / f"{file_name(cloud.label)}.cube"
        write_cube(path, cloud.found, f"g of {cloud.label}")
        paths.append(path)
    return paths


def file_name(text: str) -> str:
    """Return a name that every file system takes, from the name and label of a curve."""
    plain = text.replace("–", "-").replace("+", "plus")
    return re.sub(r"[^A-Za-z0-9.-]+", "_", plain).strip("_")


def _write(curve: Curve, path: Path) -> None:
    header = [f"x ({curve.x_unit})", f"{curve.name} ({curve.y_unit})"]
    names = curve.details.get("categories")
    columns: list[Any] = [np.array(names) if names else curve.x, curve.y]
    if curve.y_error is not None:
        header.append("standard error")
        columns.append(curve.y_error)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(zip(*(c.tolist() for c in columns), strict=True))
