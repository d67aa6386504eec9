"""Three-dimensional structures of single molecules, and names for their atoms."""

from __future__ import annotations

from functools import lru_cache
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from elyte.chemistry.species import find_species
from elyte.chemistry.species_table import Species
from elyte.core.errors import InputError
from elyte.core.frame import Frame

# RDKit puts a handler of SIGINT of its own in place while it embeds or searches, and the former one
# back; two threads that do so at a time would leave RDKit's, and Ctrl-C would not be heard again.
_ONE_AT_A_TIME = RLock()

_POLYHEDRA = {
    "tetrahedron": np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0),
    "octahedron": np.vstack([np.eye(3), -np.eye(3)]),
}

# Patterns are matched on the molecule with its hydrogens; the first atom of a match is the site.
_SITES = {
    "O(carbonyl)": "[$([OX1]=[#6]);!$([OX1]=C[O-])]",
    "O(amide)": "[OX1]=C[NX3]",
    "O(ether)": "[#8X2](-,:[#6])-,:[#6]",
    "O(hydroxyl)": "[OX2;$([OX2][#6])][H]",
    "O(water)": "[OX2]([H])[H]",
    "O(carboxylate)": "[$([OX1]=C[O-]),$([O-]C=O)]",
    "O(sulfonyl)": "[$([OX1]=S=O),$([O-]S)]",
    "O(sulfoxide)": "[$([OX1]=S([#6])[#6]);!$([OX1]=S=O)]",
    "O(oxalate)": "[OX1]=CC=O",
    "N(amide)": "[NX3]C=O",
    "N(imide)": "[$([N-](S)S)]",
    "N(nitrile)": "[NX1]#C",
    "N(ring)": "[n]",
    "N(ammonium)": "[NX4+]",
    "C(carbonyl)": "[#6X3]=[OX1]",
    "C(methyl)": "[CX4H3]",
    "C(methylene)": "[CX4H2]",
    "C2": "[cH](:[n]):[n]",
    "H(C2)": "[H][$([cH](:[n]):[n])]",
    "H(ring)": "[H]c",
    "H(methyl)": "[H][CX4H3]",
    "H(methylene)": "[H][CX4H2]",
    "H(hydroxyl)": "[H][OX2][#6]",
    "H(amide)": "[H][NX3]C=O",
}


@lru_cache(maxsize=256)
def molecule_of(smiles: str) -> Chem.Mol:
    """Return the RDKit molecule with explicit hydrogens: heavy atoms first."""
    return Chem.AddHs(Chem.MolFromSmiles(smiles))


def bonds_of(species: Species | str) -> NDArray[np.int64]:
    """Return the bonded pairs of one unit of a species, (m, 2), in the conformer's order."""
    molecule = molecule_of(_species(species).smiles)
    pairs = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in molecule.GetBonds()]
    return np.array(sorted(tuple(sorted(p)) for p in pairs), dtype=np.int64).reshape(-1, 2)


def conformer(species: Species | str, seed: int = 0) -> Frame:
    """Return one conformer of a species in vacuum, its centre of mass at the origin.

    Distance geometry (ETKDG) and MMFF94 or UFF; ions with atoms that force fields do not know
    (PF6-, BF4-, …) are ideal polyhedra.

    Args:
        species: from the library, or a name, or "smiles:…".
        seed: another seed is another conformer where the molecule is flexible.

    Raises:
        InputError: RDKit finds no structure.
    """
    with _ONE_AT_A_TIME:
        return _conformer(_species(species), int(seed) % (2**31 - 1))


def _species(species: Species | str) -> Species:
    return find_species(species) if isinstance(species, str) else species


@lru_cache(maxsize=4096)
def _conformer(species: Species, seed: int) -> Frame:
    molecule = molecule_of(species.smiles)
    numbers = np.array([a.GetAtomicNum() for a in molecule.GetAtoms()])
    if len(numbers) == 1:
        positions = np.zeros((1, 3))
    elif species.shape is not None:
        positions = _polyhedron(molecule, *species.shape)
    else:
        positions = _first_hydrogen_cis(molecule, _embedded(molecule, species.name, seed))
    frame = Frame(numbers, positions, molecules=np.zeros(len(numbers), dtype=np.int64))
    return frame.moved(positions - np.average(positions, axis=0, weights=frame.masses))


