"""Molecules that the box has cut, put together frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MoleculeTree:
    """For each atom one of its molecule that is placed before it.

    Args:
        levels: (atoms, parents) of each generation, parents one generation before.
    """

    levels: tuple[tuple[Index, Index], ...]

    @classmethod
    def from_bonds(cls, molecules: ArrayLike, bonds: ArrayLike | None) -> MoleculeTree:
        """Follow bonds from the first atom of each molecule; what no bond reaches hangs on it.

        Args:
            molecules: index of the molecule of each atom, (n,).
            bonds: pairs of bonded atoms, (m, 2), or None.
        """
        of = np.asarray(molecules, dtype=np.int64)
        neighbours = _neighbours(of, bonds)
        order = np.argsort(of, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(of[order])) + 1)
        generations: list[tuple[list[int], list[int]]] = []
        for atoms in groups:
            _grow(atoms.tolist(), neighbours, generations)
        return cls(
            tuple((np.array(a, np.int64), np.array(p, np.int64)) for a, p in generations if a)
        )

    def whole(self, positions: Array, cells: Array) -> Array:
        """Return positions with every atom at the image nearest to its parent.

        Args:
            positions: Å, (T, n, 3), wrapped or not.
            cells: Å, (T, 3, 3).
        """
        result = np.array(positions, dtype=float)
        box = np.broadcast_to(np.asarray(cells, dtype=float), (len(result), 3, 3))
        inverse = np.linalg.inv(box)
        for atoms, parents in self.levels:
            apart = result[:, atoms] - result[:, parents]
            images = np.round(apart @ inverse)
            if images.any():
                result[:, atoms] -= images @ box
        return result


def _neighbours(of: Index, bonds: ArrayLike | None) -> list[list[int]]:
    around: list[list[int]] = [[] for _ in of]
    pairs: Sequence[Sequence[int]] = [] if bonds is None else np.asarray(bonds).tolist()
    for i, j in pairs:
        if of[i] == of[j]:
            around[i].append(j)
            around[j].append(i)
    return around


def _grow(
    atoms: list[int],
    neighbours: list[list[int]],
    generations: list[tuple[list[int], list[int]]],
) -> None:
    """Add one molecule, breadth first."""
    root, seen = atoms[0], {atoms[0]}
    front, depth = [root], 0
    starts = iter(atoms)
    while True:
        following = []
        for parent in front:
            for atom in neighbours[parent]:
                if atom not in seen:
                    seen.add(atom)
                    following.append((atom, parent))
        if not following:
            lone = next((a for a in starts if a not in seen), None)
            if lone is None:
                return
            seen.add(lone)
            following, depth = [(lone, root)], 0
        if depth == len(generations):
            generations.append(([], []))
        for atom, parent in following:
            generations[depth][0].append(atom)
            generations[depth][1].append(parent)
        front, depth = [atom for atom, _ in following], depth + 1
