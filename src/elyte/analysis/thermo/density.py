"""Mass density of runs at constant pressure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.statistics import equilibration_cut, mean
from elyte.core.quantity import Quantity
from elyte.core.units import DENSITY_TO_G_PER_CM3


def density_series(volumes: ArrayLike, mass: float) -> NDArray[np.float64]:
    """Return ρ = m/V in g/cm³ from volumes (Å³, (T,)) and the mass of the box (u)."""
    return mass / np.asarray(volumes, dtype=float) * DENSITY_TO_G_PER_CM3


def density(runs: Sequence[ArrayLike], temperature: float | None = None) -> Quantity:
    """Return the mean density of several runs, each from where it is found equilibrated.

    Args:
        runs: ρ(t) of each run, g/cm³, (T,), at equal time steps.
        temperature: K.
    """
    series = [np.asarray(run, dtype=float) for run in runs]
    cuts = [equilibration_cut(x) for x in series]
    kept = [x[cut:] for x, cut in zip(series, cuts, strict=True)]
    method = "mean after a found equilibration cut, error from an autoregressive model"
    fields = {"temperature": temperature, "details": {"equilibration_cut_frames": cuts}}
    return mean(kept).quantity("density", "g/cm³", method, **fields)


def fixed_density(volume: float, mass: float, temperature: float | None = None) -> Quantity:
    """Return the density of a run at constant volume: exact, and imposed."""
    value = float(mass / volume * DENSITY_TO_G_PER_CM3)
    return Quantity(
        "density", value, 0.0, "g/cm³", "imposed: constant volume", temperature=temperature
    )


def density_curve(times: ArrayLike, series: ArrayLike, label: str = "") -> Curve:
    """Return ρ(t) for a plot; times in fs."""
    ps = np.asarray(times, dtype=float) / 1000
    return Curve("density", ps, np.asarray(series), None, "ps", "g/cm³", label)
