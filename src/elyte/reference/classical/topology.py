"""From species to the terms of the force field: `Topology`, arrays in eV, Å and radians."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from elyte.chemistry import conformer
from elyte.chemistry.conformers import bonds_of
from elyte.core.errors import FormatError
from elyte.reference.classical.tables import Table, Terms, find_table

KJ_PER_MOL = 0.010364269656262174
"""kJ/mol in eV."""
NEIGHBOUR_SCALE = 0.5
"""Factor on both pair terms of atoms three bonds apart."""

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Topology:
    """Everything that the energy depends on but the positions.

    Args:
        charges: e, (n,).
        sigma: Å, (n,).
        epsilon: eV, (n,).
        bonds: atoms, (b, 2); bond_values: r₀ (Å) and k (eV/Å²), (b, 2).
        angles: atoms, (a, 3); angle_values: θ₀ (rad) and k (eV/rad²), (a, 2).
        dihedrals: atoms, (d, 4); dihedral_values: V₁ … V₄ (eV), (d, 4).
        excluded: pairs i < j one or two bonds apart, (x, 2).
        halved: pairs i < j three bonds apart, (h, 2).
    """

    charges: Floats
    sigma: Floats
    epsilon: Floats
    bonds: Indices
    bond_values: Floats
    angles: Indices
    angle_values: Floats
    dihedrals: Indices
    dihedral_values: Floats
    excluded: Indices
    halved: Indices

    def __len__(self) -> int:
        return len(self.charges)

    def scaled(self, factor: float) -> Topology:
        """Return the same with all charges multiplied."""
        return replace(self, charges=factor * self.charges)


_ATOM_LISTS = ("bonds", "angles", "dihedrals", "excluded", "halved")


def join(parts: Sequence[tuple[Topology, Indices]], n: int) -> Topology:
    """Return the topology of many molecules.

    Args:
        parts: for each molecule its topology and the atoms it consists of, in its own order.
        n: atoms in all.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    for field in fields(Topology):
        pieces = [(getattr(topology, field.name), atoms) for topology, atoms in parts]
        if field.name in ("charges", "sigma", "epsilon"):
            whole = np.zeros(n)
            for values, atoms in pieces:
                whole[atoms] = values
            arrays[field.name] = whole
        elif field.name in _ATOM_LISTS:
            arrays[field.name] = np.concatenate([atoms[values] for values, atoms in pieces])
        else:
            arrays[field.name] = np.concatenate([values for values, _ in pieces])
    return Topology(**arrays)  # type: ignore[arg-type]


@lru_cache(maxsize=256)
def species_topology(name: str) -> Topology:
    """Return the topology of one unit of a species, in the order of its conformer.

    Raises:
        UnknownSpecies: a species without a table.
        FormatError: a table that lacks a term, or does not fit the species.
    """
    return build(find_table(name), bonds_of(name), conformer(name).positions)


def build(table: Table, bonds: Indices, positions: Floats) -> Topology:
    """Return the topology of a molecule from its table and its bonds.

    The angle between opposite corners of an octahedron (180° in the template) has no term: the
    force constant of its neighbours, at 90°, is not meant for it.

    Args:
        table: parameters.
        bonds: pairs of atoms, (b, 2).
        positions: of the template, Å, (n, 3).
    """
    n = len(table.atoms)
    if len(positions) != n:
        raise FormatError(f"the table of {table.name} has {n} atoms, not {len(positions)}")
    neighbours = _neighbours(n, bonds)
    angles = [a for a in _angles(neighbours) if not _straight(positions, a, table)]
    dihedrals = list(_dihedrals(bonds, neighbours))
    impropers, improper_values = _impropers(table, neighbours)
    bond_values = _values(table, table.bonds, bonds) * KJ_PER_MOL
    angle_values = _values(table, table.angles, angles) * KJ_PER_MOL
    torsion_values = _values(table, table.dihedrals, dihedrals, 4) * KJ_PER_MOL
    bond_values[:, 0] /= KJ_PER_MOL
    angle_values[:, 0] *= np.pi / 180 / KJ_PER_MOL
    excluded = {(i, j) for i, j in bonds.tolist()} | {
        (min(i, k), max(i, k)) for i, _, k in _angles(neighbours)
    }
    halved = {(min(i, m), max(i, m)) for i, _, _, m in dihedrals} - excluded
    return Topology(
        charges=np.array([atom.charge for atom in table.atoms]),
        sigma=np.array([atom.sigma for atom in table.atoms]),
        epsilon=np.array([atom.epsilon for atom in table.atoms]) * KJ_PER_MOL,
        bonds=bonds,
        bond_values=bond_values,
        angles=_indices(angles, 3),
        angle_values=angle_values,
        dihedrals=np.concatenate([_indices(dihedrals, 4), impropers]),
        dihedral_values=np.concatenate([torsion_values, improper_values]),
        excluded=_indices(sorted(excluded), 2),
        halved=_indices(sorted(halved), 2),
    )


def _indices(rows: Sequence[tuple[int, ...]], width: int) -> Indices:
    return np.array(rows, dtype=np.int64).reshape(-1, width)


def _neighbours(n: int, bonds: Indices) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(n)]
    for i, j in bonds.tolist():
        found[i].append(j)
        found[j].append(i)
    return [sorted(row) for row in found]


def _angles(neighbours: list[list[int]]) -> Iterator[tuple[int, int, int]]:
    for j, around in enumerate(neighbours):
        for i, k in combinations(around, 2):
            yield i, j, k


def _dihedrals(bonds: Indices, neighbours: list[list[int]]) -> Iterator[tuple[int, int, int, int]]:
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


def _impropers(table: Table, neighbours: list[list[int]]) -> tuple[Indices, Floats]:
    """Return planar centres as dihedrals i–j–centre–k with V₂ alone, and their values."""
    rows, values = [], []
    for centre, around in enumerate(neighbours):
        if len(around) != 3:
            continue
        names = sorted(table.atoms[i].name for i in around)
        for key, (v2,) in table.impropers.items():
            outer = [key[0], key[1], key[3]]
            if key[2] == table.atoms[centre].name and sorted(outer) == names:
                i, j, k = _in_order(around, outer, table)
                rows.append((i, j, centre, k))
                values.append((0.0, v2, 0.0, 0.0))
    return _indices(rows, 4), np.array(values).reshape(-1, 4) * KJ_PER_MOL


def _in_order(atoms: Sequence[int], names: Sequence[str], table: Table) -> list[int]:
    """Return the atoms in the order of the names of their types."""
    left, ordered = list(atoms), []
    for name in names:
        found = next(i for i in left if table.atoms[i].name == name)
        left.remove(found)
        ordered.append(found)
    return ordered
