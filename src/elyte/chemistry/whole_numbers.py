"""Whole numbers of molecules nearest to a composition: a search over small integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil, floor

import numpy as np

_MOST_SCALES = 600


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


def deviation(counts: Sequence[int], fractions: Sequence[float]) -> float:
    """Return max_i |x'_i/x_i − 1| of the mole fractions x' = n/Σn against the targets x."""
    total = sum(counts)
    return max(abs(n / (total * x) - 1.0) for n, x in zip(counts, fractions, strict=True))


def candidates(
    fractions: Sequence[float],
    sizes: Sequence[int],
    charges: Sequence[int],
    window: tuple[float, float],
) -> Iterator[Candidate]:
    """Yield the neutral compositions near a target whose size lies in a window.

    Around each point s·x of the line of exact compositions the whole numbers next to it are
    tried; each component keeps at least one unit.

    Args:
        fractions: target mole fractions of the components, sum 1.
        sizes: atoms (or molecules) of one unit of each.
        charges: e, of one unit of each.
        window: smallest and largest total size.
    """
    x = np.asarray(fractions, dtype=float)
    mean = float(x @ np.asarray(sizes, dtype=float))
    low, high = window[0] / mean, window[1] / mean
    steps = min(_MOST_SCALES, max(2, int(4 * (high - low)) + 2))
    reach = 1 if len(x) <= 3 else 0  # neighbours beyond floor and ceiling
    seen: set[tuple[int, ...]] = set()
    for scale in np.linspace(max(low - 1, 1.0), high + 1, steps):
        around = [range(max(1, floor(n) - reach), max(1, ceil(n) + reach) + 1) for n in scale * x]
        for counts in product(*around):
            if counts in seen:
                continue
            seen.add(counts)
            size = sum(n * s for n, s in zip(counts, sizes, strict=True))
            neutral = sum(n * q for n, q in zip(counts, charges, strict=True)) == 0
            if neutral and window[0] <= size <= window[1]:
                yield Candidate(counts, size, deviation(counts, fractions))


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
        found = list(candidates(fractions, sizes, charges, window))
        if found:
            return min(
                found,
                key=lambda c: (
                    round(c.deviation + size_weight * abs(c.size / target - 1), 9),
                    c.counts,
                ),
            )
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
    while size < 1_000_000:
        best = nearest(fractions, sizes, charges, size)
        if best is not None and best.deviation <= tolerance:
            return best
        size = int(size * 1.25) + 1
    return None
