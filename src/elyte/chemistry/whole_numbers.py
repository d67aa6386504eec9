"""Whole numbers of molecules nearest to a composition: a search over small integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

_MOST_SCALES = 600
_MOST_ENUMERATED = 300_000
_LARGEST_BOX = 1_000_000


@dataclass(frozen=True)
class Candidate:
    """Whole numbers of units, their size, and how far they are from the target.

    Args:
        counts: units of each component.
        size: atoms (or molecules) in all.
        deviation: largest relative deviation of a mole fraction, max |x'/x − 1|.
    """

    counts: tuple[int, ...]
    size: int
    deviation: float


def deviations(counts: NDArray[np.int64], fractions: Sequence[float]) -> NDArray[np.float64]:
    """Return max_i |x'_i/x_i − 1| of the mole fractions x' = n/Σn against the targets x, (m,)."""
    realised = counts / counts.sum(axis=1, keepdims=True)
    return np.asarray(np.abs(realised / np.asarray(fractions) - 1.0).max(axis=1))


def candidates(
    fractions: Sequence[float],
    sizes: Sequence[int],
    charges: Sequence[int],
    window: tuple[float, float],
) -> NDArray[np.int64]:
    """Return neutral compositions near a target whose size lies in a window, (m, k).

    All of them where that is feasible; in larger boxes those next to the line of exact
    compositions. Each component keeps at least one unit.

    Args:
        fractions: target mole fractions of the k components, sum 1.
        sizes: atoms (or molecules) of one unit of each.
        charges: e, of one unit of each.
        window: smallest and largest total size.
    """
    most = [int(window[1] // size) for size in sizes]
    if min(most) < 1:
        return np.empty((0, len(sizes)), dtype=np.int64)
    if np.prod([float(m) for m in most]) <= _MOST_ENUMERATED:
        counts = np.stack(np.meshgrid(*(np.arange(1, m + 1) for m in most)), axis=-1)
        counts = counts.reshape(-1, len(sizes))
    else:
        counts = _along_the_line(fractions, sizes, window)
    total = counts @ np.asarray(sizes)
    fits = (total >= window[0]) & (total <= window[1]) & (counts @ np.asarray(charges) == 0)
    return np.asarray(counts[fits])


def _along_the_line(
    fractions: Sequence[float], sizes: Sequence[int], window: tuple[float, float]
) -> NDArray[np.int64]:
    """Return the whole numbers around the points s·x whose size lies in the window."""
    x = np.asarray(fractions, dtype=float)
    mean = float(x @ np.asarray(sizes, dtype=float))
    low, high = window[0] / mean, window[1] / mean
    steps = min(_MOST_SCALES, max(2, int(4 * (high - low)) + 2))
    reach = 1 if len(x) <= 3 else 0  # neighbours beyond floor and ceiling
    found: set[tuple[int, ...]] = set()
    for scale in np.linspace(max(low - 1, 1.0), high + 1, steps):
        around = [range(max(1, floor(n) - reach), max(1, ceil(n) + reach) + 1) for n in scale * x]
        found.update(product(*around))
    return np.array(sorted(found), dtype=np.int64)


def nearest(
    fractions: Sequence[float],
    sizes: Sequence[int],
    charges: Sequence[int],
    target: int,
    slack: float = 0.1,
    size_weight: float = 0.05,
) -> Candidate | None:
    """Return the neutral composition nearest to a target, in a box of about `target`, or None.

    The best has the least deviation + size_weight · |size/target − 1|; the window of sizes is
    target·(1 ± slack), and twice and four times as wide if it holds none.
    """
    for widen in (1, 2, 4):
        spread = min(widen * slack, 0.5)
        window = (target * (1 - spread), target * (1 + spread))
        counts = candidates(fractions, sizes, charges, window)
        if len(counts):
            total = counts @ np.asarray(sizes)
            off = deviations(counts, fractions)
            cost = np.round(off + size_weight * np.abs(total / target - 1), 9)
            best = np.lexsort((*counts.T[::-1], cost))[0]
            return Candidate(tuple(counts[best].tolist()), int(total[best]), float(off[best]))
    return None


def smallest_within(
    fractions: Sequence[float],
    sizes: Sequence[int],
    charges: Sequence[int],
    tolerance: float,
    start: int,
) -> Candidate | None:
    """Return a small composition that meets the target within the tolerance, or None."""
    size = start
    while size < _LARGEST_BOX:
        best = nearest(fractions, sizes, charges, size)
        if best is not None and best.deviation <= tolerance:
            return best
        size = int(size * 1.25) + 1
    return None
