"""Frame by frame selection: the one that extrapolates most enters, then the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elyte.selection.derivatives import Pool
from elyte.selection.maxvol import Basis, Replacement, largest, swap

_GROUP_ROWS = 512  # rows whose coefficients are kept exact between passes over all rows


@dataclass
class _Candidates:
    """Rows of one block, their coefficients, and the basis they enter."""

    basis: Basis
    pool: Pool
    coefficients: NDArray[np.float64]

    def grades(self, n_frames: int) -> NDArray[np.float64]:
        """Return the largest grade in each frame, (n_frames,)."""
        grades = np.zeros(n_frames)
        np.maximum.at(grades, self.pool.frames, largest(self.coefficients))
        return grades


@dataclass
class _Group:
    """A few frames' rows of one block, kept exact while some of them enter."""

    rows: NDArray[np.int64]  # indices into the block's pool
    frames: NDArray[np.int64]
    coefficients: NDArray[np.float64]
    places: dict[int, int]

    def enter(self, frame: int, swap_threshold: float) -> None:
        among = np.flatnonzero(self.frames == frame)
        if len(among):
            swap(self.coefficients, swap_threshold, among, self.places)


def choose(
    bases: Mapping[int, tuple[Basis, Pool]],
    n_frames: int,
    swap_threshold: float,
    least: float,
    limit: int | None,
) -> list[int]:
    """Return frames in the order they enter, while grades exceed `least` and up to `limit`.

    Args:
        bases: basis (changed in place) and pool of each block.
        n_frames: number of candidates.
        swap_threshold: a row enters when its |c| exceeds this.
        least: a frame is considered when its grade exceeds this.
        limit: largest number of frames, or None.
    """
    blocks = []
    for basis, pool in bases.values():
        basis.holders[:] = -1
        blocks.append(_Candidates(basis, pool, basis.coefficients(pool.values)))
    chosen: list[int] = []
    while limit is None or len(chosen) < limit:
        grades = np.max([block.grades(n_frames) for block in blocks], axis=0)
        order = np.argsort(-grades, kind="stable")
        if grades[order[0]] <= least:
            break
        _enter_group(blocks, order, grades, swap_threshold, least, limit, chosen)
    return _surviving(chosen, blocks)


def _enter_group(
    blocks: list[_Candidates],
    order: NDArray[np.int64],
    grades: NDArray[np.float64],
    swap_threshold: float,
    least: float,
    limit: int | None,
    chosen: list[int],
) -> None:
    """Let frames enter from the top group while they are ahead of what lies outside of it.

    Rows of a frame that was chosen before, and displaced since, may come back for nothing.
    """
    counts = np.zeros(len(grades), dtype=np.int64)
    for block in blocks:
        counts += np.bincount(block.pool.frames, minlength=len(grades))
    size = max(1, int(np.searchsorted(np.cumsum(counts[order]), _GROUP_ROWS)))
    members = order[:size]
    outside = grades[order[size]] if size < len(order) else 0.0
    groups = [_group(block, members) for block in blocks]
    first = True
    while limit is None or len(chosen) < limit:
        current = _group_grades(groups, members)
        best = int(np.argmax(current))
        if current[best] <= least or (not first and current[best] < outside):
            break
        first = False
        frame = int(members[best])
        if frame not in chosen:
            chosen.append(frame)
        for group in groups:
            group.enter(frame, swap_threshold)
    for block, group in zip(blocks, groups, strict=True):
        _update(block, group)


def _group(block: _Candidates, members: NDArray[np.int64]) -> _Group:
    rows = np.flatnonzero(np.isin(block.pool.frames, members))
    return _Group(rows, block.pool.frames[rows], block.coefficients[rows], {})


def _group_grades(groups: list[_Group], members: NDArray[np.int64]) -> NDArray[np.float64]:
    grades = np.zeros(len(members))
    sorter = np.argsort(members)
    for group in groups:
        if len(group.rows):
            where = sorter[np.searchsorted(members, group.frames, sorter=sorter)]
            np.maximum.at(grades, where, largest(group.coefficients))
    return grades


def _update(block: _Candidates, group: _Group) -> Replacement | None:
    """Bring the block's basis and all coefficients up to date with what entered."""
    if not group.places:
        return None
    positions = np.array(list(group.places), dtype=np.int64)
    rows = group.rows[np.array(list(group.places.values()), dtype=np.int64)]
    update = block.basis.replace(positions, block.pool.values[rows], block.coefficients[rows], rows)
    update.apply(block.coefficients)
    return update


def _surviving(chosen: list[int], blocks: list[_Candidates]) -> list[int]:
    """Leave out frames that hold no place any more: others took over what they were chosen for."""
    holding: set[int] = set()
    for block in blocks:
        held = block.basis.holders[block.basis.holders >= 0]
        holding.update(int(f) for f in block.pool.frames[held])
    return [frame for frame in chosen if frame in holding]
