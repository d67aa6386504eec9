"""Whether displacements have become diffusive: the slope of log MSD over log t."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.checks import positive, runs_of
from elyte.analysis.jackknife import jackknife
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]


def log_log_slope(
    positions: Sequence[ArrayLike],
    timestep: float,
    lag: int | None = None,
    species: str = "",
    temperature: float | None = None,
) -> Quantity:
    """Return the exponent of the mean squared displacement: 1 diffusive, 2 ballistic, < 1 caged.

        α = log₂ [MSD(2t) / MSD(t)]

    The error is a jackknife over particles.

    Args:
        positions: unwrapped, Å, (T, n, 3) each run.
        timestep: fs between frames.
        lag: t in frames; None: a tenth of the longest run.
        species: name.
        temperature: K.

    Raises:
        InputError: another shape, no positive time step.
    """
    positive(timestep=timestep)
    runs = runs_of(positions, (None, 3), "positions", least=2)
    longest = max(map(len, runs))
    t = max(lag or longest // 10, 1)
    fields: dict[str, Any] = {"species": species, "temperature": temperature}
    name, method = "log–log slope of the displacement", "between t and 2t; jackknife over particles"
    if 2 * t >= longest:
        reason = f"too short: {longest} frames"
        return Quantity.withhold(name, "1", reason, method=method, **fields)
    rows, weights = [], []
    for run in (r for r in runs if len(r) > 2 * t):
        pair = [np.sum((run[k:] - run[:-k]) ** 2, axis=2).mean(axis=0) for k in (t, 2 * t)]
        rows.append(np.stack(pair, axis=1))
        weights.append(np.full((run.shape[1], 1), float(len(run) - 2 * t)))
    samples = np.concatenate(rows)
    if not samples.all():
        return Quantity.withhold(name, "1", "nothing moves", method=method, **fields)
    found = jackknife(samples, lambda m: float(np.log2(m[1] / m[0])), np.concatenate(weights))
    details = {"time_ps": t * timestep / 1000}
    return found.quantity(name, "1", method, details=details, **fields)
