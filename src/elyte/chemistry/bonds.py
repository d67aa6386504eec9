"""Bond graphs: which atoms are bonded, which molecules there are, and what has changed."""

from __future__ import annotations

from collections import Counter

import numpy as np
from ase.data import chemical_symbols, covalent_radii
from ase.formula import Formula
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from elyte.core.frame import Frame

BOND_FACTOR = 1.25
"""Atoms nearer than this × the sum of their covalent radii (doi:10.1039/b801115j) are bonded."""
BROKEN_FACTOR = 1.55
"""A bond longer than this × the sum of the radii is broken …"""
FORMED_FACTOR = 1.12
"""… and atoms not bonded before are bonded when nearer than this × the sum."""

# Metal ions have no covalent bonds in an electrolyte, however near their ligands are.
_METALS = [3, 11, 19, 37, 55, 4, 12, 20, 38, 56, 13, *range(21, 31), *range(39, 49), 57, 72, 73]
_RADII = np.array(covalent_radii)
_RADII[_METALS] = 0.0


def near_pairs(frame: Frame, reach: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs i < j nearer than `reach`, (m, 2), and their distances in Å, (m,).

    Any cell: atoms within `reach` of a face are repeated beyond it, as often as a small cell
    needs. A pair that meets several times is named once, with its shortest distance.
    """
    positions, owners = _with_images(frame, reach)
    tree = cKDTree(positions)
    pairs = tree.query_pairs(reach, output_type="ndarray")
    n = len(frame)
    pairs = pairs[pairs.min(axis=1) < n] if len(pairs) else pairs.reshape(0, 2)
    distances = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
    named = np.sort(owners[pairs], axis=1)
    keep = named[:, 0] != named[:, 1]
    named, distances = named[keep], distances[keep]
    order = np.lexsort((distances, named[:, 1], named[:, 0]))
    named, distances = named[order], distances[order]
    if len(named):
        first = np.r_[True, np.any(named[1:] != named[:-1], axis=1)]
        named, distances = named[first], distances[first]
    return named.astype(np.int64), distances


def _with_images(frame: Frame, reach: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return wrapped positions followed by images near the cell's faces, and their atoms."""
    n = len(frame)
    owners = np.arange(n)
    if not frame.pbc.any():
        return frame.positions, owners
    inverse = np.linalg.inv(frame.cell)
    fractional = frame.positions @ inverse
    fractional = fractional - np.floor(fractional) * frame.pbc
    margins = reach * np.linalg.norm(inverse, axis=0)  # in fractions of each vector
    for axis in np.flatnonzero(frame.pbc):
        images, names = [fractional], [owners]
        for shift in range(1, int(np.ceil(margins[axis])) + 1):
            up = fractional[:, axis] + shift <= 1.0 + margins[axis]
            down = fractional[:, axis] - shift >= -margins[axis]
            for chosen, sign in ((up, shift), (down, -shift)):
                moved = fractional[chosen].copy()
                moved[:, axis] += sign
                images.append(moved)
                names.append(owners[chosen])
        fractional, owners = np.concatenate(images), np.concatenate(names)
    return fractional @ frame.cell, owners


def _sums(numbers: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sums of covalent radii of pairs, Å; 0 where a metal ion takes part."""
    radii = _RADII[numbers[pairs]]
    return np.asarray(radii.sum(axis=1) * (radii > 0).all(axis=1))


def bonds_within(frame: Frame, factor: float) -> NDArray[np.int64]:
    """Return the pairs i < j nearer than a factor × (R_i + R_j), (m, 2); no metal ions."""
    radii = _RADII[np.unique(frame.numbers)]
    reach = factor * 2.0 * float(radii.max(initial=0.0))
    if reach == 0.0 or len(frame) < 2:
        return np.empty((0, 2), dtype=np.int64)
    pairs, distances = near_pairs(frame, reach)
    return pairs[distances < factor * _sums(frame.numbers, pairs)]


def bond_graph(frame: Frame, within_molecules: bool = False) -> NDArray[np.int64]:
    """Return the bonded pairs i < j, (m, 2): d < 1.25 (R_i + R_j) with covalent radii.

    Metal ions (Li, Na, …) are never bonded.

    Args:
        frame: any cell, also smaller than a molecule's neighbourhood.
        within_molecules: keep only bonds between atoms of one molecule id, where ids are known.
    """
    pairs = bonds_within(frame, BOND_FACTOR)
    if within_molecules and frame.molecules is not None:
        pairs = pairs[frame.molecules[pairs[:, 0]] == frame.molecules[pairs[:, 1]]]
    return pairs


def molecule_ids(frame: Frame, bonds: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Return the molecule of each atom, (n,): connected parts of the bond graph, 0, 1, … in
    the order of their first atoms."""
    pairs = bond_graph(frame) if bonds is None else np.asarray(bonds).reshape(-1, 2)
    n = len(frame)
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, parts = connected_components(graph, directed=False)
    _, first, inverse = np.unique(parts, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[inverse])


def census(frame: Frame, bonds: NDArray[np.int64] | None = None) -> dict[str, int]:
    """Return {formula in Hill order: number of molecules}, from the bond graph."""
    ids = molecule_ids(frame, bonds)
    order = np.argsort(ids, kind="stable")
    groups = np.split(frame.numbers[order], np.flatnonzero(np.diff(ids[order])) + 1)
    counts = Counter(_hill(group) for group in groups)
    return dict(sorted(counts.items()))


def _hill(numbers: NDArray[np.int64]) -> str:
    elements = Counter(chemical_symbols[z] for z in numbers)
    return str(Formula.from_dict(elements).format("hill"))


class BondWatch:
    """Notices bonds that break or form, with hysteresis so that vibrations do not count.

    A bond of the reference is broken beyond 1.55 (R_i + R_j); atoms that were not bonded are
    bonded below 1.12 (R_i + R_j). Hydrogen bonds and the ligands of metal ions lie between the
    two and never count. Atoms bonded to the same atom (S and S in TFSI-) are never new, nor are
    the closest contacts of a packing, pairs already nearer than 1.25 (R_i + R_j).

    Args:
        frame0: the reference; with molecule ids, bonds between molecules are left out.
        bonds: reference bonds, (m, 2), such as `template_bonds`; else from frame0's distances.
    """

    def __init__(self, frame0: Frame, bonds: NDArray[np.int64] | None = None) -> None:
        if bonds is None:
            bonds = bond_graph(frame0, within_molecules=True)
        self.bonds: NDArray[np.int64] = np.sort(np.asarray(bonds, np.int64).reshape(-1, 2), axis=1)
        radii = _RADII[frame0.numbers]
        self._longest = BROKEN_FACTOR * _sums(frame0.numbers, self.bonds)
        self._watched = np.flatnonzero(radii > 0)
        self._widest = 2.0 * float(radii.max(initial=0.0))
        self._known = self._keys(frame0, self.bonds)
        contacts = self._near(frame0, BOND_FACTOR)
        for pairs in (contacts, _second_neighbours(len(frame0), self.bonds)):
            self._known = np.union1d(self._known, self._keys(frame0, pairs))

    @staticmethod
    def _keys(frame: Frame, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return one number for each pair i < j."""
        return np.asarray(pairs[:, 0] * len(frame) + pairs[:, 1])

    def changes(self, frame: Frame) -> list[str]:
        """Return what differs from the reference: "P12–F15 broken at 2.61 Å", … ."""
        return self._describe(frame, self._broken(frame), "broken") + self._describe(
            frame, self._formed(frame), "formed"
        )

    def changed(self, frame: Frame) -> bool:
        """Whether any bond differs from the reference."""
        return bool(len(self._broken(frame)) or len(self._formed(frame)))

    def _broken(self, frame: Frame) -> NDArray[np.int64]:
        return np.asarray(self.bonds[_lengths(frame, self.bonds) > self._longest])

    def _formed(self, frame: Frame) -> NDArray[np.int64]:
        pairs = self._near(frame, FORMED_FACTOR)
        return np.asarray(pairs[~np.isin(self._keys(frame, pairs), self._known)])

    def _near(self, frame: Frame, factor: float) -> NDArray[np.int64]:
        """Return the pairs nearer than a factor × the sum of their radii, metal ions left out."""
        if len(self._watched) < 2:
            return np.empty((0, 2), dtype=np.int64)
        part = Frame(
            frame.numbers[self._watched], frame.positions[self._watched], frame.cell, frame.pbc
        )
        pairs, distances = near_pairs(part, factor * self._widest)
        near = distances < factor * _sums(part.numbers, pairs)
        return np.asarray(self._watched[pairs[near]])

    def _describe(self, frame: Frame, pairs: NDArray[np.int64], what: str) -> list[str]:
        symbols = frame.symbols
        return [
            f"{symbols[i]}{i}–{symbols[j]}{j} {what} at {d:.2f} Å"
            for (i, j), d in zip(pairs, _lengths(frame, pairs), strict=True)
        ]


def _second_neighbours(n: int, bonds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs i < j of atoms that are bonded to the same atom, (m, 2)."""
    ones = np.ones(len(bonds), dtype=np.int64)
    half = coo_matrix((ones, (bonds[:, 0], bonds[:, 1])), shape=(n, n))
    links = (half + half.T).tocsr()
    i, j = (links @ links).nonzero()
    return np.stack([i, j], axis=1)[i < j].astype(np.int64)


def _lengths(frame: Frame, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return minimum-image distances of pairs, Å, (m,)."""
    vectors = frame.positions[pairs[:, 1]] - frame.positions[pairs[:, 0]]
    if frame.pbc.any():
        inverse = np.linalg.inv(frame.cell)
        vectors = vectors - (np.round(vectors @ inverse) * frame.pbc) @ frame.cell
    return np.asarray(np.linalg.norm(vectors, axis=1))
