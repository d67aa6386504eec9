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

from elyte.analysis.intervals import ONE_SIGMA, beyond_chance, t_factor
from elyte.analysis.pairs import distance_histogram
from elyte.analysis.statistics import standard_errors

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Groups = tuple[ArrayLike, ArrayLike] | None

SETS = 12
"""Sets of particles, of all runs, whose histograms are kept apart; twice as many of single ones."""
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

    def add(
        self, a: Array, b: Array | None, cells: Array, volumes: Array, reach: float
    ) -> NDArray[np.int64]:
        """Count the pairs of some frames, (T, n_a, 3) and (T, n_b, 3) or None: a itself.

        Returns:
            pairs of each frame around all particles, (T, bins).
        """
        owners = self.molecules
        if b is None and owners is None:  # a particle is no pair with itself
            owners = np.arange(a.shape[1]), np.arange(a.shape[1])
        around = a if b is None else b
        frames, bins = np.arange(len(a)), self.counts.shape[1]
        total = np.zeros((len(a), bins), dtype=np.int64)
        for k, mine in enumerate(self.members):
            of = None if owners is None else (np.asarray(owners[0])[mine], owners[1])
            found = distance_histogram(a[:, mine], around, cells, reach, bins, frames, of)
            self.counts[k] += found.sum(axis=0)
            self.weighted[k] += volumes @ found
            total += found
        self.frames += len(a)
        return total


def surroundings(particles: int, runs: int, bins: int, molecules: Groups = None) -> Surroundings:
    """Return empty histograms for a run; atoms of one molecule are in one set.

    Args:
        particles: n_a.
        runs: number of runs, which share the sets.
        bins: of the histograms.
        molecules: of the particles, (n_a,), and of those around them; or None.
    """
    of = np.arange(particles) if molecules is None else np.asarray(molecules[0])
    owner = set_of(of, runs)
    members = [np.flatnonzero(owner == k) for k in range(int(owner.max()) + 1)]
    return Surroundings(
        members, molecules, np.zeros((len(members), bins)), np.zeros((len(members), bins))
    )


def set_of(molecules: ArrayLike, runs: int = 1) -> Index:
    """Return the set of each particle, 0 …: sets of as many molecules, or nearly."""
    owner = np.unique(np.asarray(molecules), return_inverse=True)[1]
    most, wanted = int(owner.max()) + 1, -(-SETS // runs)
    return np.asarray(owner % (most if most <= 2 * wanted else wanted), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Scatter:
    """Standard errors of means over particles, from how much sets of them differ.

    Args:
        by_volume: of V·n in each bin around a particle, (bins,).
        running: of the number up to the end of each bin, (bins,).
        sets: number of sets.
    """

    by_volume: Array
    running: Array
    sets: int


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
    shared = np.sqrt(2 * sets / (sets + 1)) if same else 1.0
    weight = np.array(size, dtype=float)
    counts, weighted = (np.concatenate([getattr(r, n) for r in runs]) for n in _SUMS)
    by_volume, running = (
        shared * between_sets(sums / weight[:, None], weight)
        for sums in (weighted, np.cumsum(counts, axis=1))
    )
    return Scatter(by_volume, running, len(size))


def between_sets(means: Array, weight: Array) -> Array:
    """Return the standard error of a weighted mean of independent sets, (…).

    Args:
        means: of each set, (k, …).
        weight: of each set, (k,).
    """
    mean = np.average(means, axis=0, weights=weight)
    squares = np.tensordot(weight**2, (means - mean) ** 2, 1) / weight.sum() ** 2
    return np.asarray(np.sqrt(squares * len(weight) / (len(weight) - 1)))


@dataclass(frozen=True, eq=False)
class Samples:
    """Parts of a histogram whose scatter tells its error.

    Args:
        blocks: means of blocks of frames, (b, …).
        sets: means around sets of particles, (k, …).
        weight: of the sets, (k,).
    """

    blocks: Array
    sets: Array
    weight: Array

    def error(self, window: Sequence[int]) -> Array:
        """Return the error of the mean: over time, widened where sets differ by more.

        Args:
            window: bins along each axis over which the widening is averaged.
        """
        shape = self.blocks.shape
        over_time = standard_errors([self.blocks.reshape(len(self.blocks), -1)]).reshape(shape[1:])
        if len(self.sets) < _LEAST:
            return over_time
        return widened(over_time, between_sets(self.sets, self.weight), len(self.sets), window)


_SUMS = ("counts", "weighted")


def bins_within(width: float) -> int:
    """Return how many neighbouring bins of some width (Å) share how much wider the error is."""
    return 2 * int(_WINDOW / 2 / width) + 1


def widened(error: Array, between: Array, sets: int, window: Sequence[int] = (1,)) -> Array:
    """Return errors from time series, widened where particles differ by more.

    The ratio of variances is averaged over neighbouring bins, as it is uncertain in each. Of k sets
    and independent bins it is χ²/ν with ν = k − 1 of each bin where particles do not differ; within
    the scatter of that it is chance, and beyond it the error is that of k samples.

    Args:
        error: from the time series, of any shape.
        between: from the particles, likewise.
        sets: k.
        window: bins along each axis; 1 for sums over bins, which are not independent.
    """
    known = error > 0
    ratio = np.ones_like(error)
    ratio[known] = (between[known] / error[known]) ** 2
    size = np.minimum(window, ratio.shape)
    # A running mean: what it leaves of a large ratio may be below zero by the rounding.
    smooth = ndimage.uniform_filter(ratio, size, mode="nearest")
    beyond = beyond_chance(smooth, (sets - 1) * int(np.prod(size)))
    student = t_factor(ONE_SIGMA, sets - 1)
    return np.asarray(error * np.where(beyond, np.sqrt(np.maximum(smooth, 0.0)) * student, 1.0))
