"""Cells as OpenMM wants them: lower triangular, reduced, two cutoffs wide, molecules whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order

Floats = NDArray[np.float64]


def reduced_cell(cell: Floats) -> tuple[Floats, Floats]:
    """Return the same lattice as a reduced lower triangular cell, and the turn that leads there.

    |b_x| ≤ a_x/2, |c_x| ≤ a_x/2, |c_y| ≤ b_y/2.

    Args:
        cell: rows, Å, (3, 3).

    Returns:
        The cell, (3, 3), and an orthogonal matrix: positions @ turn are the new positions.
    """
    turn, upper = np.linalg.qr(np.asarray(cell, dtype=float).T)
    signs = np.where(np.diag(upper) < 0, -1.0, 1.0)
    turn, lower = turn * signs, (upper * signs[:, None]).T.copy()
    lower[2] -= lower[1] * np.round(lower[2, 1] / lower[1, 1])
    lower[2] -= lower[0] * np.round(lower[2, 0] / lower[0, 0])
    lower[1] -= lower[0] * np.round(lower[1, 0] / lower[0, 0])
    return lower, turn


def repeats(cell: Floats, width: float) -> tuple[int, int, int]:
    """Return how often each cell vector is repeated until the reduced cell is `width` wide."""
    counts = np.ones(3, dtype=int)
    while True:
        lower, _ = reduced_cell(cell * counts[:, None])
        if np.diag(lower).min() >= width:
            return int(counts[0]), int(counts[1]), int(counts[2])
        heights = 1.0 / np.linalg.norm(np.linalg.inv(cell * counts[:, None]), axis=0)
        counts[int(np.argmin(heights))] += 1


def whole_molecules(positions: Floats, cell: Floats, bonds: NDArray[np.int64]) -> Floats:
    """Return positions in which bonded atoms are nearest images of each other.

    Args:
        positions: Å, (n, 3).
        cell: rows, Å, (3, 3).
        bonds: pairs, (b, 2).
    """
    inverse = np.linalg.inv(cell)
    vectors = positions[bonds[:, 1]] - positions[bonds[:, 0]]
    if not np.round(vectors @ inverse).any():
        return positions
    n = len(positions)
    graph = coo_matrix((np.ones(len(bonds)), (bonds[:, 0], bonds[:, 1])), shape=(n, n)).tocsr()
    moved, seen = positions.copy(), np.zeros(n, dtype=bool)
    for first in range(n):
        if seen[first]:
            continue
        order, parents = breadth_first_order(graph, first, directed=False)
        seen[order] = True
        for atom in order[1:]:
            vector = moved[atom] - moved[parents[atom]]
            moved[atom] -= np.round(vector @ inverse) @ cell
    return moved
