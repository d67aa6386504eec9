"""Limits that a set of labels suggests for itself: what lies far beyond the rest is a fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from elyte.core.frame import Labels
from elyte.reference.firewall import Limits

FEWEST = 20
"""Frames that a set must have before it can say anything about itself."""
FORCE_FACTOR, STRESS_FACTOR = 12.0, 8.0
"""How far beyond the upper quartile; unit errors are 14 (kcal), 27 (Hartree), 51 (and bohr)."""
FENCE = 3.0
"""Interquartile ranges of the logarithm beyond the upper quartile, for wide sets."""


@dataclass(frozen=True)
class Extremes:
    """Largest force and stress component of one label, eV/Å and eV/Å³; None where absent."""

    force: float | None
    stress: float | None


def extremes(labels: Labels) -> Extremes:
    """Return the largest norm of a force and the largest component of the stress of a label."""
    force = stress = None
    if labels.forces is not None and len(labels.forces) > 1:
        force = float(np.linalg.norm(labels.forces, axis=1).max())
    if labels.stress is not None:
        stress = float(np.abs(labels.stress).max())
    return Extremes(force, stress)


def suggested_limits(known: Sequence[Extremes], limits: Limits | None = None) -> Limits:
    """Return limits that are no wider than those given, and narrower where a set says so.

    max(k Q₃, Q₃ (Q₃/Q₁)³) with the quartiles Q of each frame's largest value, k = 12 for forces
    and 8 for stress. The quartiles do not care for a quarter of bad frames.

    Args:
        known: of the frames of a set; fewer than 20 say nothing.
        limits: the widest.
    """
    widest = limits or Limits()
    forces = [e.force for e in known if e.force is not None]
    stresses = [e.stress for e in known if e.stress is not None]
    return replace(
        widest,
        force=min(widest.force, _beyond(forces, FORCE_FACTOR)),
        stress=min(widest.stress, _beyond(stresses, STRESS_FACTOR)),
    )


def _beyond(values: ArrayLike, factor: float) -> float:
    array = np.asarray(values, dtype=float)
    array = array[np.isfinite(array) & (array > 0)]
    if len(array) < FEWEST:
        return np.inf
    low, high = np.percentile(array, [25, 75])
    return float(max(factor * high, high * (high / low) ** FENCE))
