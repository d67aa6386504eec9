"""Structures for the suites: distorted triclinic liquids, clusters, cells smaller than cutoffs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elyte.core import Frame

_SPACING = 2.2  # Å, of the grid that atoms are shaken from: none is nearer than about 1.5 Å
_SHAKE = 0.2  # Å

TRICLINIC = np.array([[1.0, 0.08, -0.05], [-0.12, 1.05, 0.1], [0.15, -0.07, 0.93]])
"""A cell whose six strain components all matter; rows."""


def shaken_grid(counts: Sequence[int], seed: int) -> NDArray[np.float64]:
    """Return positions on a simple cubic grid, each moved at random, (n, 3)."""
    random = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*(np.arange(c) for c in counts), indexing="ij"), axis=-1)
    return _SPACING * grid.reshape(-1, 3) + random.uniform(-_SHAKE, _SHAKE, (grid.size // 3, 3))


def elements(species: Sequence[int], count: int, seed: int) -> NDArray[np.int64]:
    """Return atomic numbers with every species there as far as there are places, shuffled."""
    random = np.random.default_rng(seed)
    return random.permutation(np.resize(np.array(species, dtype=np.int64), count))


def liquid(species: Sequence[int], counts: Sequence[int] = (3, 3, 4), seed: int = 0) -> Frame:
    """Return a disordered triclinic periodic structure."""
    cell = _SPACING * np.array(counts)[:, None] * TRICLINIC
    positions = shaken_grid(counts, seed) @ TRICLINIC
    return Frame(elements(species, len(positions), seed), positions, cell, np.ones(3, bool))


def cluster(species: Sequence[int], counts: Sequence[int] = (2, 2, 2), seed: int = 0) -> Frame:
    """Return a disordered cluster without a box."""
    positions = shaken_grid(counts, seed) @ TRICLINIC
    return Frame(elements(species, len(positions), seed), positions)


def slab(species: Sequence[int], seed: int = 0) -> Frame:
    """Return a structure that is periodic in two directions."""
    box = liquid(species, (3, 3, 2), seed)
    return Frame(box.numbers, box.positions, box.cell, np.array([True, True, False]))


def small_cell(species: Sequence[int], seed: int = 0) -> Frame:
    """Return two to four atoms in a cell smaller than any usual cutoff."""
    return liquid(species, (1, 1, min(4, max(2, len(species)))), seed)


def repeated(frame: Frame, counts: Sequence[int]) -> Frame:
    """Return a supercell, its atoms image by image."""
    a, b, c = (np.arange(n) for n in counts)
    shifts = np.stack(np.meshgrid(a, b, c, indexing="ij"), axis=-1).reshape(-1, 3) @ frame.cell
    positions = (frame.positions[None] + shifts[:, None]).reshape(-1, 3)
    cell = np.array(counts)[:, None] * frame.cell
    return Frame(np.tile(frame.numbers, len(shifts)), positions, cell, frame.pbc)


def samples(species: Sequence[int], seed: int = 0) -> list[Frame]:
    """Return one structure of each kind that a potential must treat."""
    return [
        liquid(species, seed=seed),
        small_cell(species, seed=seed + 1),
        cluster(species, seed=seed + 2),
        slab(species, seed=seed + 3),
    ]


def random_rotation(seed: int) -> NDArray[np.float64]:
    """Return a proper rotation, (3, 3)."""
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return np.asarray(q * np.linalg.det(q))
