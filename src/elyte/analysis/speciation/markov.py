"""A Markov state model of discrete states: transition matrix and implied time scales.

        T_ij(τ) = C_ij / Σ_j C_ij,   t_k(τ) = −τ / ln |λ_k(τ)|      (doi:10.1063/1.3565032)

C_ij counts how often an ion that is in state i is in state j a lag τ later. A model describes the
dynamics only where its time scales no longer depend on τ, which is tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.intervals import ONE_SIGMA, t_factor, with_intervals, with_log_error
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]
States = NDArray[np.int64]

GROUP = "Implied time scales"
_GROUPS = 20
_LEAST_GROUPS = 6
_LEAST_TRANSITIONS = 10


@dataclass(frozen=True, eq=False)
class MarkovModel:
    """Transitions between states at one lag.

    Args:
        lag: frames.
        timestep: fs between frames.
        names: of the states.
        matrix: probability to be in j a lag after being in i, (n, n); nan where i is never left.
        matrix_error: standard error over ions, (n, n).
        counts: C_ij, (n, n).
        samples: C_ij of each group of ions, (groups, n, n).
    """

    lag: int
    timestep: float
    names: tuple[str, ...]
    matrix: Array
    matrix_error: Array
    counts: Array
    samples: Array = field(repr=False)

    @property
    def lag_time(self) -> float:
        """ps."""
        return self.lag * self.timestep / 1000

    @property
    def stationary(self) -> Array:
        """Return the stationary probabilities of the states, (n,)."""
        return _stationary(self.counts)


def markov_model(
    runs: Sequence[ArrayLike], timestep: float, lag: int = 1, names: Sequence[str] | None = None
) -> MarkovModel:
    """Count transitions between states, with errors from a jackknife over groups of ions.

    Args:
        runs: state of each ion, 0 … n − 1, (frames, ions) each.
        timestep: fs between frames.
        lag: frames.
        names: of the states; None: "0", "1", ….

    Raises:
        InputError: states that are no indices, a lag longer than a run, or no time step.
    """
    states = _checked(runs, timestep, lag)
    n = max(int(s.max()) for s in states) + 1
    labels = tuple(names) if names is not None else tuple(map(str, range(n)))
    if len(labels) < n:
        raise InputError(f"{len(labels)} names for {n} states")
    samples = _counts(states, lag, len(labels))
    total = samples.sum(axis=0)
    left_out = np.stack([_normalised(total - part) for part in samples])
    matrix, k = _normalised(total), len(samples)
    error = np.sqrt((k - 1) / k * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    if k < _LEAST_GROUPS:
        error = np.full_like(matrix, np.nan)
    return MarkovModel(lag, float(timestep), labels, matrix, error, total, samples)


def _checked(runs: Sequence[ArrayLike], timestep: float, lag: int) -> list[States]:
    states = [np.asarray(run) for run in runs]
    if not states or any(s.ndim != 2 or not s.size for s in states):
        raise InputError("a Markov model needs the states of ions, (frames, ions) for each run")
    if any(s.dtype.kind not in "iub" or s.min() < 0 for s in states):
        raise InputError("states are indices 0, 1, …; others were given")
    if not (np.isfinite(timestep) and timestep > 0):
        raise InputError(f"a Markov model needs the time between frames (fs); it is {timestep}")
    if not 1 <= lag < min(map(len, states)):
        raise InputError(f"a lag of {lag} frames does not fit into {min(map(len, states))} frames")
    return [s.astype(np.int64) for s in states]


def _counts(states: list[States], lag: int, n: int) -> Array:
    """Transitions of each group of ions, (groups, n, n)."""
    ions = sum(s.shape[1] for s in states)
    groups = min(ions, _GROUPS)
    counts = np.zeros(groups * n * n)
    start = 0
    for run in states:
        group = (start + np.arange(run.shape[1])) % groups
        flat = (group * n + run[:-lag]) * n + run[lag:]
        counts += np.bincount(flat.ravel(), minlength=len(counts))
        start += run.shape[1]
    return counts.reshape(groups, n, n)


def _normalised(counts: Array) -> Array:
    rows = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, rows, out=np.full_like(counts, np.nan), where=rows > 0)


def _reversible(counts: Array) -> tuple[Array, Array]:
    """Symmetric form of the transition matrix of states that occur, and the root of their weights.

    Ions in equilibrium go both ways alike: C and its transpose are averaged, which also makes the
    eigenvalues real.
    """
    both = (counts + counts.T) / 2
    present = both.sum(axis=1) > 0
    both = both[np.ix_(present, present)]
    root = np.sqrt(both.sum(axis=1))
    return both / np.outer(root, root), root


def _stationary(counts: Array) -> Array:
    weights = (counts + counts.T).sum(axis=1)
    return np.asarray(weights / weights.sum())


def _eigenvalues(counts: Array) -> Array:
    """Eigenvalues below the stationary one, largest first."""
    symmetric, _ = _reversible(counts)
    return np.asarray(np.sort(np.linalg.eigvalsh(symmetric))[::-1][1:])


def transition_probability(model: MarkovModel, start: str, end: str) -> Quantity:
    """Return the probability to be in `end` a lag after `start`, or why it is withheld.

    Raises:
        InputError: a name that is no state.
    """
    for name in (start, end):
        if name not in model.names:
            raise InputError(f"there is no state '{name}'; there are {', '.join(model.names)}")
    i, j = model.names.index(start), model.names.index(end)
    k, origins = len(model.samples), model.counts[i].sum()
    fields = {"species": f"{start} → {end}"}
    reason = ""
    if k < _LEAST_GROUPS:
        reason = f"only {k} ions; at least {_LEAST_GROUPS} are needed"
    elif min(model.counts[i, j], origins - model.counts[i, j]) < _LEAST_TRANSITIONS:
        reason = f"{model.counts[i, j]:.0f} transitions of {origins:.0f} are too few"
    if reason:
        return Quantity.withhold("transition probability", "1", reason, **fields)
    value, error = float(model.matrix[i, j]), float(model.matrix_error[i, j])
    odds = error / (value * (1 - value))  # the interval is even in the log odds, within 0 … 1

    def bounds(level: float) -> tuple[float, float]:
        shift = t_factor(level, k - 1) * odds
        centre = np.log(value / (1 - value))
        low, high = 1 / (1 + np.exp([-centre + shift, -centre - shift]))
        return float(low), float(high)

    return with_intervals(
        "transition probability",
        value,
        bounds(ONE_SIGMA),
        bounds(0.95),
        "1",
        method=f"transitions after {model.lag_time:.3g} ps; jackknife over ions",
        n_effective=float(k),
        details={"lag_ps": model.lag_time},
        **fields,
    )


def implied_time_scale(model: MarkovModel, process: int = 1) -> Quantity:
    """Return the time scale of a process of the model, ps; process 1 is the slowest.

    Raises:
        InputError: a process that a model of so many states does not have.
    """
    name, species = "implied time scale", f"process {process}"
    eigenvalues = _eigenvalues(model.counts)
    if not 1 <= process < len(model.names):
        raise InputError(f"{len(model.names)} states have no process {process}")
    k = len(model.samples)
    reason = ""
    if process > len(eigenvalues):
        reason = "too few of the states ever occur"
    elif k < _LEAST_GROUPS:
        reason = f"only {k} ions; at least {_LEAST_GROUPS} are needed"
    elif not 0 < eigenvalues[process - 1] < 1 - 1e-12:
        reason = "the states do not mix (a longer run), or mix within one lag (frames more often)"
    else:
        logs = _left_out_logs(model, process)
        if logs is None:
            reason = "too few transitions: without some ions there is no such process"
    if reason:
        return Quantity.withhold(name, "ps", reason, species=species)
    assert logs is not None
    value = float(-model.lag_time / np.log(eigenvalues[process - 1]))
    spread = float(np.sqrt((k - 1) * np.mean((logs - logs.mean()) ** 2)))
    return with_log_error(
        name,
        value,
        spread,
        k - 1,
        "ps",
        method=f"reversible model at lag {model.lag_time:.3g} ps; jackknife over ions",
        n_effective=float(k),
        species=species,
        details={"lag_ps": model.lag_time},
    )


def _left_out_logs(model: MarkovModel, process: int) -> Array | None:
    """Logarithms of the time scale without one group of ions each, or None."""
    times = []
    for part in model.samples:
        eigenvalues = _eigenvalues(model.counts - part)
        if process > len(eigenvalues) or not 0 < eigenvalues[process - 1] < 1 - 1e-12:
            return None
        times.append(-model.lag_time / np.log(eigenvalues[process - 1]))
    return np.asarray(np.log(times))


def time_scales_over_lags(
    runs: Sequence[ArrayLike], timestep: float, lags: Sequence[int], process: int = 1
) -> Curve:
    """Return an implied time scale over lag times: level where the model is Markovian.

    `details["markovian"]` says whether all agree with the last one within two errors; None when
    fewer than two are known.
    """
    found = [implied_time_scale(markov_model(runs, timestep, lag), process) for lag in lags]
    values = np.array([q.value for q in found])
    errors = np.array([q.error for q in found])
    known = np.flatnonzero(np.isfinite(values))
    markovian: bool | None = None
    if len(known) > 1:
        last = known[-1]
        combined = np.sqrt(errors[known] ** 2 + errors[last] ** 2)
        markovian = bool((np.abs(values[known] - values[last]) <= 2 * combined).all())
    return Curve(
        "implied time scale",
        np.asarray(lags, dtype=float) * timestep / 1000,
        values,
        errors,
        "ps",
        "ps",
        f"process {process}",
        details={"markovian": markovian},
        group=GROUP,
    )
