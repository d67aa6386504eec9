"""From species to the terms of the force field: `Topology`, arrays in eV, Å and radians."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import FormatError
from elyte.reference.classical.tables import Table, Terms

KJ_PER_MOL = 0.010364269656262174
"""kJ/mol in eV."""

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Topology:
    """Everything that the energy depends on but the positions.

    Args:
        charges: e, (n,).
        sigma: Å, (n,).
        epsilon: eV, (n,).
        arithmetic: whether σ of the pairs that it is in is the arithmetic mean, bool, (n,).
        bonds: atoms, (b, 2); bond_values: r₀ (Å) and k (eV/Å²), (b, 2).
        angles: atoms, (a, 3); angle_values: θ₀ (rad) and k (eV/rad²), (a, 2).
        dihedrals: atoms of each term, (d, 4); dihedral_values: n, γ (rad) and k (eV) of
            k[1 + cos(nφ − γ)], (d, 3).
        excluded: pairs i < j one or two bonds apart, (x, 2).
        near: pairs i < j three bonds apart, (h, 2); near_values: factors on their Coulomb and
            Lennard-Jones energy, (h, 2).
    """

    charges: Floats
    sigma: Floats
    epsilon: Floats
    arithmetic: NDArray[np.bool_]
    bonds: Indices
    bond_values: Floats
    angles: Indices
    angle_values: Floats
    dihedrals: Indices
    dihedral_values: Floats
    excluded: Indices
    near: Indices
    near_values: Floats

    def __len__(self) -> int:
        return len(self.charges)

    def scaled(self, factor: float) -> Topology:
        """Return the same with all charges multiplied."""
        return replace(self, charges=factor * self.charges)

    def pair(self, i: int, j: int) -> tuple[float, float]:
        """Return σ (Å) and ε (eV) of two atoms.

        σ is the geometric mean of OPLS-AA, or the arithmetic one where an atom of the two is of a
        force field that has it; ε is the geometric mean.
        """
        first, second = self.sigma[i], self.sigma[j]
        mean = self.arithmetic[i] or self.arithmetic[j]
        sigma = 0.5 * (first + second) if mean else np.sqrt(first * second)
        return float(sigma), float(np.sqrt(self.epsilon[i] * self.epsilon[j]))


_ATOM_LISTS = ("bonds", "angles", "dihedrals", "excluded", "near")
_OF_ATOMS = ("charges", "sigma", "epsilon", "arithmetic")


def join(parts: Sequence[tuple[Topology, Indices]], n: int) -> Topology:
    """Return the topology of many molecules.

    Args:
        parts: for each molecule its topology and the atoms it consists of, in its own order.
        n: atoms in all.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    for field in fields(Topology):
        pieces = [(getattr(topology, field.name), atoms) for topology, atoms in parts]
        if field.name in _OF_ATOMS:
            whole = np.zeros(n, dtype=bool if field.name == "arithmetic" else float)
            for values, atoms in pieces:
                whole[atoms] = values
            arrays[field.name] = whole
        elif field.name in _ATOM_LISTS:
            arrays[field.name] = np.concatenate([atoms[values] for values, atoms in pieces])
        else:
            arrays[field.name] = np.concatenate([values for values, _ in pieces])
    return Topology(**arrays)  # type: ignore[arg-type]


def build(table: Table, bonds: Indices, positions: Floats) -> Topology:
    """Return the topology of a molecule from its table and its bonds.

    The angle between opposite corners of an octahedron (180° in the template) has no term: the
    force constant of its neighbours, at 90°, is not meant for it.

    Args:
        table: parameters.
        bonds: pairs of atoms, (b, 2).
        positions: of the template, Å, (n, 3).
    """
    n, rules = len(table.atoms), table.rules
    if len(positions) != n:
        raise FormatError(f"the table of {table.name} has {n} atoms, not {len(positions)}")
    neighbours = neighbours_of(n, bonds)
    angles = [a for a in angles_of(neighbours) if not _straight(positions, a, table)]
    chains = list(chains_of(bonds, neighbours))
    dihedrals, dihedral_values = _dihedrals(table, chains, neighbours)
    bond_values = _values(table, table.bonds, bonds) * KJ_PER_MOL
    angle_values = _values(table, table.angles, angles) * KJ_PER_MOL
    bond_values[:, 0] /= KJ_PER_MOL
    angle_values[:, 0] *= np.pi / 180 / KJ_PER_MOL
    excluded = {(i, j) for i, j in bonds.tolist()} | {
        (min(i, k), max(i, k)) for i, _, k in angles_of(neighbours)
    }
    near = {(min(i, m), max(i, m)) for i, _, _, m in chains} - excluded
    return Topology(
        charges=np.array([atom.charge for atom in table.atoms]),
        sigma=np.array([atom.sigma for atom in table.atoms]),
        epsilon=np.array([atom.epsilon for atom in table.atoms]) * KJ_PER_MOL,
        arithmetic=np.full(n, rules.arithmetic),
        bonds=bonds,
        bond_values=bond_values,
        angles=_indices(angles, 3),
        angle_values=angle_values,
        dihedrals=dihedrals,
        dihedral_values=dihedral_values,
        excluded=_indices(sorted(excluded), 2),
        near=_indices(sorted(near), 2),
        near_values=np.tile([rules.charges_near, rules.pairs_near], (len(near), 1)),
    )


