"""Is the motion of the atoms in a stress? It must not be: a potential's stress is static.

Codes that run dynamics may print the pressure of the moving atoms. Positions and momenta are
independent in thermal equilibrium, so of a static stress nothing follows from the momenta: the
slope of the stress against its kinetic part, over frames, is zero, and one where it is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.core.frame import Dataset

FEWEST = 10
_DEVIATIONS = 5.0


@dataclass(frozen=True)
class KineticSlope:
    """Slope of the stress against its kinetic part, and its standard error (over frames)."""

    value: float
    error: float

    @property
    def found(self) -> bool:
        """Whether a kinetic part is in the stress beyond doubt: nearer to one than to zero."""
        return self.value > 0.5 and self.value > _DEVIATIONS * self.error


def kinetic_stress(momenta: ArrayLike, masses: ArrayLike, volume: float) -> NDArray[np.float64]:
    """Return −Σ p p/(m V) of atoms that move, eV/Å³, (3, 3); tension positive.

    Args:
        momenta: √(u eV), ASE's unit, (n, 3).
        masses: u, (n,).
        volume: Å³.
    """
    p = np.asarray(momenta, dtype=float)
    return np.asarray(-(p.T / np.asarray(masses, dtype=float)) @ p / volume)


def kinetic_slope(dataset: Dataset, momenta: Sequence[ArrayLike | None]) -> KineticSlope | None:
    """Return the slope from the deviations of each component from its mean over the set.

    Args:
        dataset: labelled frames.
        momenta: of each frame, √(u eV), (n, 3), or None.

    Returns:
        None when fewer than 10 frames have stress and momenta, or the latter are all the same.
    """
    static, moving = [], []
    for item, p in zip(dataset, momenta, strict=True):
        if p is None or item.labels.stress is None or item.frame.volume <= 0:
            continue
        static.append(item.labels.stress)
        moving.append(kinetic_stress(p, item.frame.masses, item.frame.volume))
    if len(static) < FEWEST:
        return None
    y = np.array(static) - np.mean(static, axis=0)
    x = np.array(moving) - np.mean(moving, axis=0)
    square = float((x**2).sum())
    if square < 1e-20:
        return None
    slope = float((x * y).sum() / square)
    left = ((y - slope * x) * x).sum(axis=(1, 2))  # frames are the independent samples
    return KineticSlope(slope, float(np.sqrt((left**2).sum()) / square))
