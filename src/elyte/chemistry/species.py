"""Species by name: the library, salts as their ions, and any other molecule by its SMILES."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from math import gcd

from ase.data import atomic_masses, atomic_numbers
from ase.formula import Formula
from rdkit import Chem, rdBase
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from elyte.chemistry.species_table import TABLE, Species
from elyte.core.errors import InputError, UnknownSpecies, did_you_mean

rdBase.DisableLog("rdApp.*")  # what goes wrong is said by our own errors

SPECIES: dict[str, Species] = {species.name: species for species in TABLE}
"""The library: name → species."""

SMILES_PREFIX = "smiles:"

_PLAIN = str.maketrans("⁺⁻₀₁₂₃₄₅₆₇₈₉²−–", "+-01234567892--")


def _folded(name: str) -> str:
    return name.strip().translate(_PLAIN).lower()


def _names() -> dict[str, Species]:
    table: dict[str, Species] = {}
    for species in TABLE:
        for name in (species.name, *species.aliases):
            # The ion "Cl-" and the element "Cl" differ; two rows with one name would not.
            assert _folded(name) not in table, name
            table[_folded(name)] = species
    return table


_BY_NAME = _names()


def _salts() -> dict[str, dict[str, int]]:
    """Return every salt of a library cation and anion under its usual spellings."""
    table: dict[str, dict[str, int]] = {}
    cations = [s for s in TABLE if s.role == "cation"]
    anions = [s for s in TABLE if s.role == "anion"]
    for cation in cations:
        for anion in anions:
            share = gcd(cation.charge, -anion.charge)
            n, m = -anion.charge // share, cation.charge // share
            ions = {cation.name: n, anion.name: m}
            for c in (cation.name, *cation.aliases):
                for a in (anion.name, *anion.aliases):
                    left, right = c.rstrip("+").removesuffix("2"), a.rstrip("-")
                    if not c.endswith("+") or cation.charge == 1:
                        left = c.rstrip("+")
                    group = right if m == 1 else f"({right}){m}"
                    for joint in ("", "-", " "):
                        table.setdefault(_folded(left + joint + group), ions)
                        if m > 1:
                            table.setdefault(_folded(f"{left}{joint}{right}{m}"), ions)
    return table


SALTS: dict[str, dict[str, int]] = _salts()
"""Folded salt name ("lipf6", "emim-bf4") → number of each ion in one formula unit."""


def find_species(name: str) -> Species:
    """Return the species with this name or alias; "smiles:…" makes one from a SMILES.

    Raises:
        UnknownSpecies: no such species; names the nearest one.
        InputError: the SMILES cannot be read.
    """
    if name.lower().startswith(SMILES_PREFIX):
        return from_smiles(name[len(SMILES_PREFIX) :].strip())
    found = _BY_NAME.get(_folded(name))
    if found is None:
        known = [n for s in TABLE for n in (s.name, *s.aliases)]
        raise UnknownSpecies(
            f"unknown species '{name}'{did_you_mean(name, known)}; "
            "any molecule can be given as 'smiles:…' with its charge"
        )
    return found


def ions_of(name: str) -> dict[str, int]:
    """Return what one unit of a component dissolves into: {species name: count}.

    A species is itself; a salt of the library ("LiPF6", "EMIM-BF4", "Mg(TFSI)2") its ions.

    Raises:
        UnknownSpecies: neither a species nor a salt of the library.
    """
    if not name.lower().startswith(SMILES_PREFIX) and _folded(name) not in _BY_NAME:
        salt = SALTS.get(_folded(name))
        if salt is not None:
            return dict(salt)
        known = [n for s in TABLE for n in (s.name, *s.aliases)]
        known += [_salt_name(ions) for ions in SALTS.values()]
        raise UnknownSpecies(
            f"unknown species '{name}'{did_you_mean(name, known)}; "
            "any molecule can be given by its SMILES and charge"
        )
    return {find_species(name).name: 1}


def _salt_name(ions: dict[str, int]) -> str:
    (cation, _), (anion, m) = ions.items()
    left, right = cation.rstrip("+"), anion.rstrip("-")
    left = left.removesuffix("2") if SPECIES[cation].charge == 2 else left
    metal = len(SPECIES[cation].formula) <= 2
    return left + ("" if metal else "-") + (right if m == 1 else f"({right}){m}")


@lru_cache(maxsize=256)
def from_smiles(smiles: str, charge: int | None = None) -> Species:
    """Return the library's species for this SMILES, or a new one named "smiles:…".

    Args:
        smiles: with formal charges.
        charge: e; refused when it is not the SMILES' own.

    Raises:
        InputError: a SMILES that cannot be read, several fragments, or another charge.
    """
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or molecule.GetNumAtoms() == 0:
        raise InputError(f"'{smiles}' is not a SMILES that RDKit can read")
    if "." in smiles:
        raise InputError(f"'{smiles}' holds several molecules; give each as its own component")
    own = Chem.GetFormalCharge(molecule)
    if charge is not None and charge != own:
        found, stated = (f"{number:+d}" if number else "0" for number in (own, charge))
        raise InputError(f"'{smiles}' has charge {found}, but charge {stated} is stated")
    canonical = Chem.MolToSmiles(molecule)
    if canonical in _by_smiles():
        return _by_smiles()[canonical]
    formula = CalcMolFormula(molecule).split("+")[0].split("-")[0]
    role = "molecule" if own == 0 else ("cation" if own > 0 else "anion")
    return Species(SMILES_PREFIX + canonical, formula, canonical, own, role)  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def _by_smiles() -> dict[str, Species]:
    return {Chem.MolToSmiles(Chem.MolFromSmiles(s.smiles)): s for s in TABLE if s.role != "element"}


def element_counts(species: Species) -> Counter[str]:
    """Return {symbol: count} of one unit of a species."""
    return Counter(Formula(species.formula).count())


def mass(species: Species) -> float:
    """Return the molar mass, g/mol."""
    counts = element_counts(species)
    return float(sum(atomic_masses[atomic_numbers[s]] * n for s, n in counts.items()))


def atom_count(species: Species) -> int:
    """Return the number of atoms of one unit of a species."""
    return sum(element_counts(species).values())
