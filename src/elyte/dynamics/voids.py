"""Holes in a liquid: the largest empty sphere, and how uneven the density is."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from ase.data import covalent_radii, vdw_radii
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from elyte.core.errors import InputError
from elyte.core.frame import Frame


def largest_empty_sphere(
    frame: Frame, spacing: float = 1.0, radii: Mapping[int, float] | None = None
) -> tuple[float, NDArray[np.float64]]:
    """Find the largest sphere in a periodic box that touches no atom's surface.

    max over x of min over i of (|x − r_i| − R_i): on a grid, then by a pattern search from the
    best grid points, to 1e-3 Å.

    Args:
        frame: periodic in all directions.
        spacing: of the grid, Å.
        radii: R of each element by atomic number, Å; van der Waals radii by default.

    Returns:
        Its radius, Å, and its centre, (3,), Å.

    Raises:
        InputError: the frame is not periodic, or has no atoms.
    """
    if not frame.pbc.all() or not len(frame):
        raise InputError("a void is looked for among atoms in a periodic box")
    clearance = _Clearance(frame, radii)
    heights = frame.volume / np.linalg.norm(
        np.cross(np.roll(frame.cell, -1, axis=0), np.roll(frame.cell, -2, axis=0)), axis=1
    )
    counts = np.maximum(2, np.ceil(heights / spacing)).astype(int)
    axes = [np.arange(count) / count for count in counts]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3) @ frame.cell
    values = clearance(grid)
    best = np.argsort(values)[-8:]
    return _climb(clearance, grid[best], values[best], spacing)


def _climb(
    clearance: _Clearance,
    points: NDArray[np.float64],
    values: NDArray[np.float64],
    step: float,
) -> tuple[float, NDArray[np.float64]]:
    """Move each point to the best of 26 neighbours; halve the step when none is better."""
    moves = np.array([m for m in itertools.product((-1, 0, 1), repeat=3) if any(m)], dtype=float)
    moves /= np.linalg.norm(moves, axis=1, keepdims=True)
    while step > 1e-3:
        trials = points[:, None, :] + step * moves
        found = clearance(trials.reshape(-1, 3)).reshape(len(points), -1)
        pick = found.argmax(axis=1)
        rows = np.arange(len(points))
        better = found[rows, pick] > values
        points = np.where(better[:, None], trials[rows, pick], points)
        values = np.where(better, found[rows, pick], values)
        if not better.any():
            step /= 2
    top = int(values.argmax())
    return float(values[top]), points[top]


class _Clearance:
    """Distance of points to the nearest atomic surface: one tree of images for each element."""

    def __init__(self, frame: Frame, radii: Mapping[int, float] | None) -> None:
        self._inverse = np.linalg.inv(frame.cell)
        self._cell = frame.cell
        wrapped = (frame.positions @ self._inverse) % 1.0
        shifts = np.array(list(itertools.product((-1, 0, 1), repeat=3)), dtype=float)
        self._trees = []
        for number in np.unique(frame.numbers):
            own = wrapped[frame.numbers == number]
            images = (own[None] + shifts[:, None]).reshape(-1, 3) @ frame.cell
            self._trees.append((cKDTree(images), _radius(int(number), radii)))

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = ((points @ self._inverse) % 1.0) @ self._cell
        distances = [tree.query(inside)[0] - radius for tree, radius in self._trees]
        return np.asarray(np.min(distances, axis=0), dtype=float)


def _radius(number: int, radii: Mapping[int, float] | None) -> float:
    if radii is not None:
        return float(radii[number])
    radius = float(vdw_radii[number]) if number < len(vdw_radii) else np.nan
    return radius if np.isfinite(radius) else float(covalent_radii[number]) + 0.8


def density_heterogeneity(frame: Frame, length: float = 6.0) -> float:
    """Return the relative standard deviation of the mass in equal parts of the box.

    Args:
        frame: periodic in all directions.
        length: about the edge of a part, Å; there are at least two along each vector.

    Returns:
        Standard deviation over mean: near 0 in a dense liquid, above 1 when half of it is empty.
    """
    fractions = (frame.positions @ np.linalg.inv(frame.cell)) % 1.0
    counts = np.maximum(2, np.linalg.norm(frame.cell, axis=1) // length).astype(int)
    bins = np.minimum((fractions * counts).astype(int), counts - 1)
    index = np.ravel_multi_index(bins.T, counts)
    mass = np.bincount(index, weights=frame.masses, minlength=int(counts.prod()))
    return float(mass.std() / mass.mean())
