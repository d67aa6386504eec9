"""Which species of the force field a frame consists of: (name, atoms in the table's order)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from ase.data import chemical_symbols
from ase.formula import Formula
from numpy.typing import NDArray
from rdkit import Chem

from elyte.chemistry import bond_graph, conformer, find_species, molecule_ids
from elyte.chemistry.conformers import bonds_of
from elyte.core.errors import UnknownSpecies
from elyte.core.frame import Frame
from elyte.reference.classical.tables import covered

Indices = NDArray[np.int64]


def recognise(frame: Frame, molecules: tuple[str, ...] = ()) -> list[tuple[str, Indices]]:
    """Return for each molecule its species and its atoms in the order of the species' table.

    Molecule ids are trusted where the frame has them; otherwise its bonds (by distance) say
    what is a molecule.

    Args:
        frame: of any molecules.
        molecules: names of further species to look for, beside those that have a table.

    Raises:
        UnknownSpecies: a molecule without a table, with its formula.
    """
    bonds = bond_graph(frame, within_molecules=True)
    ids = molecule_ids(frame, bonds) if frame.molecules is None else frame.molecules
    _, index = np.unique(ids, return_inverse=True)
    order = np.argsort(index, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(index[order])) + 1)
    owner = index[bonds[:, 0]] if len(bonds) else np.empty(0, dtype=np.int64)
    own = [bonds[owner == k] for k in range(len(groups))]
    return [_molecule(frame, atoms, b, molecules) for atoms, b in zip(groups, own, strict=True)]


def _molecule(
    frame: Frame, atoms: Indices, bonds: Indices, molecules: tuple[str, ...]
) -> tuple[str, Indices]:
    place = {int(atom): k for k, atom in enumerate(atoms)}
    local = tuple((place[int(i)], place[int(j)]) for i, j in bonds)
    elements = tuple(int(z) for z in frame.numbers[atoms])
    name, order = _match(elements, tuple(sorted(local)), molecules)
    ordered = atoms[np.array(order)]
    shape = find_species(name).shape
    if shape is not None and shape[0] == "octahedron":
        return name, _opposites(frame, ordered, bonds_of(name))
    return name, ordered


def _opposites(frame: Frame, atoms: Indices, bonds: Indices) -> Indices:
    """Order the corners of an octahedron as its template has them: three, then those opposite.

    The bonds alone do not tell which corners are neighbours.
    """
    centre = int(np.bincount(bonds.ravel()).argmax())
    places = [k for k in range(len(atoms)) if k != centre]
    vectors = frame.positions[atoms] - frame.positions[atoms[centre]]
    if frame.pbc.any():
        shifts = np.round(vectors @ np.linalg.inv(frame.cell)) * frame.pbc
        vectors = vectors - shifts @ frame.cell
    left, first, second = list(places), [], []
    while left:
        one = left.pop(0)
        other = min(left, key=lambda k: float(vectors[one] @ vectors[k]))
        left.remove(other)
        first.append(one)
        second.append(other)
    ordered = atoms.copy()
    ordered[places] = atoms[first + second]
    return ordered


@lru_cache(maxsize=4096)
def _match(
    elements: tuple[int, ...], bonds: tuple[tuple[int, int], ...], molecules: tuple[str, ...]
) -> tuple[str, tuple[int, ...]]:
    """Return the species with these elements and bonds, and its atoms among the given ones."""
    candidates = _by_elements(molecules).get(tuple(sorted(elements)), [])
    graph = _graph(elements, bonds)
    for name in candidates:
        template = _graph(tuple(conformer(name).numbers.tolist()), _pairs(bonds_of(name)))
        if template.GetNumBonds() == graph.GetNumBonds():
            found = graph.GetSubstructMatch(template)
            if found:
                return name, tuple(found)
    for name in candidates:  # bonds stretched out of recognition, atoms in the usual order
        if len(candidates) == 1 and tuple(conformer(name).numbers.tolist()) == elements:
            return name, tuple(range(len(elements)))
    raise UnknownSpecies(
        f"the classical force field knows no molecule {_formula(elements)} with these bonds; "
        f"it has {', '.join((*covered(), *molecules))}; others by GAFF2, where the engine's "
        "setting `molecules` names them ('smiles:…')"
    )


@lru_cache(maxsize=16)
def _by_elements(molecules: tuple[str, ...]) -> dict[tuple[int, ...], list[str]]:
    table: dict[tuple[int, ...], list[str]] = {}
    for name in (*covered(), *molecules):
        table.setdefault(tuple(sorted(conformer(name).numbers.tolist())), []).append(name)
    return table


def _pairs(bonds: Indices) -> tuple[tuple[int, int], ...]:
    return tuple((int(i), int(j)) for i, j in bonds)


def _graph(elements: tuple[int, ...], bonds: tuple[tuple[int, int], ...]) -> Chem.Mol:
    """Return elements and bonds alone, as an RDKit molecule without chemistry."""
    molecule = Chem.RWMol()
    for z in elements:
        atom = Chem.Atom(z)
        atom.SetNoImplicit(True)
        molecule.AddAtom(atom)
    for i, j in bonds:
        molecule.AddBond(i, j, Chem.BondType.SINGLE)
    molecule.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(molecule)
    return molecule.GetMol()


def _formula(elements: tuple[int, ...]) -> str:
    symbols = [chemical_symbols[z] for z in elements]
    return str(Formula.from_list(symbols).format("hill"))
