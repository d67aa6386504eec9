"""How much particles differ in their surroundings, averaged over a run: errors of short runs.

A time series tells how uncertain its mean is only when it is much longer than what relaxes in it.
Where a shell lasts as long as the run, other particles have to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from elyte.analysis.intervals import ONE_SIGMA, t_factor
from elyte.analysis.pairs import distance_histogram

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Groups = tuple[ArrayLike, ArrayLike] | None

SETS = 12
"""Sets of particles, of all runs, whose histograms are kept apart; twice as many of single ones."""
_CHANCE = 1.25  # a ratio of variances below this may be chance, and widens nothing
_LEAST = 5  # fewer sets do not tell how much they differ
_WINDOW = 0.4  # Å; neighbouring bins share how much wider the error is


@dataclass(eq=False)
class Surroundings:
    """Histograms of pairs around sets of the particles of one run, summed over frames.

    Args:
        members: particles of each set.
        molecules: of the particles and of those around them; pairs within one do not count.
        counts: pairs, (sets, bins).
        weighted: pairs times the volume of their frame, Å³, (sets, bins).
        frames: number of frames seen.
    """

    members: list[Index]
    molecules: Groups
    counts: Array
    weighted: Array
    frames: int = 0

    def add(self, a: Array, b: Array | None, cells: Array, volumes: Array, reach: float) -> None:
        """Count the pairs of some frames, (T, n_a, 3) and (T, n_b, 3) or None: a itself."""
        owners = self.molecules
        if b is None and owners is None:  # a particle is no pair with itself
            owners = np.arange(a.shape[1]), np.arange(a.shape[1])
        around = a if b is None else b
        frames, bins = np.arange(len(a)), self.counts.shape[1]
        for k, mine in enumerate(self.members):
            of = None if owners is None else (np.asarray(owners[0])[mine], owners[1])
            found = distance_histogram(a[:, mine], around, cells, reach, bins, frames, of)
            self.counts[k] += found.sum(axis=0)
            self.weighted[k] += volumes @ found
        self.frames += len(a)


def surroundings(particles: int, runs: int, bins: int, molecules: Groups = None) -> Surroundings:
    """Return empty histograms for a run; atoms of one molecule are in one set.

    Args:
        particles: n_a.
        runs: number of runs, which share the sets.
        bins: of the histograms.
        molecules: of the particles, (n_a,), and of those around them; or None.
    """
    of = np.arange(particles) if molecules is None else np.asarray(molecules[0])
    owner = np.unique(of, return_inverse=True)[1]
    most, wanted = int(owner.max()) + 1, -(-SETS // runs)
    sets = most if most <= 2 * wanted else wanted  # sets of equal size, or nearly
    members = [np.flatnonzero(owner % sets == k) for k in range(sets)]
    return Surroundings(members, molecules, np.zeros((sets, bins)), np.zeros((sets, bins)))


@dataclass(frozen=True, eq=False)
class Scatter:
    """Standard errors of means over particles, from how much sets of them differ.

    Args:
        by_volume: of V·n in each bin around a particle, (bins,).
        running: of the number up to the end of each bin, (bins,).
    """

    by_volume: Array
    running: Array


def scatter(runs: Sequence[Surroundings], same: bool) -> Scatter | None:
    """Return how much sets of particles of all runs differ; None for too few sets.

    Args:
        runs: histograms of each run.
        same: whether the particles surround each other, so that two sets share their pairs.
    """
    size = [len(m) * run.frames for run in runs for m in run.members]
    if len(size) < _LEAST:
        return None
    # A pair of two sets counts in both: g sets tell (g + 1)/2g of the variance of their sum.
    sets = len(runs[0].members)
    shared = 2 * sets / (sets + 1) if same else 1.0
    weight = np.array(size, dtype=float)[:, None]

    def error(sums: Array) -> Array:
        means = sums / weight
        mean = np.average(means, axis=0, weights=weight[:, 0])
        squares = (weight**2 * (means - mean) ** 2).sum(axis=0) / weight.sum() ** 2
        variance = shared * squares * len(size) / (len(size) - 1)
        return np.asarray(np.sqrt(variance) * t_factor(ONE_SIGMA, len(size) - 1))

    counts, weighted = (np.concatenate([getattr(r, n) for r in runs]) for n in _SUMS)
    return Scatter(error(weighted), error(np.cumsum(counts, axis=1)))


_SUMS = ("counts", "weighted")


def widened(error: Array, between: Array, width: float) -> Array:
    """Return errors from time series, widened where particles differ by more, (bins,).

    The ratio of variances is averaged over neighbouring bins, as it is uncertain in each, and
    counts where it is more than chance: else errors of long runs would all be too wide.

    Args:
        error: from the time series, (bins,).
        between: from the particles, (bins,).
        width: of a bin, Å.
    """
    known = error > 0
    ratio = np.ones_like(error)
    ratio[known] = (between[known] / error[known]) ** 2
    window = 2 * int(_WINDOW / 2 / width) + 1
    smooth = ndimage.uniform_filter1d(ratio, min(window, len(ratio)), mode="nearest")
    return np.asarray(error * np.sqrt(np.where(smooth > _CHANCE, smooth, 1.0)))
