"""Response functions from fluctuations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from elyte.analysis.statistics import ONE_SIGMA, equilibration_cut, mean, t_factor, with_intervals
from elyte.analysis.walk import chi_squared_interval
from elyte.core.quantity import Quantity
from elyte.core.units import BOLTZMANN, GPA


def compressibility(
    runs: Sequence[ArrayLike], temperature: float | None, least_samples: float = 20.0
) -> Quantity:
    """Return the isothermal compressibility from the volumes of runs at constant pressure.

        β_T = (⟨V²⟩ − ⟨V⟩²) / (⟨V⟩ k_B T)

    A variance from n independent values has a scaled χ² distribution with n − 1 degrees of
    freedom; n is that of the mean of (V − ⟨V⟩)².

    Args:
        runs: V(t), Å³, (T,), at equal times, from a barostat that samples the right fluctuations.
        temperature: K.
        least_samples: fewer independent volumes give no number.
    """
    name, unit = "isothermal compressibility", "1/GPa"
    fields: dict[str, Any] = {"temperature": temperature, "method": "volume fluctuations"}
    if temperature is None:
        return Quantity.withhold(name, unit, "the temperature is not known; give it", **fields)
    kept = [np.asarray(v, dtype=float)[equilibration_cut(v) :] for v in runs]
    average = mean(kept)
    squares = mean([(v - average.value) ** 2 for v in kept])
    if average.reason or squares.reason or squares.value == 0:
        reason = average.reason or squares.reason or "the volume does not change"
        return Quantity.withhold(name, unit, reason, **fields)
    n = 2 * (squares.value / squares.standard_error) ** 2
    if min(n, average.n_effective) < least_samples:
        reason = f"too short: about {min(n, average.n_effective):.0f} independent volumes"
        return Quantity.withhold(name, unit, reason, **fields)
    variance = squares.value + average.standard_error**2  # the sample mean lies too near
    factor = GPA / (average.value * BOLTZMANN * temperature)
    error = variance * np.sqrt(2 / n)
    freedom = squares.degrees_of_freedom
    levels = [_widened(p, freedom) for p in (ONE_SIGMA, 0.95)]
    (a, b), (c, d) = (chi_squared_interval(variance, error, p) for p in levels)
    return with_intervals(
        name,
        variance * factor,
        (a * factor, b * factor),
        (c * factor, d * factor),
        unit,
        n_effective=float(n),
        **fields,
    )


def _widened(level: float, degrees_of_freedom: float) -> float:
    """Return the normal level as wide as Student's t at `level`: the error is estimated, too."""
    return float(2 * stats.norm.cdf(t_factor(level, degrees_of_freedom)) - 1)
