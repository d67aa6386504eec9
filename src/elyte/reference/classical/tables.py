"""Force-field parameters as facts: one TOML table for each species, in `tables/`.

E = Σ k/2 (r − r₀)² + Σ k/2 (θ − θ₀)² + Σ ½[V₁(1 + cos φ) + V₂(1 − cos 2φ) + V₃(1 + cos 3φ)
+ V₄(1 − cos 4φ)] + Σ ½V₂(1 − cos 2χ) + Σ q_i q_j/(4πε₀r) + 4ε[(σ/r)¹² − (σ/r)⁶],

with the geometric means of σ and of ε, pairs of atoms one or two bonds apart left out, and half
of both pair terms three bonds apart (OPLS-AA, doi:10.1021/ja9621760; CL&P,
doi:10.1021/jp0362133). A table names its sources. Lengths are in Å, angles in degrees, energies
in kJ/mol; force constants stand with the factor ½ of the equation.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from elyte.core.errors import FormatError, UnknownSpecies, did_you_mean

_FOLDER = files("elyte.reference.classical") / "tables"


@dataclass(frozen=True)
class AtomType:
    """Class (which bonded terms it takes part in), charge (e), σ (Å), ε (kJ/mol)."""

    name: str
    charge: float
    sigma: float
    epsilon: float


Terms = Mapping[tuple[str, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Rules:
    """What force fields of the same kind do differently.

    Args:
        charges_near, pairs_near: factors on Coulomb and Lennard-Jones terms of atoms three bonds
            apart.
        arithmetic: σ of a pair is the arithmetic mean, not the geometric one.
        periodic: dihedrals are terms (n, γ, k) of k[1 + cos(nφ − γ)], one after the other, instead
            of V₁ … V₄.
    """

    charges_near: float
    pairs_near: float
    arithmetic: bool
    periodic: bool


OPLS = Rules(0.5, 0.5, arithmetic=False, periodic=False)
GAFF2 = Rules(1 / 1.2, 0.5, arithmetic=True, periodic=True)


@dataclass(frozen=True)
class Table:
    """The parameters of one species.

    Args:
        name: of the species.
        source: where the numbers come from, one entry for each publication.
        atoms: type of each atom, in the order of `elyte.chemistry.conformer`.
        bonds, angles, dihedrals, impropers: classes → numbers, as in the module's equation.
        rules: of the force field that it belongs to.
        notes: what a user should know of the parameters.
    """

    name: str
    source: tuple[str, ...]
    atoms: tuple[AtomType, ...]
    bonds: Terms
    angles: Terms
    dihedrals: Terms
    impropers: Terms
    rules: Rules = OPLS
    notes: tuple[str, ...] = ()

    @property
    def charge(self) -> float:
        """Sum of the charges, e."""
        return sum(atom.charge for atom in self.atoms)


@lru_cache(maxsize=1)
def covered() -> tuple[str, ...]:
    """Return the names of the species that have a table."""
    return tuple(
        sorted(
            entry.name.removesuffix(".toml")
            for entry in _FOLDER.iterdir()
            if entry.name.endswith(".toml")
        )
    )


@lru_cache(maxsize=256)
def find_table(species: str) -> Table:
    """Return the table of a species of the library.

    Raises:
        UnknownSpecies: there is none.
        FormatError: a table that is not whole.
    """
    if species not in covered():
        raise UnknownSpecies(
            f"the classical force field has no parameters for '{species}'"
            f"{did_you_mean(species, list(covered()))}; it has {', '.join(covered())}"
        )
    return read_table(table_text(species))


def table_text(species: str) -> str:
    """Return the text of a species' table."""
    return (_FOLDER / f"{species}.toml").read_text(encoding="utf-8")


def read_table(text: str) -> Table:
    """Return the table written in a TOML text.

    Raises:
        FormatError: keys that are missing, or a type that is not declared.
    """
    try:
        values: dict[str, Any] = tomllib.loads(text)
        types = {name: AtomType(*row) for name, row in values["types"].items()}
        return Table(
            values["name"],
            tuple(values["source"]),
            tuple(types[label] for label in values["atoms"].split()),
            _terms(values.get("bonds", {})),
            _terms(values.get("angles", {})),
            _terms(values.get("dihedrals", {})),
            _terms(values.get("impropers", {})),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise FormatError(f"a force-field table is not whole: {error!r}") from error


def _terms(section: Mapping[str, Any]) -> dict[tuple[str, ...], tuple[float, ...]]:
    return {
        tuple(key.split("-")): tuple(value) if isinstance(value, list) else (float(value),)
        for key, value in section.items()
    }
