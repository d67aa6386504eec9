"""GAFF2 for molecules without a table: types and charges by antechamber, terms from its file.

E = Σ k_b (r − r₀)² + Σ k_θ (θ − θ₀)² + Σ k[1 + cos(nφ − γ)] + Σ q_i q_j/(4πε₀r)
+ ε[(R/r)¹² − 2(R/r)⁶],

R the sum of two R*, ε the geometric mean; atoms three bonds apart have 1/1.2 of the Coulomb and ½
of the Lennard-Jones term (GAFF: doi:10.1002/jcc.20035; AM1-BCC: doi:10.1002/jcc.10128). parmchk2
supplies what the file lacks and the planar centres; its supplement goes before the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem

from elyte.chemistry import conformer, find_species
from elyte.chemistry.conformers import bonds_of, molecule_of
from elyte.core.errors import FormatError, InputError, MissingDependency, UnknownSpecies
from elyte.reference import cache
from elyte.reference.classical import antechamber
from elyte.reference.classical.amber_files import (
    Numbers,
    Parameters,
    joined,
    read_force_field,
    read_supplement,
)
from elyte.reference.classical.antechamber import Typing
from elyte.reference.classical.tables import GAFF2, AtomType, Table, Terms
from elyte.reference.classical.topology import angles_of, chains_of, neighbours_of

KJ = 4.184
"""kcal in kJ."""
ELEMENTS = ("H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I")
"""That GAFF2 is made for; antechamber types others as if they were these."""
DOUBTFUL = 10.0
"""Penalty of parmchk2 from which on a term is said to be doubtful."""
_FORMAT = 1
_SOURCE = (
    "GAFF2: J. Comput. Chem. 25 (2004) 1157, doi 10.1002/jcc.20035, and its file gaff2.dat",
    "AM1-BCC: J. Comput. Chem. 23 (2002) 1623, doi 10.1002/jcc.10128",
)
_SECTIONS = ("bonds", "angles", "dihedrals", "impropers")


def gaff_table(name: str) -> Table:
    """Return the GAFF2 parameters of a species; the programs run once for each molecule.

    Args:
        name: of the library, or "smiles:…".

    Raises:
        UnknownSpecies: GAFF2 does not know the molecule; says what it lacks.
        MissingDependency: antechamber is not installed.
    """
    folder = antechamber.home()
    if folder is None:
        raise MissingDependency(
            f"GAFF2 parameters of {name} need antechamber: {antechamber.REMEDY}"
        )
    found = _gaff_table(find_species(name).name, folder, antechamber.version(folder))
    if isinstance(found, UnknownSpecies):
        raise UnknownSpecies(str(found))
    return found


@lru_cache(maxsize=64)
def _gaff_table(name: str, folder: Path, version: str) -> Table | UnknownSpecies:
    """Return the table, or why there is none: a refusal costs as much as an answer."""
    species = find_species(name)
    physics = json.dumps([_FORMAT, species.smiles, species.charge, version])
    key = hashlib.sha256(physics.encode()).hexdigest()
    kept = cache.recall_text("gaff2", f"{key}.json")
    if kept is not None:
        try:
            return read_json(kept)
        except FormatError:
            pass  # damaged: computed anew
    try:
        table = _computed(name, folder, version)
    except UnknownSpecies as error:
        return error
    cache.remember_text("gaff2", f"{key}.json", write_json(table))
    return table


def _computed(name: str, folder: Path, version: str) -> Table:
    species = find_species(name)
    frame = conformer(species)
    if len(frame) == 1:
        raise UnknownSpecies(f"GAFF2 has no parameters for the single atom {name}")
    foreign = sorted(set(frame.symbols) - set(ELEMENTS))
    if foreign:
        raise UnknownSpecies(
            f"GAFF2 has no parameters for {', '.join(foreign)}, which {name} holds"
        )
    try:
        typing = antechamber.parametrise(_mol_block(name), name, species.charge)
        supplement = read_supplement(typing.supplement)
    except InputError as error:
        raise UnknownSpecies(str(error)) from error
    parameters = joined(supplement, _force_field(folder, version))
    return assemble(name, typing, parameters, f"{version}")


@lru_cache(maxsize=2)
def _force_field(folder: Path, version: str) -> Parameters:
    return read_force_field(antechamber.force_field(folder))


def _mol_block(name: str) -> str:
    """Return the molecule with its bond orders, and the positions of its conformer."""
    molecule = Chem.Mol(molecule_of(find_species(name).smiles))
    shape = Chem.Conformer(molecule.GetNumAtoms())
    for index, position in enumerate(conformer(name).positions.tolist()):
        shape.SetAtomPosition(index, position)
    molecule.AddConformer(shape)
    return Chem.MolToMolBlock(molecule, kekulize=True)


def assemble(name: str, typing: Typing, parameters: Parameters, version: str) -> Table:
    """Return the table of a species from the types of its atoms.

    Args:
        name: of the species.
        typing: types and charges in the order of its conformer.
        parameters: in which its terms are looked up.
        version: of the programs.

    Raises:
        UnknownSpecies: terms that are missing, all of them named.
        FormatError: not a type for each atom.
    """
    molecule = molecule_of(find_species(name).smiles)
    bonds = bonds_of(name)
    if len(typing.types) != molecule.GetNumAtoms():
        raise FormatError(f"antechamber gives {len(typing.types)} atoms for {name}")
    neighbours = neighbours_of(len(typing.types), bonds)
    search = _Search(name, typing.types, parameters)
    found = {
        "atoms": search.all("atoms", [(i,) for i in range(len(typing.types))]),
        "bonds": search.all("bonds", bonds.tolist()),
        "angles": search.all("angles", angles_of(neighbours)),
        "dihedrals": search.all("dihedrals", chains_of(bonds, neighbours)),
    }
    search.check()
    charges = fair_charges(molecule, typing.charges, find_species(name).charge)
    return Table(
        name,
        (*_SOURCE, version),
        tuple(
            AtomType(kind, charge, *_sigma_epsilon(found["atoms"][(kind,)]))
            for kind, charge in zip(typing.types, charges, strict=True)
        ),
        {key: (length, 2 * k * KJ) for key, (k, length) in found["bonds"].items()},
        {key: (angle, 2 * k * KJ) for key, (k, angle) in found["angles"].items()},
        {key: _series(numbers) for key, numbers in found["dihedrals"].items()},
        {key: _series(numbers) for key, numbers in search.impropers(neighbours)},
        GAFF2,
        search.notes(),
    )


def fair_charges(molecule: Chem.Mol, charges: Sequence[float], total: int) -> list[float]:
    """Return charges that are equal for equivalent atoms, and whose sum is the molecule's charge.

    Args:
        molecule: with all hydrogens.
        charges: e, (n,).
        total: e.
    """
    values = np.array(charges, dtype=float)
    ranks = np.array(list(Chem.CanonicalRankAtoms(molecule, breakTies=False)))
    if molecule.GetNumAtoms() != len(values):
        raise FormatError(f"{len(values)} charges for {molecule.GetNumAtoms()} atoms")
    for rank in np.unique(ranks):
        values[ranks == rank] = values[ranks == rank].mean()
    return [float(value) for value in values + (total - values.sum()) / len(values)]


class _Search:
    """Looks terms up, and remembers those that are missing."""

    def __init__(self, name: str, types: Sequence[str], parameters: Parameters) -> None:
        self.name = name
        self.types = types
        self.parameters = parameters
        self.missing: list[str] = []

    def all(self, section: str, atoms: Iterable[Sequence[int]]) -> dict[tuple[str, ...], Numbers]:
        """Return the numbers of these terms by their types."""
        absent = {remark.types for remark in self.parameters.remarks
                  if remark.absent and remark.section == section}  # fmt: skip
        found: dict[tuple[str, ...], Numbers] = {}
        for row in atoms:
            key = tuple(self.types[i] for i in row)
            key = min(key, key[::-1])
            if key in found:
                continue
            numbers = self._find(section, key)
            none = section in ("bonds", "angles") and bool({key, key[::-1]} & absent)
            if numbers is None or none:
                self.missing.append(f"the {section.rstrip('s')} {'-'.join(key)}")
            found[key] = numbers or ()
        return found

    def _find(self, section: str, key: tuple[str, ...]) -> Numbers | None:
        if section == "dihedrals":
            return self.parameters.dihedral(key)
        return self.parameters.find(section, key)

    def impropers(self, neighbours: list[list[int]]) -> Iterable[tuple[tuple[str, ...], Numbers]]:
        """Return the planar centres that have a term."""
        found: dict[tuple[str, ...], Numbers] = {}
        for centre, around in enumerate(neighbours):
            if len(around) == 3:
                outer = [self.types[i] for i in around]
                term = self.parameters.improper(self.types[centre], outer)
                if term is not None:
                    found[term[0]] = term[1]
        return found.items()

    def check(self) -> None:
        if self.missing:
            terms = ", ".join(dict.fromkeys(self.missing))
            raise UnknownSpecies(
                f"GAFF2 has no parameters for {terms} of {self.name} (parmchk2: ATTN, need "
                "revision): another engine is needed for this molecule"
            )

    def notes(self) -> tuple[str, ...]:
        """Return the terms that parmchk2 is not sure of."""
        return tuple(
            f"{self.name}: {remark}"
            for remark in self.parameters.remarks
            if (remark.absent or (remark.penalty >= DOUBTFUL and remark.section != "impropers"))
            and all(kind in self.types for kind in remark.types)
        )


def _sigma_epsilon(numbers: Numbers) -> tuple[float, float]:
    """σ (Å) and ε (kJ/mol): the minimum of two like atoms lies at 2R* = 2^(1/6) σ."""
    half, epsilon = numbers
    return half * 2 ** (5 / 6), epsilon * KJ


def _series(numbers: Numbers) -> Numbers:
    """(barrier, phase, n), … in kcal/mol → (n, phase, barrier), … in kJ/mol."""
    terms = [numbers[k : k + 3] for k in range(0, len(numbers), 3)]
    return tuple(value for k, phase, n in terms for value in (n, phase, k * KJ))


def write_json(table: Table) -> str:
    """Return a GAFF2 table as a JSON text, which `read_json` reads."""
    terms = {
        section: [["-".join(key), list(values)] for key, values in getattr(table, section).items()]
        for section in _SECTIONS
    }
    atoms = [[a.name, a.charge, a.sigma, a.epsilon] for a in table.atoms]
    head = {"name": table.name, "source": table.source, "notes": table.notes, "atoms": atoms}
    return json.dumps({**head, **terms}, indent=1, ensure_ascii=False)


def read_json(text: str) -> Table:
    """Return the table of `write_json`.

    Raises:
        FormatError: a text that is not whole.
    """
    try:
        values: Mapping[str, Any] = json.loads(text)
        read: Callable[[str], Terms] = lambda section: {  # noqa: E731
            tuple(key.split("-")): tuple(float(v) for v in row) for key, row in values[section]
        }
        return Table(
            str(values["name"]),
            tuple(values["source"]),
            tuple(AtomType(str(a), float(q), float(s), float(e)) for a, q, s, e in values["atoms"]),
            read("bonds"),
            read("angles"),
            read("dihedrals"),
            read("impropers"),
            GAFF2,
            tuple(values["notes"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"kept GAFF2 parameters are not whole: {error!r}") from error
