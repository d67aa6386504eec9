"""Distribution of displacements: the self part of van Hove's function and how Gaussian it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.checks import positive, runs_of
from elyte.analysis.curve import Curve
from elyte.analysis.intervals import ONE_SIGMA, t_factor
from elyte.analysis.jackknife import jackknife
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]

_LEAST_WINDOWS = 3  # independent lags that a run must hold
_LEAST_PARTICLES = 10


def van_hove_self(
    positions: Sequence[ArrayLike],
    timestep: float,
    times: Sequence[float],
    bins: int = 100,
    longest: float | None = None,
    species: str = "",
) -> list[Curve]:
    """Return the distribution of the distances that particles have moved after given times.

        4π r² G_s(r, t) = ⟨δ(r − |r_i(t) − r_i(0)|)⟩      (doi:10.1103/PhysRev.95.249)

    Args:
        positions: unwrapped, Å, (T, n, 3) each run.
        timestep: fs between frames.
        times: t, fs; each is rounded to frames.
        bins: number of bins of r.
        longest: r at the end, Å; None: twice the root mean square at the longest time.
        species: name.

    Returns:
        One curve for each time, 1/Å over Å, normalised to 1 when nothing lies beyond the end, with
        the standard error from the scatter of particles; `details["time_ps"]` is the time.

    Raises:
        InputError: another shape, a time that is not within the run, bad parameters.
    """
    positive(timestep=timestep, bins=bins)
    runs = runs_of(positions, (None, 3), "positions", least=2)
    lags = [_lag(t, timestep, runs) for t in times]
    if not lags:
        raise InputError("van Hove's function needs at least one time")
    if longest is None:
        longest = 2 * float(np.sqrt(_moments(runs, max(lags))[0][:, 0].mean())) or 1.0
    positive(longest=longest)
    edges = np.linspace(0, longest, bins + 1)
    return [_distribution(runs, lag, timestep, edges, species) for lag in lags]


def _lag(time: float, timestep: float, runs: list[Array]) -> int:
    positive(time=time)
    lag = round(time / timestep)
    if not 1 <= lag < max(map(len, runs)):
        length = (max(map(len, runs)) - 1) * timestep
        raise InputError(f"a time of {time} fs: runs have times from {timestep} to {length} fs")
    return lag


def _distances(run: Array, lag: int) -> Array:
    return np.asarray(np.linalg.norm(run[lag:] - run[:-lag], axis=2))


def _distribution(
    runs: list[Array], lag: int, timestep: float, edges: Array, species: str
) -> Curve:
    rows, windows = [], []
    for run in (r for r in runs if len(r) > lag):
        distances = _distances(run, lag)
        for column in distances.T:
            rows.append(np.histogram(column, edges)[0] / len(column))
            windows.append(len(column))
    density, weights = np.array(rows) / (edges[1] - edges[0]), np.array(windows, dtype=float)
    mean = np.average(density, axis=0, weights=weights)
    error = None
    if len(density) >= _LEAST_PARTICLES:
        spread = np.average((density - mean) ** 2, axis=0, weights=weights)
        student = t_factor(ONE_SIGMA, len(density) - 1)
        error = student * np.sqrt(spread / (len(density) - 1))
    ps = lag * timestep / 1000
    centres = (edges[1:] + edges[:-1]) / 2
    return Curve(
        "van Hove function, self part",
        centres,
        mean,
        error,
        "Å",
        "1/Å",
        f"{ps:g} ps",
        species,
        {"time_ps": ps},
        "van Hove",
    )


def _moments(runs: list[Array], lag: int) -> tuple[Array, Array]:
    """Return ⟨|Δr|²⟩ and ⟨|Δr|⁴⟩ of each particle of each run, (k, 2), and the windows (k, 1)."""
    rows, windows = [], []
    for run in (r for r in runs if len(r) > lag):
        squares = np.sum((run[lag:] - run[:-lag]) ** 2, axis=2)
        rows.append(np.stack([squares.mean(axis=0), (squares**2).mean(axis=0)], axis=1))
        windows.append(np.full((run.shape[1], 1), float(len(squares))))
    return np.concatenate(rows), np.concatenate(windows)


def _excess(moments: Array) -> float:
    return float(3 * moments[1] / (5 * moments[0] ** 2) - 1)


def non_gaussian_parameter(
    positions: Sequence[ArrayLike],
    timestep: float,
    time: float,
    species: str = "",
    temperature: float | None = None,
) -> Quantity:
    """Return how far the displacements after a time are from a Gaussian: 0 for Brownian motion.

        α₂(t) = 3 ⟨|Δr(t)|⁴⟩ / (5 ⟨|Δr(t)|²⟩²) − 1      (doi:10.1103/PhysRev.136.A405)

    Error and bias come from the jackknife over particles, taken as independent.

    Args:
        positions: unwrapped, Å, (T, n, 3) each run.
        timestep: fs between frames.
        time: t, fs; rounded to frames.
        species: name.
        temperature: K.

    Returns:
        Quantity, withheld with a reason when there are too few particles or windows.

    Raises:
        InputError: another shape, a time that is not within the run.
    """
    positive(timestep=timestep)
    runs = runs_of(positions, (None, 3), "positions", least=2)
    lag = _lag(time, timestep, runs)
    fields: dict[str, Any] = {
        "species": species,
        "temperature": temperature,
        "details": {"time_ps": lag * timestep / 1000},
    }
    name, method = "non-Gaussian parameter", "moments of displacements, jackknife over particles"
    samples, weights = _moments(runs, lag)
    reason = ""
    if len(samples) < _LEAST_PARTICLES:
        reason = (
            f"only {len(samples)} particles of at least {_LEAST_PARTICLES}: "
            "more runs, or a larger box"
        )
    elif max(map(len, runs)) < _LEAST_WINDOWS * lag:
        reason = f"too short: a run holds fewer than {_LEAST_WINDOWS} times {time:g} fs"
    elif not samples.any():
        reason = "nothing moves"
    if reason:
        return Quantity.withhold(name, "1", reason, method=method, **fields)
    return jackknife(samples, _excess, weights, groups=50).quantity(name, "1", method, **fields)


def non_gaussian_curve(
    positions: Sequence[ArrayLike], timestep: float, points: int = 30, species: str = ""
) -> Curve:
    """Return α₂(t) at lags that grow geometrically to a third of the run, with its error.

    Arguments as in `non_gaussian_parameter`; lags where it is withheld are left out.
    """
    positive(timestep=timestep, points=points)
    runs = runs_of(positions, (None, 3), "positions", least=2)
    longest = max(max(map(len, runs)) // _LEAST_WINDOWS, 1)
    lags = np.unique(np.geomspace(1, longest, points).round().astype(np.int64))
    found = [non_gaussian_parameter(runs, timestep, float(k * timestep), species) for k in lags]
    kept = [q for q in found if not q.withheld]
    x = np.array([q.details["time_ps"] for q in kept])
    y, error = np.array([q.value for q in kept]), np.array([q.error for q in kept])
    name = "non-Gaussian parameter"
    return Curve(name, x, y, error, "ps", "1", species, species, group="non-Gaussian parameter")
