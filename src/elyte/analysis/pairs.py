"""Pair distances in periodic boxes: the Python face of csrc/analysis_pairs."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte._native import analysis_pairs as native
from elyte.core.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs (a, b) within a cutoff, frame by frame.

    Args:
        first: pairs of frame t are first[t] … first[t + 1], (T + 1,).
        index: of a and of b in their sets, (k, 2).
        distance: Å, (k,).
    """

    first: NDArray[np.int64]
    index: NDArray[np.int32]
    distance: Array

    @property
    def frame(self) -> NDArray[np.int64]:
        """Frame of each pair, (k,)."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))


def threads() -> int:
    """Return the number of threads to use: OMP_NUM_THREADS, or what the machine has."""
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(given) if given.isdigit() and int(given) > 0 else len(os.sched_getaffinity(0))


def _positions(values: ArrayLike) -> Array:
    array = np.ascontiguousarray(values, dtype=float)
    if array.ndim != 3 or array.shape[-1] != 3:
        raise InputError(f"positions have shape {array.shape}, expected (frames, particles, 3)")
    if not np.isfinite(array).all():
        raise InputError("positions hold values that are not finite")
    return array


def _cells(values: ArrayLike, frames: int) -> Array:
    array = np.ascontiguousarray(np.broadcast_to(np.asarray(values, float), (frames, 3, 3)))
    if not (np.isfinite(array).all() and (np.abs(np.linalg.det(array)) > 0).all()):
        raise InputError("distances in the liquid need a periodic box; the cell has no volume")
    return array


def _groups(values: ArrayLike | None) -> NDArray[np.int64] | None:
    return None if values is None else np.ascontiguousarray(values, dtype=np.int64)


def half_box(cells: ArrayLike) -> float:
    """Return half of the smallest distance of opposite faces of all cells, Å."""
    inverse = np.linalg.inv(np.atleast_3d(np.asarray(cells, float)).reshape(-1, 3, 3))
    return float(0.5 / np.linalg.norm(inverse, axis=1).max())


def distance_histogram(
    a: ArrayLike,
    b: ArrayLike | None,
    cells: ArrayLike,
    r_max: float,
    bins: int,
    blocks: ArrayLike | None = None,
    groups: tuple[ArrayLike, ArrayLike] | None = None,
) -> NDArray[np.int64]:
    """Count ordered pairs (a, b) by their distance.

    Args:
        a: Å, (T, n_a, 3).
        b: Å, (T, n_b, 3), or None: pairs within a, each counted twice, none with itself.
        cells: Å, (T, 3, 3).
        r_max: Å.
        bins: number of equal bins up to r_max.
        blocks: block of each frame, (T,); None: one block.
        groups: numbers of the molecules of a and of b; pairs within one are left out.

    Returns:
        counts, (blocks, bins).
    """
    set_a = _positions(a)
    set_b = set_a if b is None else _positions(b)
    frames = len(set_a)
    block = np.zeros(frames, np.int64) if blocks is None else np.asarray(blocks, np.int64)
    group_a, group_b = (None, None) if groups is None else map(_groups, groups)
    return native.histogram(
        set_a,
        set_b,
        _cells(cells, frames),
        float(r_max),
        int(bins),
        np.ascontiguousarray(block),
        int(block.max(initial=0)) + 1,
        group_a,
        group_b,
        b is None,
        threads(),
    )


def pairs_within(
    a: ArrayLike,
    b: ArrayLike,
    cells: ArrayLike,
    cutoff: float,
    groups: tuple[ArrayLike, ArrayLike] | None = None,
) -> Pairs:
    """List the pairs (a, b) closer than `cutoff` (Å) in each frame, ordered by a, then b.

    Arguments as in `distance_histogram`.
    """
    set_a, set_b = _positions(a), _positions(b)
    group_a, group_b = (None, None) if groups is None else map(_groups, groups)
    cell = _cells(cells, len(set_a))
    return Pairs(*native.pairs(set_a, set_b, cell, float(cutoff), group_a, group_b, threads()))
