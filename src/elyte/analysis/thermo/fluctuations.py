"""Response functions from fluctuations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from elyte.analysis.intervals import ONE_SIGMA, with_intervals
from elyte.analysis.statistics import equilibration_cut, variance
from elyte.core.quantity import Quantity
from elyte.core.units import BOLTZMANN, GPA


def compressibility(
    runs: Sequence[ArrayLike], temperature: float | None, least_samples: float = 20.0
) -> Quantity:
    """Return the isothermal compressibility from the volumes of runs at constant pressure.

        β_T = (⟨V²⟩ − ⟨V⟩²) / (⟨V⟩ k_B T)

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
    found = variance(kept)
    if not found.value > 0 or found.degrees_of_freedom < least_samples:
        few = found.degrees_of_freedom
        reason = f"too short: about {few:.0f} independent volumes"
        return Quantity.withhold(name, unit, reason, **fields)
    factor = GPA / (found.mean * BOLTZMANN * temperature)
    (a, b), (c, d) = (found.interval(p) for p in (ONE_SIGMA, 0.95))
    return with_intervals(
        name,
        found.value * factor,
        (a * factor, b * factor),
        (c * factor, d * factor),
        unit,
        n_effective=found.degrees_of_freedom,
        **fields,
    )