def _polyhedron(molecule: Chem.Mol, shape: str, length: float) -> NDArray[np.float64]:
    centre = int(np.argmax([atom.GetDegree() for atom in molecule.GetAtoms()]))
    positions = np.zeros((molecule.GetNumAtoms(), 3))
    corners = [i for i in range(len(positions)) if i != centre]
    positions[corners] = length * _POLYHEDRA[shape]
    return positions


def _embedded(molecule: Chem.Mol, name: str, seed: int) -> NDArray[np.float64]:
    molecule = Chem.Mol(molecule)
    settings: Any = rdDistGeom.ETKDGv3()
    settings.randomSeed = seed
    if rdDistGeom.EmbedMolecule(molecule, settings) != 0:
        settings.useRandomCoords = True
        if rdDistGeom.EmbedMolecule(molecule, settings) != 0:
            raise InputError(f"RDKit finds no three-dimensional structure for '{name}'")
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(molecule):
        rdForceFieldHelpers.MMFFOptimizeMolecule(molecule, maxIters=2000)
    elif rdForceFieldHelpers.UFFHasAllMoleculeParams(molecule):
        rdForceFieldHelpers.UFFOptimizeMolecule(molecule, maxIters=2000)
    return np.array(molecule.GetConformer().GetPositions())


def _dihedral(positions: NDArray[np.float64], i: int, j: int, k: int, m: int) -> float:
    """Return the dihedral angle i–j–k–m, degrees, in [0, 180]."""
    axis = positions[k] - positions[j]
    a = np.cross(positions[i] - positions[j], axis)
    b = np.cross(positions[m] - positions[k], axis)
    cosine = float(a @ b / np.sqrt((a @ a) * (b @ b)))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _amide_hydrogens(molecule: Chem.Mol) -> list[tuple[int, int, int, int]]:
    """Return (O, C, N, H) of the amide hydrogens, hydrogens ascending."""
    pattern = Chem.MolFromSmarts("[OX1]=C[NX3][H]")
    return sorted(molecule.GetSubstructMatches(pattern, maxMatches=10000))


def _first_hydrogen_cis(molecule: Chem.Mol, positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exchange the two hydrogens of an amide NH2 so that the first is cis to the oxygen.

    The two have the same neighbours, so that nothing but the geometry tells them apart: with a
    fixed order the sites "H(cis)" and "H(trans)" are the same indices in every conformer.
    """
    positions = positions.copy()
    by_nitrogen: dict[int, list[tuple[int, int, int, int]]] = {}
    for match in _amide_hydrogens(molecule):
        by_nitrogen.setdefault(match[2], []).append(match)
    for pair in by_nitrogen.values():
        if len(pair) == 2 and _dihedral(positions, *pair[0]) > _dihedral(positions, *pair[1]):
            first, second = pair[0][3], pair[1][3]
            positions[[first, second]] = positions[[second, first]]
    return positions


def sites(species: Species | str) -> dict[str, NDArray[np.int64]]:
    """Return the named sites of a species: {name: atom indices within the molecule}.

    Element symbols ("O", "F"), chemical sites ("O(carbonyl)", "O(ether)", "N(ring)", "C2", …),
    and the amide hydrogens "H(cis)" and "H(trans)" to the carbonyl oxygen.
    """
    with _ONE_AT_A_TIME:
        return _sites(_species(species))


def _sites(species: Species) -> dict[str, NDArray[np.int64]]:
    molecule = molecule_of(species.smiles)
    found: dict[str, set[int]] = {}
    for atom in molecule.GetAtoms():
        found.setdefault(atom.GetSymbol(), set()).add(atom.GetIdx())
    for name, smarts in _SITES.items():
        pattern = Chem.MolFromSmarts(smarts)
        matches = molecule.GetSubstructMatches(pattern, uniquify=False, maxMatches=10000)
        if matches:
            found[name] = {match[0] for match in matches}
    positions = conformer(species).positions
    for match in _amide_hydrogens(molecule):
        name = "H(cis)" if _dihedral(positions, *match) < 90.0 else "H(trans)"
        found.setdefault(name, set()).add(match[3])
    return {name: np.array(sorted(indices)) for name, indices in found.items()}
