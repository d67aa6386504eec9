"""Small systems with known answers, shared by the tests of dynamics."""

from __future__ import annotations

from typing import Any

import numpy as np

from elyte._native import dynamics as native
from elyte.core.frame import Frame

ARGON = 18


def lennard_jones(skin: float = 0.6) -> Any:
    """Argon with a short cutoff, quick to evaluate."""
    return native.lennard_jones(0.0104, 3.4, 6.0, skin)


def argon(cells: int = 2, lattice: float = 5.5, rattle: float = 0.05, seed: int = 0) -> Frame:
    """Face-centred cubic argon, somewhat disturbed: 4 cells³ atoms."""
    basis = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    corners = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    positions = lattice * (corners + basis).reshape(-1, 3)
    positions = positions + np.random.default_rng(seed).normal(0, rattle, positions.shape)
    n = len(positions)
    return Frame(np.full(n, ARGON), positions, np.eye(3) * lattice * cells, True, np.arange(n))


def gas(n: int = 8, edge: float = 20.0, seed: int = 0) -> Frame:
    """Atoms of several masses at random places."""
    numbers = np.resize([6, 6, 1, 8], n)
    positions = np.random.default_rng(seed).uniform(0, edge, (n, 3))
    return Frame(numbers, positions, np.eye(3) * edge, True)
