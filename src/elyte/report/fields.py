"""Maps of two variables and densities around molecules, as plain values for the page."""

from __future__ import annotations

import base64
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from ase.data import chemical_symbols, covalent_radii
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from elyte.analysis.maps import Surface
from elyte.core.errors import InputError
from elyte.report.colours import colour_of

Array = NDArray[np.float64]

MOST_CLOUDS = 8
"""Densities that a page shows; each weighs about 90 kB."""
_BRIGHTEST = 99.7  # percentile of a map that has the last colour
_BOND = 1.25  # times the sum of covalent radii


def _array(values: ArrayLike, dimensions: int, name: str) -> Array:
    array = np.array(values, dtype=float)
    if array.ndim != dimensions:
        raise InputError(f"{name} has {array.ndim} dimensions, expected {dimensions}")
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class MapData(Surface):
    """A property as a function of two variables, shown by colours.

    Args:
        temperature: K, or None.

    Raises:
        InputError: arrays that do not fit together.
    """

    temperature: float | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "x", _array(self.x, 1, "x"))
        set_(self, "y", _array(self.y, 1, "y"))
        set_(self, "z", _array(self.z, 2, "z"))
        set_(self, "categories", tuple(self.categories))
        super().__post_init__()


@dataclass(frozen=True, eq=False)
class CloudData:
    """The density of something around a molecule, on a cubic grid.

    Args:
        label: "Li+ around EC".
        axis: middles of the cells, Å, (n,).
        g: density over that of the liquid, (n, n, n).
        numbers: atomic numbers of the molecule, (m,).
        positions: of its atoms, Å, (m, 3).
    """

    label: str
    axis: Array
    g: Array
    numbers: NDArray[np.int64]
    positions: Array

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "axis", _array(self.axis, 1, "axis"))
        set_(self, "g", _array(self.g, 3, "g"))
        set_(self, "positions", _array(self.positions, 2, "positions"))
        set_(self, "numbers", np.asarray(self.numbers, dtype=np.int64))
        if self.g.shape != (len(self.axis),) * 3 or len(self.numbers) != len(self.positions):
            raise InputError(f"density '{self.label}': arrays that do not fit together")


def map_from_analysis(found: Surface, temperature: float | None = None, mark: str = "") -> MapData:
    """Return a map of `elyte.analysis` for the page; `mark` is added to its label."""
    values = {f.name: getattr(found, f.name) for f in fields(Surface)}
    if mark:
        values["label"] = f"{found.label} ({mark})"
    return MapData(**values, temperature=temperature)


def cloud_from_analysis(found: Any) -> CloudData:
    """Return a density of `elyte.analysis` for the page."""
    inner = found.found
    return CloudData(found.label, inner.axis, inner.g, inner.numbers, inner.positions)


def _bytes(values: Array) -> str:
    """Return values from 0 to 1 as bytes, base64."""
    levels = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode("ascii")


def map_spec(shown: MapData) -> dict[str, Any]:
    """Return what maps.js draws: colours as bytes between `low` and `high`, axes, names."""
    z = np.nan_to_num(shown.z)
    high = float(np.percentile(np.abs(z) if shown.centred else z, _BRIGHTEST)) or float(z.max())
    high = high if high > 0 else 1.0
    low = -high if shown.centred else 0.0
    if shown.categories:
        low, high = 0.0, 1.0
    return {
        "name": shown.name,
        "label": shown.label,
        "x": [shown.x_name, _unit(shown.x_unit), *_ends(shown.x)],
        "y": [shown.y_name, _unit(shown.y_unit), *_ends(shown.y)],
        "unit": _unit(shown.z_unit),
        "size": list(z.shape),
        "low": float(f"{low:.4g}"),
        "high": float(f"{high:.4g}"),
        "centred": shown.centred,
        "categories": list(shown.categories),
        "z": _bytes((z - low) / (high - low)),
    }


def _unit(unit: str) -> str:
    return "" if unit == "1" else unit


def _ends(middles: Array) -> list[float]:
    """Outer edges of equal bins from their middles."""
    half = (middles[1] - middles[0]) / 2 if len(middles) > 1 else 0.5
    return [round(float(middles[0] - half), 6), round(float(middles[-1] + half), 6)]


def cloud_spec(shown: CloudData) -> dict[str, Any]:
    """Return what clouds.js draws: the density as bytes, the molecule, its bonds and colours."""
    g = _smooth(shown.g)
    high = float(np.percentile(g, 99.95)) or 1.0
    x, numbers = shown.positions, shown.numbers
    radii = covalent_radii[numbers]
    apart = np.linalg.norm(x[:, None] - x[None], axis=-1)
    first, second = np.nonzero(np.triu(apart < _BOND * (radii[:, None] + radii[None]), 1))
    return {
        "label": shown.label,
        "n": len(shown.axis),
        "step": round(float(shown.axis[1] - shown.axis[0]), 4),
        "start": round(float(shown.axis[0]), 4),
        "high": float(f"{high:.4g}"),
        "g": _bytes(g / high),
        "xyz": [round(float(v), 2) for v in x.ravel()],
        "colours": [colour_of(int(z)) for z in numbers],
        "symbols": [chemical_symbols[int(z)] for z in numbers],
        "radii": [round(float(r), 2) for r in radii],
        "bonds": [int(k) for pair in zip(first, second, strict=True) for k in pair],
    }


def _smooth(g: Array) -> Array:
    """Blur a density by as much as its counts are few: for the view, not for the numbers.

    The share of empty cells tells the mean count of a cell; about 20 counts are averaged.
    """
    empty = min(max(float(np.mean(g <= 0)), 1e-6), 1 - 1e-6)
    width = np.cbrt(20 / -np.log(empty)) / (2 * np.sqrt(np.pi))
    return np.asarray(ndimage.gaussian_filter(g, np.clip(width, 0.5, 2.5), mode="nearest"))
