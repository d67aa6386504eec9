"""Functional groups of molecules, found in their bonds: amide, carbonate, nitrile, …."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

Index = NDArray[np.int64]
Found = Iterator[tuple[str, list[int]]]

H, C, N, O, S = 1, 6, 7, 8, 16  # noqa: E741
GROUPS = (
    "carbonyl", "amide", "urea", "carbamate", "carbonate", "ester", "acid", "carboxylate",
    "ketone", "aldehyde", "nitrile", "ether", "alcohol", "amine", "sulfonyl", "sulfonylimide",
)  # fmt: skip
"""Names that `functional_groups` may give."""


def neighbour_lists(atoms: int, bonds: ArrayLike) -> list[list[int]]:
    """Return the bonded atoms of each of `atoms` atoms from pairs, (m, 2)."""
    around: list[list[int]] = [[] for _ in range(atoms)]
    for i, j in np.asarray(bonds, dtype=np.int64).reshape(-1, 2).tolist():
        around[i].append(j)
        around[j].append(i)
    return around


def functional_groups(numbers: ArrayLike, bonds: ArrayLike) -> dict[str, Index]:
    """Return the atoms of each functional group that occurs, by its name.

    A carbonyl with two N is a urea and an amide, with N and O a carbamate, with two O a carbonate.
    Hydrogen on the N of an amide or on the O of an alcohol belongs to the group.

    Args:
        numbers: atomic numbers, (n,).
        bonds: pairs of bonded atoms, (m, 2).
    """
    z = np.asarray(numbers, dtype=np.int64).tolist()
    around = neighbour_lists(len(z), bonds)
    members: dict[str, set[int]] = {}
    for find in (_carbonyls, _nitriles, _single_oxygen, _amines, _sulfonyls):
        for name, atoms in find(z, around):
            members.setdefault(name, set()).update(atoms)
    return {name: np.array(sorted(atoms), dtype=np.int64) for name, atoms in members.items()}


def _terminal(atom: int, z: list[int], around: list[list[int]]) -> list[int]:
    return [k for k in around[atom] if z[k] == O and len(around[k]) == 1]


def _is_carbonyl(atom: int, z: list[int], around: list[list[int]]) -> bool:
    return z[atom] == C and len(around[atom]) == 3 and bool(_terminal(atom, z, around))


def _carbonyls(z: list[int], around: list[list[int]]) -> Found:
    for carbon in (k for k in range(len(z)) if _is_carbonyl(k, z, around)):
        oxygen = _terminal(carbon, z, around)
        yield "carbonyl", [carbon, *oxygen]
        others = [k for k in around[carbon] if k not in oxygen]
        hydrogens = [h for k in others if z[k] in (N, O) for h in around[k] if z[h] == H]
        atoms = [carbon, *oxygen, *(k for k in others if z[k] in (N, O)), *hydrogens]
        for name in _carbonyl_names([z[k] for k in others], len(oxygen), bool(hydrogens)):
            yield name, atoms


def _carbonyl_names(others: list[int], terminal: int, hydrogen: bool) -> list[str]:
    nitrogen, oxygen = others.count(N), others.count(O)
    if terminal == 2:
        return ["carboxylate"]
    if nitrogen:
        return ["urea", "amide"] if nitrogen == 2 else ["carbamate" if oxygen else "amide"]
    if oxygen:
        return ["carbonate"] if oxygen == 2 else ["acid" if hydrogen else "ester"]
    return ["aldehyde" if H in others else "ketone"]


def _nitriles(z: list[int], around: list[list[int]]) -> Found:
    for atom, near in enumerate(around):
        if z[atom] == N and len(near) == 1 and z[near[0]] == C and len(around[near[0]]) == 2:
            yield "nitrile", [atom, near[0]]


def _single_oxygen(z: list[int], around: list[list[int]]) -> Found:
    for atom, near in enumerate(around):
        if z[atom] != O or len(near) != 2 or any(_is_carbonyl(k, z, around) for k in near):
            continue
        kinds = sorted(z[k] for k in near)
        if kinds == [C, C]:
            yield "ether", [atom]
        elif kinds == [H, C]:
            yield "alcohol", [atom, *(k for k in near if z[k] == H)]


def _amines(z: list[int], around: list[list[int]]) -> Found:
    for atom, near in enumerate(around):
        plain = all(z[k] == H or (z[k] == C and len(around[k]) == 4) for k in near)
        if z[atom] == N and len(near) == 3 and plain:
            yield "amine", [atom, *(k for k in near if z[k] == H)]


def _sulfonyls(z: list[int], around: list[list[int]]) -> Found:
    sulfur = [k for k in range(len(z)) if z[k] == S and len(_terminal(k, z, around)) >= 2]
    for atom in sulfur:
        yield "sulfonyl", [atom, *_terminal(atom, z, around)]
    for atom, near in enumerate(around):
        bound = [k for k in near if k in sulfur]
        if z[atom] == N and len(bound) == 2:
            yield (
                "sulfonylimide",
                [atom, *(a for k in bound for a in [k, *_terminal(k, z, around)])],
            )


def amide_hydrogens(
    numbers: ArrayLike, bonds: ArrayLike, positions: ArrayLike, cell: ArrayLike
) -> tuple[Index, Index]:
    """Return the H at N of amides that are cis, and those that are trans, to the carbonyl O.

    cis is a dihedral O=C–N–H below 90°; of an N–H2 one H is cis and the other trans.

    Args:
        numbers: atomic numbers, (n,).
        bonds: pairs of bonded atoms, (m, 2).
        positions: Å, (n, 3).
        cell: Å, (3, 3).
    """
    z = np.asarray(numbers, dtype=np.int64).tolist()
    around = neighbour_lists(len(z), bonds)
    chains = [
        (_terminal(carbon, z, around)[0], carbon, nitrogen, hydrogen)
        for carbon in range(len(z))
        if _is_carbonyl(carbon, z, around)
        for nitrogen in around[carbon]
        if z[nitrogen] == N
        for hydrogen in around[nitrogen]
        if z[hydrogen] == H
    ]
    if not chains:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    rows = np.array(chains, dtype=np.int64)
    cis = _dihedral_cosines(np.asarray(positions, dtype=float), rows, np.asarray(cell)) > 0
    return np.sort(rows[cis, 3]), np.sort(rows[~cis, 3])


def _dihedral_cosines(x: NDArray[np.float64], rows: Index, cell: NDArray[np.float64]) -> np.ndarray:
    fractional = np.diff(x[rows], axis=1) @ np.linalg.inv(cell)
    b = (fractional - np.round(fractional)) @ cell
    return np.einsum("ki,ki->k", np.cross(b[:, 0], b[:, 1]), np.cross(b[:, 1], b[:, 2]))
