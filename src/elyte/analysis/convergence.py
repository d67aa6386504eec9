"""Is a run long enough? Its start, its halves, and how much longer for a wanted error.

The properties are computed again from the first and from the second half of every run. Where they
differ by more than their errors the run drifts; the errors themselves should shrink like
1/√length, so that

    needed length = length · (error / wanted error)²
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.observation import Observation
from elyte.analysis.pairs import half_box, pairs_within
from elyte.analysis.statistics import block_curve, equilibration_cut, mean
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]

GROUP = "Convergence: relative error over length"
BLOCKS = "Convergence: error of the mean over length of blocks"
_LEAST_FRAMES = 50  # fewer tell no relaxation from noise
_LEAST_EFFECTIVE = 30.0  # slow fluctuations of a short run are no relaxation
_NEIGHBOURS = 7.0  # Å between centres of mass
_SAMPLES = 400  # frames in which neighbours are counted
_SHOWN = 8  # properties, those that need the longest runs, in the figure
_DRIFT = 3.0  # standard errors between the halves


@dataclass(frozen=True)
class Start:
    """Where a run counts as equilibrated.

    Args:
        frame: the first such frame.
        series: what relaxed longest ("volume", "neighbours", …), or "".
    """

    frame: int
    series: str = ""


def watched_series(
    run: Observation, more: Mapping[str, ArrayLike] | None = None
) -> dict[str, Array]:
    """Return the series by which a run's start is found, by name.

    They are its volume, the mean number of centres of mass within 7 Å of one another, and what
    else is given ("energy", …); lengths may differ.
    """
    series: dict[str, Array] = {}
    if np.ptp(run.volumes) > 1e-9 * run.volumes[0]:
        series["volume"] = run.volumes
    reach = min(_NEIGHBOURS, half_box(run.cells))
    stride = -(-len(run) // _SAMPLES)
    places, cells = run.places[::stride], run.cells[::stride]
    if places.shape[1] > 1:
        counts = np.diff(pairs_within(places, places, cells, reach).first)
        series["neighbours"] = counts.astype(float) / places.shape[1]
    for name in ("energy", "enthalpy"):
        if more is not None and name in more:
            series[name] = np.asarray(more[name], dtype=float)
    return series


def equilibration(run: Observation, more: Mapping[str, ArrayLike] | None = None) -> Start:
    """Find the frame from which all watched series of a run are stationary.

    Args:
        run: checked; shorter than 50 frames it is taken as it is.
        more: further series of the run.
    """
    if len(run) < _LEAST_FRAMES:
        return Start(0)
    starts = {
        name: -(-_cut(values) * len(run) // len(values))
        for name, values in watched_series(run, more).items()
    }
    latest = max(starts, key=lambda name: starts[name], default="")
    return Start(starts[latest], latest) if latest and starts[latest] else Start(0)


def _cut(values: Array) -> int:
    """Where a series has relaxed, if what follows holds enough independent values to say so."""
    cut = equilibration_cut(values)
    return cut if cut and mean(values[cut:]).n_effective >= _LEAST_EFFECTIVE else 0


def fraction_of(series: Mapping[str, Any], frames: int, part: slice) -> dict[str, Any]:
    """Return the part of recorded series that belongs to some frames of a run of so many."""
    result: dict[str, Any] = {}
    for name, values in series.items():
        if np.ndim(values) == 0:
            result[name] = values
            continue
        length = len(values)
        start, stop = (round(k * length / frames) for k in (part.start, part.stop))
        result[name] = np.asarray(values)[start:stop]
    return result


def halves(frames: int) -> tuple[slice, slice]:
    """Return the frames of both halves of a run."""
    return slice(0, frames // 2), slice(frames // 2, frames)


def judged(
    whole: Sequence[Quantity],
    parts: Sequence[Sequence[Quantity]],
    length: float,
    wanted: float,
    starts: Sequence[Start] = (),
) -> list[Quantity]:
    """Return quantities with `details["convergence"]`.

    It holds effective_samples, halves (value and error of each), drift (difference of the halves
    in standard errors), length_ps, error_over_length (ps, error), needed_times (how many times
    the length) and needed_ps for the wanted relative error, enough, and equilibrated_from (frame of
    each run).

    Args:
        whole: of the whole runs.
        parts: of the first and of the second halves.
        length: of all runs together, fs; nan where no time is known: then lengths in ps are nan.
        wanted: relative error.
        starts: of the runs.

    Raises:
        InputError: a wanted error that is not between 0 and 1.
    """
    if not 0 < wanted < 1:
        raise InputError(f"the wanted error is {wanted}; it is a fraction between 0 and 1")
    tables = [{_key(q): q for q in part} for part in parts]
    return [
        _judged(
            q, [t.get(_key(q)) for t in tables], length / 1000, wanted, [s.frame for s in starts]
        )
        for q in whole
    ]


def _key(q: Quantity) -> tuple[str, str, str]:
    return q.name, q.species, q.method.split(";")[0].split(",")[0]


def _judged(
    q: Quantity, parts: Sequence[Quantity | None], ps: float, wanted: float, starts: list[int]
) -> Quantity:
    if q.withheld or not q.error > 0:
        return q
    known = [p for p in parts if p is not None and not p.withheld]
    drift = float("nan")
    if len(known) == 2:
        spread = float(np.hypot(known[0].error, known[1].error))
        drift = (known[1].value - known[0].value) / spread if spread > 0 else float("nan")
    relative = q.error / abs(q.value) if q.value else np.inf
    over = [[ps / 2, float(np.mean([p.error for p in known]))]] if known else []
    found = {
        "effective_samples": q.n_effective,
        "halves": [[p.value, p.error] for p in known],
        "drift": drift,
        "length_ps": ps,
        "error_over_length": [*over, [ps, q.error]],
        "needed_times": float((relative / wanted) ** 2),
        "needed_ps": float(ps * (relative / wanted) ** 2),
        "wanted_error": wanted,
        "enough": bool(relative <= wanted and not abs(drift) > _DRIFT),
        "equilibrated_from": starts,
    }
    return replace(q, details={**q.details, "convergence": found})


def drift_warnings(quantities: Sequence[Quantity]) -> list[str]:
    """Return a line for each quantity whose halves differ by more than three errors."""
    lines = []
    for q in quantities:
        drift = q.details.get("convergence", {}).get("drift", np.nan)
        if abs(drift) > _DRIFT:
            of = f" of {q.species}" if q.species else ""
            lines.append(
                f"{q.name}{of} drifts: its halves differ by {abs(drift):.1f} standard errors"
            )
    return lines


def start_warnings(starts: Sequence[Start]) -> list[str]:
    """Return a line for each run whose start was left out."""
    return [
        f"run {k + 1}: the first {s.frame} frames are left out, its {s.series} still relaxed"
        for k, s in enumerate(starts)
        if s.frame
    ]


def convergence_table(quantities: Sequence[Quantity]) -> list[dict[str, Any]]:
    """Return a row for each judged quantity: what a table or a CSV file shows."""
    rows = []
    for q in quantities:
        found = q.details.get("convergence")
        if found is None:
            continue
        rows.append(
            {
                "property": q.name,
                "species": q.species,
                "method": q.method,
                "relative error": q.error / abs(q.value) if q.value else np.inf,
                "effective samples": found["effective_samples"],
                "drift (errors)": found["drift"],
                "length (ps)": found["length_ps"],
                "needed (ps)": found["needed_ps"],
                "needed (times the length)": found["needed_times"],
                "long enough": found["enough"],
            }
        )
    return rows


def convergence_curves(quantities: Sequence[Quantity], runs: Sequence[Observation]) -> list[Curve]:
    """Return relative errors over length, up to what is needed, and block curves of the series."""
    curves = []
    shown = [
        (q, q.details["convergence"])
        for q in quantities
        if "convergence" in q.details and q.value
        and np.isfinite(q.details["convergence"]["length_ps"])
        and len(q.details["convergence"]["error_over_length"]) > 1
    ]  # fmt: skip
    shown.sort(key=lambda pair: -pair[1]["needed_ps"])
    for q, found in shown[:_SHOWN]:
        points = np.array(found["error_over_length"])
        x, y = points[:, 0], points[:, 1] / abs(q.value)
        if found["needed_ps"] > x[-1]:
            x, y = np.append(x, found["needed_ps"]), np.append(y, found["wanted_error"])
        label = f"{q.name} {q.species}".strip()
        curves.append(Curve("relative error", x, y, None, "ps", "1", label, q.species, {}, GROUP))
    for k, run in enumerate(runs):
        for name, values in watched_series(run).items():
            if len(values) >= _LEAST_FRAMES and values.std() > 0:
                sizes, errors = block_curve(values)
                timed = np.isfinite(run.timestep)
                step, unit = (run.timestep / 1000, "ps") if timed else (1.0, "frames")
                x = sizes * step * len(run) / len(values)
                label = f"{name}, run {k + 1}"
                curves.append(
                    Curve("error of the mean", x, errors / abs(values.mean()), None, unit, "1",
                          label, group=BLOCKS)
                )  # fmt: skip
    return curves
