"""Engine or settings that changed within a set, and energies that do not fit the rest of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elyte.core.frame import Dataset

ENERGY_OUTLIER = 1.0
"""eV per atom away from the rest of its composition."""
FEWEST = 10
_SHARE, _GAP, _WIDTHS = 0.04, 0.02, 10.0
"""Of a second level: least share of the frames, eV per atom apart, and gap over inner spread."""


@dataclass(frozen=True)
class Residuals:
    """What E = Σ_z n_z e_z leaves of the energies of a set.

    Args:
        frames: indices in the set, (m,).
        values: eV per atom, (m,).
    """

    frames: NDArray[np.int64]
    values: NDArray[np.float64]

    @property
    def outliers(self) -> NDArray[np.bool_]:
        """Which lie more than 1 eV per atom and 20 robust deviations away."""
        scale = 1.4826 * float(np.median(np.abs(self.values)))
        return np.asarray(np.abs(self.values) > max(ENERGY_OUTLIER, 20 * scale))


def residuals(dataset: Dataset) -> Residuals:
    """Fit energies of elements so that a few outliers do not pull them (iteratively reweighted
    least squares, Cauchy weights), and return what is left; nothing for fewer than 10 frames."""
    places = [
        i
        for i, item in enumerate(dataset)
        if len(item.frame) > 1 and np.isfinite(item.labels.energy)
    ]
    if len(places) < FEWEST:
        return Residuals(np.zeros(0, dtype=np.int64), np.zeros(0))
    species = dataset.species
    counts = np.array(
        [[(dataset[i].frame.numbers == z).sum() for z in species] for i in places], dtype=float
    )
    sizes = counts.sum(axis=1)
    energies = np.array([dataset[i].labels.energy for i in places]) / sizes
    values = _robust_residuals(counts / sizes[:, None], energies)
    return Residuals(np.array(places, dtype=np.int64), values)


def second_level(found: Residuals) -> tuple[NDArray[np.int64], float] | None:
    """Return the frames of a smaller group whose energies stand apart, and by how much (eV/atom).

    Two clouds of residuals with an empty gap between them, ten times wider than either cloud's
    standard deviation, come from two levels of theory (functional, pseudopotential, charge,
    dispersion), not from one liquid.
    """
    keep = ~found.outliers
    values, frames = found.values[keep], found.frames[keep]
    if len(values) < 2 * FEWEST:
        return None
    order = np.argsort(values)
    values, frames = values[order], frames[order]
    least = max(3, int(np.ceil(_SHARE * len(values))))
    gaps = np.diff(values)[least - 1 : len(values) - least]
    if not len(gaps):
        return None
    cut = int(np.argmax(gaps)) + least
    gap, low, high = float(gaps.max()), values[:cut], values[cut:]
    if gap < max(_GAP, _WIDTHS * low.std(), _WIDTHS * high.std()):
        return None
    smaller = frames[:cut] if len(low) < len(high) else frames[cut:]
    return np.sort(smaller), float(high.mean() - low.mean())


def _robust_residuals(
    fractions: NDArray[np.float64], energies: NDArray[np.float64]
) -> NDArray[np.float64]:
    left = energies - np.median(energies)
    for _ in range(30):
        scale = max(1.4826 * float(np.median(np.abs(left))), 1e-6)
        weights = np.sqrt(1.0 / (1.0 + (left / scale) ** 2))
        solution = np.linalg.lstsq(fractions * weights[:, None], energies * weights, rcond=1e-10)
        left = energies - fractions @ solution[0]
    return np.asarray(left)
