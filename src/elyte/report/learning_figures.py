"""The figures of the learning: errors, grades, labels and time by round; parity."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from ase.data import atomic_numbers

from elyte.report.data import ParityData, ReportData, RoundRecord
from elyte.report.plots import Axis, Figure, Panel, Values, series

MAX_DOTS = 4000
"""Points of a parity figure; the worst are always among them."""


def round_figures(data: ReportData) -> list[Figure]:
    """Return the learning curves; a figure without numbers is left out."""
    if not data.rounds:
        return []
    figures = [_errors(data), _grades(data), _labels(data.rounds), _times(data.rounds)]
    return [figure for figure in figures if figure.panels[0].series]


def _points(
    rounds: Sequence[RoundRecord],
    label: str,
    read: Callable[[RoundRecord], float | None],
    colour: int = 0,
    factor: float = 1.0,
) -> list[dict[str, object]]:
    known = [(r.index, value) for r in rounds if (value := read(r)) is not None]
    known = [(index, value) for index, value in known if np.isfinite(value)]
    if not known:
        return []
    x, y = (np.array(column, dtype=float) for column in zip(*known, strict=True))
    return [series(label, x, factor * y, None, colour, kind="points")]


def _errors(data: ReportData) -> Figure:
    drawn = _points(data.rounds, "unseen frames", lambda r: r.force_rmse_validation, 0, 1e3)
    drawn += _points(data.rounds, "training frames", lambda r: r.force_rmse_train, 1, 1e3)
    lines: list[dict[str, object]] = []
    if data.force_target:
        target = 1e3 * data.force_target
        lines = [{"y": target, "label": f"target {target:g} meV/Å", "include": True}]
    y = Axis("force RMSE", "meV/Å", zero=True)
    panel = Panel(Axis("round", integer=True), y, drawn, lines=lines)
    return Figure(
        "Error of the forces",
        "Root mean square error of the force components after each round, on the frames of the "
        "training and on frames from the potential's own trajectories before it saw them.",
        [panel],
    )


def _grades(data: ReportData) -> Figure:
    drawn = _points(data.rounds, "largest grade", lambda r: r.max_grade)
    lines: list[dict[str, object]] = []
    if data.grade_limits:
        save, stop = data.grade_limits
        lines = [
            {"y": save, "label": f"save above {save:g}", "include": True},
            {"y": stop, "label": f"stop above {stop:g}", "include": True},
        ]
    panel = Panel(Axis("round", integer=True), Axis("grade γ", log=True), drawn, lines=lines)
    return Figure(
        "Extrapolation grade",
        "Largest extrapolation grade that the trajectories of a round met.",
        [panel],
    )


def _bars(
    rounds: Sequence[RoundRecord],
    unit: str,
    name: str,
    parts: Sequence[tuple[str, Callable[[RoundRecord], float]]],
) -> Panel:
    x = np.arange(len(rounds), dtype=float)
    drawn = [
        series(label, x, np.array([read(r) for r in rounds], dtype=float), None, i, kind="bars")
        for i, (label, read) in enumerate(parts)
    ]
    categories = [str(r.index) for r in rounds]
    axes = Axis("round"), Axis(name, unit, zero=True)
    kept = [part for part in drawn if any(part["y"])]
    return Panel(*axes, kept, categories=categories, stacked=True)


def _labels(rounds: Sequence[RoundRecord]) -> Figure:
    parts = [
        ("kept", lambda r: r.labels_total - r.labels_new),
        ("new", lambda r: r.labels_new),
        ("quarantined", lambda r: r.labels_quarantined),
    ]
    panel = _bars(rounds, "", "labels", parts)
    return Figure("Labels", "Quantum-chemical labels in the training set, by round.", [panel])


def _times(rounds: Sequence[RoundRecord]) -> Figure:
    parts = [
        ("label", lambda r: r.seconds_label / 60),
        ("train", lambda r: r.seconds_train / 60),
        ("explore", lambda r: r.seconds_explore / 60),
    ]
    panel = _bars(rounds, "min", "wall time", parts)
    return Figure("Time", "Wall time of each round by kind of work.", [panel])


def parity_figures(parity: Sequence[ParityData]) -> list[Figure]:
    """Return predicted against reference values, with the errors as a small table."""
    return [_parity(item) for item in parity if len(item.reference)]


def _parity(data: ParityData) -> Figure:
    factor, unit = (1e3, f"m{data.unit}") if data.unit.startswith("eV") else (1.0, data.unit)
    small = np.abs(data.reference).max() < 0.1  # both axes in one unit, without powers of ten
    scale, drawn_unit = (factor, unit) if small else (1.0, data.unit)
    elements = sorted(set(data.elements), key=_atomic_number) or [""]
    shown = _chosen(np.abs(data.predicted - data.reference))
    of = np.array(data.elements) if data.elements else np.full(len(data.reference), "")
    drawn = []
    for number, element in enumerate(elements):
        at = shown[of[shown] == element]
        x, y = scale * data.reference[at], scale * data.predicted[at]
        drawn.append(series(element, x, y, None, number, kind="dots"))
    axes = Axis("reference", drawn_unit), Axis("potential", drawn_unit)
    rows = [_error_row(data, element, factor) for element in elements if element]
    everything = "all" if rows else data.name
    rows.append(_error_row(data, "", factor, everything))
    return Figure(
        data.name[:1].upper() + data.name[1:],
        _parity_caption(data, len(shown)),
        [Panel(*axes, drawn, square=True)],
        rows=rows,
        header=("", "values", f"RMSE ({unit})", f"MAE ({unit})"),
    )


def _atomic_number(symbol: str) -> tuple[int, str]:
    return atomic_numbers.get(symbol, 999), symbol


def _error_row(data: ParityData, element: str, factor: float, label: str = "") -> tuple[str, ...]:
    rmse, mae = data.errors(element)
    count = list(data.elements).count(element) if element else len(data.reference)
    return label or element, f"{count}", f"{factor * rmse:.3g}", f"{factor * mae:.3g}"


def _parity_caption(data: ParityData, shown: int) -> str:
    parts = [f"{data.name[:1].upper() + data.name[1:]} of the potential against the reference"]
    if data.note:
        parts.append(f", {data.note}")
    parts.append(".")
    if shown < len(data.reference):
        parts.append(f" {shown} of {len(data.reference)} values are drawn, the worst among them;"
                     " the errors are of all.")  # fmt: skip
    return "".join(parts)


def _chosen(errors: Values) -> np.ndarray:
    """Return the indices of the values that are drawn: the worst 200 and an even choice."""
    if len(errors) <= MAX_DOTS:
        return np.arange(len(errors))
    worst = np.argsort(-errors, kind="stable")[:200]
    even = np.linspace(0, len(errors) - 1, MAX_DOTS - 200).astype(int)
    return np.unique(np.concatenate([worst, even]))
