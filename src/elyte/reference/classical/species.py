"""The parameters of a species: elyte's own table, or GAFF2 where antechamber is installed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from elyte.chemistry import conformer, find_species
from elyte.chemistry.conformers import bonds_of
from elyte.core.errors import InputError, MissingDependency
from elyte.reference.classical.gaff import gaff_table, write_json
from elyte.reference.classical.tables import Table, covered, find_table
from elyte.reference.classical.topology import Topology, build


def species_table(name: str) -> Table:
    """Return the parameters of a species.

    Raises:
        UnknownSpecies: neither a table nor GAFF2 has it.
        MissingDependency: it has no table, and antechamber is not installed.
    """
    return find_table(name) if name in covered() else gaff_table(name)


@lru_cache(maxsize=256)
def species_topology(name: str) -> Topology:
    """Return the topology of one unit of a species, in the order of its conformer.

    Raises:
        UnknownSpecies, MissingDependency: as `species_table`.
        FormatError: a table that lacks a term, or does not fit the species.
    """
    return build(species_table(name), bonds_of(name), conformer(name).positions)


def without_tables(species: Iterable[str]) -> tuple[str, ...]:
    """Return those that elyte has no table of, by their own names, sorted."""
    return tuple(sorted({find_species(name).name for name in species} - set(covered())))


def without_parameters(species: Iterable[str]) -> dict[str, str]:
    """Return those for which there are no parameters at all, and why.

    The first time, AM1-BCC charges of each new molecule are computed: seconds to minutes.
    """
    found = {}
    for name in without_tables(species):
        try:
            gaff_table(name)
        except (InputError, MissingDependency) as error:
            found[name] = str(error)
    return found


def parameter_notes(species: Iterable[str]) -> list[str]:
    """Return what a user should know of the parameters of species, one line each."""
    return [note for name in without_tables(species) for note in gaff_table(name).notes]


def fingerprint(molecules: Iterable[str]) -> str:
    """Return a hash of the GAFF2 parameters of species, which depend on versions of programs.

    Raises:
        UnknownSpecies, MissingDependency: as `species_table`.
    """
    texts = "".join(write_json(gaff_table(name)) for name in without_tables(molecules))
    return hashlib.sha256(texts.encode()).hexdigest()