def _indices(rows: Sequence[tuple[int, ...]], width: int) -> Indices:
    return np.array(rows, dtype=np.int64).reshape(-1, width)


def neighbours_of(n: int, bonds: Indices) -> list[list[int]]:
    """Return the atoms that each of n atoms is bonded to, ascending."""
    found: list[list[int]] = [[] for _ in range(n)]
    for i, j in bonds.tolist():
        found[i].append(j)
        found[j].append(i)
    return [sorted(row) for row in found]


def angles_of(neighbours: list[list[int]]) -> Iterator[tuple[int, int, int]]:
    """Yield the angles, the middle atom second."""
    for j, around in enumerate(neighbours):
        for i, k in combinations(around, 2):
            yield i, j, k


def chains_of(bonds: Indices, neighbours: list[list[int]]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the chains of four bonded atoms, each once."""
    for j, k in bonds.tolist():
        for i in neighbours[j]:
            for m in neighbours[k]:
                if i != k and m != j and i != m:
                    yield i, j, k, m


def _straight(positions: Floats, angle: tuple[int, int, int], table: Table) -> bool:
    """Whether atoms stand opposite each other where the table's angle is a right one."""
    i, j, k = angle
    wanted = _find(table, table.angles, angle)[0]
    a, b = positions[i] - positions[j], positions[k] - positions[j]
    cosine = float(a @ b / np.sqrt((a @ a) * (b @ b)))
    return wanted < 100.0 and cosine < -0.9


def _find(table: Table, terms: Terms, atoms: Sequence[int]) -> tuple[float, ...]:
    key = tuple(table.atoms[i].name for i in atoms)
    found = terms.get(key, terms.get(key[::-1]))
    if found is None:
        raise FormatError(f"the table of {table.name} has no term for {'-'.join(key)}")
    return found


def _values(
    table: Table, terms: Terms, lists: Sequence[Sequence[int]] | Indices, width: int = 2
) -> Floats:
    rows = [_find(table, terms, [int(i) for i in atoms]) for atoms in lists]
    return np.array(rows, dtype=float).reshape(-1, width)


def _dihedrals(
    table: Table, chains: Sequence[tuple[int, int, int, int]], neighbours: list[list[int]]
) -> tuple[Indices, Floats]:
    """Return the atoms and numbers of every term of chains and planar centres that is not zero."""
    rows, values = [], []
    wanted = [(atoms, _find(table, table.dihedrals, atoms)) for atoms in chains]
    for atoms, numbers in [*wanted, *_impropers(table, neighbours)]:
        for order, phase, k in _periodic(numbers, table):
            if k != 0.0:
                rows.append(atoms)
                values.append((order, phase, k * KJ_PER_MOL))
    return _indices(rows, 4), np.array(values, dtype=float).reshape(-1, 3)


def _periodic(numbers: Sequence[float], table: Table) -> Iterator[tuple[float, float, float]]:
    """Yield n, γ (rad) and k (kJ/mol); ½V₁(1 + cos φ) + ½V₂(1 − cos 2φ) + … has γ = 0, π, …"""
    if table.rules.periodic:
        for k in range(0, len(numbers), 3):
            yield numbers[k], np.radians(numbers[k + 1]), numbers[k + 2]
    else:
        for order, v in enumerate(numbers, start=1):
            yield order, 0.0 if order % 2 else np.pi, 0.5 * v


def _impropers(
    table: Table, neighbours: list[list[int]]
) -> Iterator[tuple[tuple[int, int, int, int], tuple[float, ...]]]:
    """Yield planar centres as dihedrals i–j–centre–k, and their numbers: V₂ alone in OPLS-AA."""
    for centre, around in enumerate(neighbours):
        if len(around) != 3:
            continue
        names = sorted(table.atoms[i].name for i in around)
        for key, numbers in table.impropers.items():
            outer = [key[0], key[1], key[3]]
            if key[2] == table.atoms[centre].name and sorted(outer) == names:
                i, j, k = _in_order(around, outer, table)
                yield (i, j, centre, k), numbers if table.rules.periodic else (0.0, *numbers)


def _in_order(atoms: Sequence[int], names: Sequence[str], table: Table) -> list[int]:
    """Return the atoms in the order of the names of their types."""
    left, ordered = list(atoms), []
    for name in names:
        found = next(i for i in left if table.atoms[i].name == name)
        left.remove(found)
        ordered.append(found)
    return ordered
