"""Curves of Green–Kubo conductivity: current autocorrelation and running integral."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.correlation import autocorrelation
from elyte.analysis.curve import Curve
from elyte.analysis.transport.diffusion import integrated, pooled
from elyte.core.units import BOLTZMANN, CONDUCTIVITY_TO_S_PER_M

Array = NDArray[np.float64]


def current_curves(
    currents: Sequence[ArrayLike],
    timestep: float,
    volume: float,
    temperature: float,
    longest: float = 0.1,
) -> list[Curve]:
    """Return the normalised current autocorrelation and its running integral σ(t).

        σ(t) = 1/(3 V k_B T) ∫₀^t ⟨J(0)·J(s)⟩ ds

    The error of σ(t) grows with √t; it is that of a Gaussian process with this autocorrelation
    at times long against its decay, σ √(4t/(3 T_total)).

    Args:
        currents: e Å/fs, (T, 3) each run.
        timestep: fs.
        volume: Å³.
        temperature: K.
        longest: lags to show, as a part of the run.
    """
    series = [np.asarray(c, dtype=float) for c in currents]
    frames = [len(c) for c in series]
    lags = max(int(max(frames) * longest), min(10, max(frames)))
    correlation = pooled([autocorrelation(c, lags) for c in series], frames)
    factor = CONDUCTIVITY_TO_S_PER_M / (3 * volume * BOLTZMANN * temperature)
    running = integrated(correlation[:, None], timestep)[:, 0] * factor
    time = np.arange(len(correlation)) * timestep
    error = np.abs(running) * np.sqrt(4 * time / (3 * sum(frames) * timestep))
    ps = time / 1000
    name = "current autocorrelation"
    return [
        Curve(name, ps, correlation / correlation[0], None, "ps", "1"),
        Curve(
            "conductivity, running integral", ps, running, error, "ps", "S/m", group="conductivity"
        ),
    ]
