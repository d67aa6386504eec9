"""The figures of structure, transport and production, from curves and quantities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from elyte.core.quantity import Quantity
from elyte.report.data import CurveData
from elyte.report.numbers import format_temperature, group_quantities
from elyte.report.plots import Axis, Figure, Panel, binned, colours, series, thinned


@dataclass(frozen=True)
class Kind:
    """How the curves of one `group` are shown; `more`: folded away at first."""

    section: str
    title: str
    caption: str
    log_x: bool = False
    log_y: bool = False
    zero: bool = False
    more: bool = False


KINDS = {
    "rdf": Kind(
        "structure",
        "Radial distribution functions",
        "Radial distribution functions g(r).",
        zero=True,
    ),
    "coordination": Kind(
        "structure",
        "Running coordination numbers",
        "Mean number of neighbours within the distance r.",
        zero=True,
    ),
    "Static structure factors": Kind(
        "structure",
        "Static structure factors",
        "Directly summed on the wave vectors that the box allows.",
        zero=True,
    ),
    "Combined distributions": Kind(
        "structure",
        "Angles in the first shell",
        "φ is the angle at the donor atom, between the bond to it and the ion; 1 is an ideal gas.",
        zero=True,
        more=True,
    ),
    "speciation": Kind(
        "speciation",
        "Speciation",
        "How the ions are coordinated; whiskers are standard errors.",
        zero=True,
    ),
    "Compositions of the first shell": Kind(
        "speciation", "Compositions of the first shell", "The most frequent ones.", zero=True
    ),
    "Denticity of bound ligands": Kind(
        "speciation", "Denticity of bound ligands", "By how many atoms a molecule is bound.",
        zero=True, more=True,
    ),
    "Networks of ions": Kind(
        "speciation",
        "Networks of ions",
        "Share of ions in networks of so many ions, linked by molecules that bind two or more.",
        zero=True,
        more=True,
    ),
    "Pair existence autocorrelations": Kind(
        "speciation",
        "Pair existence autocorrelations",
        "Continuous: until the first break; intermittent: breaks are forgiven.",
        more=True,
    ),
    "Implied time scales": Kind(
        "speciation",
        "Implied time scales",
        "Of the Markov model of clusters, over its lag; level where the model holds.",
        log_x=True,
        log_y=True,
        more=True,
    ),
    "Dihedral distributions": Kind(
        "conformations", "Dihedral distributions", "180° is anti (trans).", zero=True
    ),
    "msd": Kind(
        "transport",
        "Mean squared displacement",
        "Mean squared displacement against lag time on logarithmic axes; the grey dashes have "
        "slope 1, as diffusion has.",
        log_x=True,
        log_y=True,
    ),
    "collective-msd": Kind(
        "transport",
        "Collective displacement of the charge",
        "Mean squared displacement of the total dipole of the ions on logarithmic axes, whose "
        "slope is the conductivity; the grey dashes have slope 1.",
        log_x=True,
        log_y=True,
    ),
    "conductivity": Kind(
        "transport",
        "Conductivity, running value",
        "Conductivity against the upper limit of the integral, or the lag, that it is taken from.",
    ),
    "viscosity": Kind(
        "transport",
        "Viscosity, running value",
        "Viscosity against the upper limit of the Green–Kubo integral.",
    ),
    "non-Gaussian parameter": Kind(
        "dynamics",
        "Non-Gaussian parameter",
        "Zero for Brownian motion.",
        log_x=True,
    ),
    "Velocity autocorrelations": Kind(
        "dynamics", "Velocity autocorrelations", "Of centres of mass."
    ),
    "Velocity cross-correlations within the first shell": Kind(
        "dynamics",
        "Velocity cross-correlations within the first shell",
        "Of an ion with the molecules around it at time 0; positive where they move together.",
    ),
    "current autocorrelation": Kind("transport", "Current autocorrelation", "", more=True),
    "self-diffusion coefficient, running integral": Kind(
        "transport", "Self-diffusion, running integral", "Green–Kubo.", more=True
    ),
}  # fmt: skip
_BEGINNINGS = (
    ("Radial distribution functions of", Kind("structure", "", "", zero=True)),
    ("Running coordination numbers of", Kind("structure", "", "", zero=True, more=True)),
    ("Chosen pairs, running", Kind("structure", "", "", zero=True, more=True)),
    ("Chosen pairs", Kind("structure", "", "", zero=True)),
    ("Dihedral distribution over", Kind("conformations", "", "", zero=True, more=True)),
    ("Van Hove", Kind("dynamics", "", "Distances moved after some times.", zero=True, more=True)),
    ("Rotation", Kind("dynamics", "", "Correlation of a vector of the molecule with itself.")),
    (
        "Temperature dependence",
        Kind("temperature", "", "Fits over the inverse temperature.", log_y=True),
    ),
)
"""Kinds of the figures whose titles begin so."""


def kind_of(group: str) -> Kind:
    """Return how the curves of a group are shown."""
    if group in KINDS:
        return KINDS[group]
    title = group[:1].upper() + group[1:]
    for start, kind in _BEGINNINGS:
        if group.startswith(start):
            return replace(kind, title=title)
    return Kind("results", title, "")


_ALIASES = {
    "g(r)": "rdf",
    "radial distribution function": "rdf",
    "n(r)": "coordination",
    "running coordination number": "coordination",
    "coordination number": "coordination",
    "mean squared displacement": "msd",
    "running conductivity": "conductivity",
}
_BOTH = "Radial distribution functions g(r), and below them the running coordination numbers N(r)."
_X_NAMES = {"1000 K/T": "inverse temperature", "1/Å": "q", "°": "angle", "GPa": "pressure"}
_X_NAMES |= {
    "ions in the network": "",
    "Å": "distance r",
    "ps": "time",
    "fs": "time",
    "ns": "time",
    "K": "temperature",
}


def curve_figures(
    curves: Sequence[CurveData], quantities: Sequence[Quantity] = ()
) -> list[tuple[str, Figure]]:
    """Return (section, figure) for all curves: one figure for each group and temperature.

    Radial distribution functions and running coordination numbers of one temperature share a
    figure; bars of several temperatures stand side by side.
    """
    groups: dict[str, list[CurveData]] = {}
    for curve in curves:
        group = curve.group or curve.name
        groups.setdefault(_ALIASES.get(group.lower(), group), []).append(curve)
    paired = groups.pop("coordination", []) if "rdf" in groups else []
    figures: list[tuple[str, Figure]] = []
    for name, members in groups.items():
        kind = kind_of(name)
        if members[0].categories:
            figures.append((kind.section, _bar_figure(kind, members)))
            continue
        for temperature in _temperatures(members):
            here = [c for c in members if c.temperature == temperature and _drawable(c)]
            if not here:
                continue
            below = [c for c in paired if name == "rdf" and c.temperature == temperature]
            lines = _value_lines(name, temperature, here, quantities)
            figures.append((kind.section, _line_figure(kind, here, below, lines)))
    return figures


def _drawable(curve: CurveData) -> bool:
    """Whether a curve has anything to show: a name without a line would be a riddle."""
    return bool(np.isfinite(curve.y).any())


def _temperatures(curves: Sequence[CurveData]) -> list[float | None]:
    found = dict.fromkeys(curve.temperature for curve in curves)
    return sorted(found, key=lambda t: -math.inf if t is None else t)


def _label(curve: CurveData) -> str:
    return curve.label or curve.species


def _line_figure(
    kind: Kind, curves: list[CurveData], below: list[CurveData], lines: list[dict[str, object]]
) -> Figure:
    numbers = colours([_label(curve) for curve in [*curves, *below]])
    panels = [_line_panel(kind, curves, numbers, lines)]
    if below:
        panels.append(_line_panel(KINDS["coordination"], below, numbers, []))
    caption = _BOTH if below else kind.caption
    notes = [caption]
    if len(numbers) == 1 and "" not in numbers:
        notes.insert(0, f"{next(iter(numbers))}.")
    if any(c.y_error is not None for c in [*curves, *below]):
        notes.append("Bands: one standard error.")
    if any(c.window for c in curves):
        notes.append("Shaded: the window that the value in the table is taken from.")
    if lines:
        notes.append("Dashed: the value in the table.")
    text = " ".join(filter(None, notes))
    return Figure(kind.title, text, panels, curves[0].temperature, more=kind.more)


def _line_panel(
    kind: Kind, curves: list[CurveData], numbers: dict[str, int], lines: list[dict[str, object]]
) -> Panel:
    first = curves[0]
    drawn = []
    for curve in curves:
        keep = thinned(curve.x, kind.log_x)
        error = None if curve.y_error is None else curve.y_error[keep]
        label = _label(curve)
        shape = "points" if curve.points else "line"
        drawn.append(series(label, curve.x[keep], curve.y[keep], error, numbers[label], shape))
    if kind.log_x and kind.log_y:
        drawn += _diffusive_guide(curves)
    x_name = first.x_name or _X_NAMES.get(first.x_unit, "x")
    counts = first.x_unit == "ions in the network"
    x = Axis(x_name, first.x_unit, log=kind.log_x, tight=True, integer=counts)
    y = Axis(first.name, first.y_unit, log=kind.log_y, zero=kind.zero)
    windows = sorted({curve.window for curve in curves if curve.window})
    return Panel(x, y, drawn, windows=windows, lines=lines)


def _diffusive_guide(curves: list[CurveData]) -> list[dict[str, object]]:
    """Return a line of slope 1 through the end of the highest curve, raised by 1.6."""
    ends = [(c.x[-1], c.y[-1]) for c in curves if len(c.x) and c.x[-1] > 0 and c.y[-1] > 0]
    if not ends:
        return []
    end, height = max(ends, key=lambda pair: pair[1])
    x = np.array([end / 30, end])
    return [series("slope 1", x, 1.6 * height * x / end, grey=True)]


def _value_lines(
    group: str,
    temperature: float | None,
    curves: list[CurveData],
    quantities: Sequence[Quantity],
) -> list[dict[str, object]]:
    """Return the value of the table as a horizontal line in the running conductivity."""
    if group != "conductivity":
        return []
    named = {curve.name for curve in curves}
    return [
        {"y": float(q.value), "label": "", "include": True}
        for q in quantities
        if any(q.name in name for name in named)
        and q.temperature == temperature
        and math.isfinite(q.value)
    ]


def _bar_figure(kind: Kind, curves: list[CurveData]) -> Figure:
    categories = list(dict.fromkeys(name for curve in curves for name in curve.categories))
    several = len(_temperatures(curves)) > 1
    labels = [_bar_label(curve, several) for curve in curves]
    numbers = colours(labels)
    drawn = []
    for label, curve in zip(labels, curves, strict=True):
        at = np.array([categories.index(name) for name in curve.categories])
        y, error = np.full(len(categories), np.nan), np.full(len(categories), np.nan)
        y[at] = curve.y
        if curve.y_error is not None:
            error[at] = curve.y_error
        x = np.arange(len(categories), dtype=float)
        drawn.append(series(label, x, y, error, numbers[label], kind="bars"))
    first = curves[0]
    axes = Axis(first.x_name, ""), Axis(first.name, first.y_unit, zero=True)
    panel = Panel(*axes, drawn, categories=categories)
    return Figure(kind.title, kind.caption, [panel], more=kind.more)


def _bar_label(curve: CurveData, several: bool) -> str:
    place = f"{format_temperature(curve.temperature)} K" if several else ""
    return ", ".join(part for part in (_label(curve), place) if part)


def series_figures(curves: Sequence[CurveData]) -> list[Figure]:
    """Return the time series of the production: one figure for each name and temperature."""
    figures = []
    for name in dict.fromkeys(curve.name for curve in curves):
        members = [curve for curve in curves if curve.name == name]
        for temperature in _temperatures(members):
            here = [curve for curve in members if curve.temperature == temperature]
            figures.append(_series_figure(name, here))
    return figures


BINS = 150
"""Bins of a long time series; a line through every point of it would hide itself."""


def _series_figure(name: str, curves: list[CurveData]) -> Figure:
    labels = [_label(curve) or f"run {i + 1}" for i, curve in enumerate(curves)]
    numbers = colours(labels)
    drawn, notes = [], []
    for label, curve in zip(labels, curves, strict=True):
        x, y, spread = curve.x, curve.y, curve.y_error
        if len(x) > 3 * BINS:
            x, y, spread = binned(curve.x, curve.y, BINS)
            width = f"{(x[-1] - x[0]) / (BINS - 1):.2g} {curve.x_unit}"
            notes = [f"Means over {width}, bands: one standard deviation within."]
        drawn.append(series(label, x, y, spread, numbers[label]))
    first = curves[0]
    x_axis = Axis(first.x_name or _X_NAMES.get(first.x_unit, "time"), first.x_unit, tight=True)
    windows = sorted({curve.window for curve in curves if curve.window})
    panel = Panel(x_axis, Axis(first.name, first.y_unit), drawn, windows=windows, height=170)
    if windows:
        notes.append("Shaded: the part that the table's values are taken from.")
    title = name[:1].upper() + name[1:]
    return Figure(title, " ".join(notes), [panel], first.temperature)


def temperature_figures(quantities: Sequence[Quantity]) -> list[Figure]:
    """Return one figure for each property that is known at two temperatures or more."""
    figures = []
    for group in group_quantities(quantities):
        known = [q for q in group.quantities if q.temperature and math.isfinite(q.value)]
        if len({q.temperature for q in known}) < 2:
            continue
        numbers = colours([q.species for q in known])
        drawn = []
        for species, number in numbers.items():
            points = sorted((q.temperature or 0.0, q.value, q.error) for q in known
                            if q.species == species)  # fmt: skip
            x, y, error = (np.array(column, dtype=float) for column in zip(*points, strict=True))
            drawn.append(series(species, x, y, error, number, kind="points"))
        values = [q.value for q in known]
        log = min(values) > 0 and max(values) > 8 * min(values)
        axes = Axis("temperature", "K"), Axis(group.name, group.unit, log=log)
        title = group.name[:1].upper() + group.name[1:]
        figures.append(Figure(title, "", [Panel(*axes, drawn, height=190)]))
    return figures
