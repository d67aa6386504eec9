"""Full neighbour lists in any cell: triclinic, partly periodic, smaller than the cutoff."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elyte._native import neighbours as _native
from elyte.core.errors import InputError
from elyte.core.frame import Frame


@dataclass(frozen=True, eq=False)
class Neighbours:
    """All pairs within a cutoff, each seen from both of its atoms.

    Args:
        first: index of the central atom, ascending, (m,).
        second: index of its neighbour, (m,).
        shift: whole cells added to the neighbour, (m, 3).
        vector: from the central atom to the neighbour, Å, (m, 3).
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    shift: NDArray[np.int64]
    vector: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first)

    @property
    def distance(self) -> NDArray[np.float64]:
        """Length of each vector, Å, (m,)."""
        return np.sqrt(np.einsum("mx,mx->m", self.vector, self.vector))


def _from_shifts(
    frame: Frame, first: NDArray[np.int64], second: NDArray[np.int64], shift: NDArray[np.int64]
) -> Neighbours:
    vector = frame.positions[second] - frame.positions[first] + shift @ frame.cell
    return Neighbours(first, second, shift, vector)


def neighbours(frame: Frame, cutoff: float) -> Neighbours:
    """Return all pairs nearer than `cutoff`, in a time linear in the number of atoms.

    Args:
        frame: the structure; directions that are not periodic have no images.
        cutoff: Å.

    Raises:
        InputError: a cutoff that is not positive, or a cell far smaller than it.
    """
    if not 0 < cutoff < np.inf:
        raise InputError(f"a neighbour list needs a positive cutoff, not {cutoff} Å")
    pbc = tuple(map(bool, frame.pbc))
    try:
        counts, second, shift = _native.neighbour_list(
            frame.numbers, frame.positions, frame.cell, pbc, cutoff
        )
    except ValueError as error:
        raise InputError(f"no neighbour list for {len(frame)} atoms: {error}") from error
    first = np.repeat(np.arange(len(frame)), counts)
    return _from_shifts(frame, first, second.astype(np.int64), shift.astype(np.int64))


def neighbours_naive(frame: Frame, cutoff: float) -> Neighbours:
    """Return the same by looking at every pair in every image that can matter."""
    wrapped, whole = _wrap(frame)
    images: list[tuple[int, ...]] = [(0,)] * 3
    if frame.pbc.any():
        directions = np.where(frame.pbc[:, None], frame.cell, _normals(frame))
        heights = 1 / np.linalg.norm(np.linalg.inv(directions), axis=0)
        reach = np.where(frame.pbc, np.ceil(cutoff / heights).astype(int) + 1, 0)
        images = [tuple(range(-n, n + 1)) for n in reach]
    found = []
    for image in itertools.product(*images):
        vector = wrapped[None] - wrapped[:, None] + np.array(image) @ frame.cell
        near = np.einsum("ijx,ijx->ij", vector, vector) < cutoff**2
        if image == (0, 0, 0):
            np.fill_diagonal(near, False)
        i, j = np.nonzero(near)
        found.append((i, j, np.array(image) + whole[i] - whole[j]))
    first, second, shift = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(first, kind="stable")
    return _from_shifts(frame, first[order], second[order], shift[order])


def _normals(frame: Frame) -> NDArray[np.float64]:
    """Unit vectors for the directions that are not periodic, normal to those that are."""
    periodic = frame.cell[frame.pbc]
    normal = np.linalg.svd(periodic)[2][len(periodic) :]
    rows = np.zeros((3, 3))
    rows[~frame.pbc] = normal
    return rows


def _wrap(frame: Frame) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    if not frame.pbc.any():
        return frame.positions, np.zeros((len(frame), 3), dtype=np.int64)
    directions = np.where(frame.pbc[:, None], frame.cell, _normals(frame))
    fraction = frame.positions @ np.linalg.inv(directions)
    whole = np.where(frame.pbc, np.floor(fraction), 0).astype(np.int64)
    return frame.positions - whole @ frame.cell, whole
