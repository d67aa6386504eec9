"""Plot specifications: what `assets/plots.js` draws, as plain values.

A figure is one plot of one or more panels below each other; a panel has two axes and series.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_POINTS = 500
"""Points of one line; more are not seen on a screen and make the page heavy."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """One axis: name, unit, and how it is scaled."""

    name: str
    unit: str = ""
    log: bool = False
    zero: bool = False
    tight: bool = False
    integer: bool = False

    def spec(self) -> dict[str, Any]:
        """Return plain values."""
        unit = "" if self.unit == "1" else self.unit
        return {**vars(self), "unit": unit}


@dataclass(frozen=True)
class Panel:
    """Two axes and the series between them."""

    x: Axis
    y: Axis
    series: list[dict[str, Any]]
    categories: list[str] | None = None
    windows: list[tuple[float, float]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    square: bool = False
    stacked: bool = False
    height: int = 0

    def spec(self) -> dict[str, Any]:
        """Return plain values; what is empty is left out."""
        extras = {name: value for name, value in vars(self).items() if value}
        return {**extras, "x": self.x.spec(), "y": self.y.spec()}


@dataclass(frozen=True)
class Figure:
    """A plot with its title and caption; `temperature` makes it one leaf of a tab.

    `more` says that it is folded away at first.
    """

    title: str
    caption: str
    panels: list[Panel]
    temperature: float | None = None
    rows: list[tuple[str, ...]] = field(default_factory=list)
    header: tuple[str, ...] = ()
    more: bool = False

    @property
    def description(self) -> str:
        """What a screen reader says of the plot."""
        names = [label for panel in self.panels for label in _labels(panel) if label]
        axes = "; ".join(f"{panel.y.name} against {panel.x.name}" for panel in self.panels)
        what = ", ".join(dict.fromkeys(names))
        return f"{self.title}: plot of {axes}" + (f" for {what}" if what else "")

    def spec(self) -> dict[str, Any]:
        """Return what plots.js needs."""
        shared = len(self.panels) > 1
        place = "" if self.temperature is None else f" {self.temperature:g} K"
        file = "".join(c if c.isalnum() else "-" for c in f"{self.title}{place}".lower())
        return {
            "description": self.description,
            "panels": [panel.spec() for panel in self.panels],
            "shared": shared,
            "file": file,
        }


def _labels(panel: Panel) -> list[str]:
    return [str(series["label"]) for series in panel.series]


def significant(values: Iterable[float], digits: int = 5) -> list[float | None]:
    """Return the values rounded to significant digits; what is not finite becomes None.

    Values that differ by little of their size keep so many digits of their differences.
    """
    numbers = [float(v) for v in values]
    finite = [v for v in numbers if math.isfinite(v)]
    size = max(map(abs, finite), default=0.0)
    spread = max(finite, default=0.0) - min(finite, default=0.0)
    if 0 < spread < size:
        digits = min(15, digits + math.floor(math.log10(size / spread)))
    return [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in numbers]


def series(
    label: str,
    x: Values,
    y: Values,
    error: Values | None = None,
    colour: int = 0,
    kind: str = "line",
    grey: bool = False,
) -> dict[str, Any]:
    """Return one series; `kind` is "line", "points", "bars" or "dots"."""
    values: dict[str, Any] = {
        "label": label,
        "kind": kind,
        "colour": colour,
        "x": significant(x),
        "y": significant(y),
    }
    if error is not None and np.isfinite(error).any():
        values["error"] = significant(error, 3)
    if grey:
        values["grey"] = True
    return values


def thinned(x: Values, log: bool = False, limit: int = MAX_POINTS) -> NDArray[np.intp]:
    """Return at most `limit` indices of a smooth line, even on the axis it is drawn on."""
    usable = np.flatnonzero(x > 0) if log else np.arange(len(x))
    if len(usable) <= limit:
        return usable
    if not log:
        return np.unique(np.linspace(0, len(x) - 1, limit).round().astype(np.intp))
    targets = np.geomspace(x[usable].min(), x[usable].max(), limit)
    return usable[np.unique(np.searchsorted(x[usable], targets).clip(0, len(usable) - 1))]


def binned(x: Values, y: Values, bins: int) -> tuple[Values, Values, Values]:
    """Return centre, mean and standard deviation of `bins` bins of equally many points."""
    parts = np.array_split(np.arange(len(x)), bins)
    return (
        np.array([x[part].mean() for part in parts]),
        np.array([y[part].mean() for part in parts]),
        np.array([y[part].std() for part in parts]),
    )


def colours(labels: Sequence[str]) -> dict[str, int]:
    """Return the number of a colour for each label, in order of appearance."""
    return {label: number for number, label in enumerate(dict.fromkeys(labels))}
