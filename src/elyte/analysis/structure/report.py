"""Radial distributions, coordination and speciation of a system from its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.observation import Observation
from elyte.analysis.pairs import half_box
from elyte.analysis.speciation.shells import (
    Contacts,
    contacts,
    coordination_number,
    count_distribution,
    state_populations,
)
from elyte.analysis.statistics import Mean
from elyte.analysis.structure.rdf import radial_distribution, rdf_curves
from elyte.analysis.structure.shell import Shell, first_shell
from elyte.analysis.system import DONORS, SpeciesGroup, SystemDescription
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Results = tuple[list[Quantity], list[Curve]]

LONGEST = 12.0
"""Å; radial distributions are shown to this distance, or half the box."""
_BIN = 0.04
_CENTRES = (
    "Radial distribution functions of centres of mass",
    "Running coordination numbers of centres of mass",
)
_BOUND = 4.5  # Å; a "first shell" further out is none of contact with a small cation


@dataclass(frozen=True, eq=False)
class Site:
    """Atoms of one kind in one species: what a radial distribution is about."""

    label: str
    atoms: NDArray[np.int64]
    group: SpeciesGroup


def structure(
    runs: Sequence[Observation], system: SystemDescription, temperature: float | None = None
) -> Results:
    """Return radial distributions, coordination numbers and speciation."""
    quantities: list[Quantity] = []
    curves: list[Curve] = []
    reach = min(min(half_box(o.cells) for o in runs), LONGEST)
    for cation in system.cations:
        more = around(cation, runs, system, reach, temperature)
        quantities += more[0]
        curves += more[1]
    for a, b in combinations_with_replacement(system.species, 2):
        curves += centre_curves(a, b, runs, reach)
    return quantities, curves


def donor_sites(system: SystemDescription) -> list[Site]:
    """Return the sites that may bind a cation, refined ("carbonyl O") where bonds tell."""
    sites: list[Site] = []
    for group in system.species:
        if group.charge > 0:
            continue
        for name, atoms in group.sites.items():
            element = name.split()[-1]
            refined = [s for s in group.sites if s != element and s.split()[-1] == element]
            whole = sum(len(group.sites[s]) for s in refined) == len(group.sites[element])
            if element != name and len(refined) < 2:
                continue  # "carbonyl O" where all O are: the element's name says it
            if element == name and len(refined) > 1 and whole:
                continue  # shown by its kinds
            if chemical_symbols.index(element) in DONORS:
                sites.append(Site(f"{name}({group.name})", atoms, group))
    return sites


def around(
    cation: SpeciesGroup,
    runs: Sequence[Observation],
    system: SystemDescription,
    reach: float,
    temperature: float | None,
) -> Results:
    """Return what stands around a monatomic cation."""
    quantities: list[Quantity] = []
    curves: list[Curve] = []
    shells: dict[str, Shell] = {}
    centres = [o.positions[:, cation.atoms[:, 0]] for o in runs]
    for site in donor_sites(system):
        label = f"{cation.name}–{site.label}"
        rdf = radial_distribution(
            centres,
            [o.positions.select(site.atoms) for o in runs],
            [o.cells for o in runs],
            reach,
            int(reach / _BIN),
        )
        shell = first_shell(rdf.r, rdf.g, rdf.g_error)
        if shell.minimum > _BOUND:
            shell = Shell(shell.peak, np.nan, f"first maximum at {shell.peak:.2f} Å: no contact")
        shells[site.label] = shell
        curves += rdf_curves(rdf, label, shell)
        quantities.append(_site_number(label, shell, centres, site, runs, temperature))
    ligands = _ligands(cation, centres, runs, system, shells)
    for name, found in ligands.items():
        quantities += _ligand_quantities(cation, name, found, temperature)
        curves.append(_distribution_curve(cation, name, found))
    anions = [g.name for g in system.species if g.charge < 0]
    if anions:
        quantities += _states(cation, anions, ligands, centres, temperature)
    return quantities, curves


def _site_number(
    label: str,
    shell: Shell,
    centres: Sequence[NDArray[np.float64]],
    site: Site,
    runs: Sequence[Observation],
    temperature: float | None,
) -> Quantity:
    name = "coordination number"
    if shell.reason:
        return Quantity.withhold(name, "1", shell.reason, species=label, temperature=temperature)
    owner = np.arange(len(site.atoms))
    counts = [
        contacts(c, o.positions.select(site.atoms), owner, o.cells, shell.minimum).counts
        for c, o in zip(centres, runs, strict=True)
    ]
    details = {"first_minimum_angstrom": shell.minimum, "first_maximum_angstrom": shell.peak}
    return coordination_number(counts).quantity(
        name,
        "1",
        f"atoms within the first minimum, {shell.minimum:.2f} Å; error over ions",
        species=label,
        temperature=temperature,
        details=details,
    )


def _ligands(
    cation: SpeciesGroup,
    centres: Sequence[NDArray[np.float64]],
    runs: Sequence[Observation],
    system: SystemDescription,
    shells: dict[str, Shell],
) -> dict[str, list[Contacts]]:
    """Molecules of each species bound by any of their donor sites, by the sites' own minima."""
    found: dict[str, list[Contacts]] = {}
    sites = donor_sites(system)
    for group in system.species:
        mine = [s for s in sites if s.group is group and not shells[s.label].reason]
        if not mine:
            continue
        found[group.name] = [
            _joined(c, o, group, mine, shells) for c, o in zip(centres, runs, strict=True)
        ]
    return found


def _joined(
    centres: NDArray[np.float64],
    run: Observation,
    group: SpeciesGroup,
    sites: Sequence[Site],
    shells: dict[str, Shell],
) -> Contacts:
    row_of = np.full(int(group.atoms.max()) + 1, -1)
    row_of[group.atoms] = np.arange(len(group))[:, None]
    parts = []
    for site in sites:
        atoms, owner = run.positions.select(site.atoms), row_of[site.atoms]
        # A species of which not all molecules have the site still counts all of them.
        parts.append(contacts(centres, atoms, owner, run.cells, shells[site.label].minimum))
    return merge(parts, len(group))


def merge(parts: Sequence[Contacts], ligands: int) -> Contacts:
    """Join contacts by several sites: each molecule once, its bound atoms added."""
    first = parts[0]
    keys = np.concatenate([(p.frame * p.centres + p.centre) * ligands + p.ligand for p in parts])
    atoms = np.concatenate([p.atoms for p in parts])
    unique, inverse = np.unique(keys, return_inverse=True)
    ion, ligand = np.divmod(unique, ligands)
    frame, centre = np.divmod(ion, first.centres)
    bound = np.bincount(inverse, weights=atoms, minlength=len(unique)).astype(np.int64)
    return Contacts(first.frames, first.centres, ligands, frame, centre, ligand, bound)


def _ligand_quantities(
    cation: SpeciesGroup, name: str, found: Sequence[Contacts], temperature: float | None
) -> list[Quantity]:
    number = coordination_number([f.counts for f in found])
    method = "molecules with an atom within its first minimum; error over ions"
    species = f"{cation.name}–{name}"
    return [number.quantity("ligand number", "1", method, species=species, temperature=temperature)]


def _distribution_curve(cation: SpeciesGroup, name: str, found: Sequence[Contacts]) -> Curve:
    table = count_distribution([f.counts for f in found])
    species = f"{cation.name}–{name}"
    return Curve(
        "ligand count distribution",
        np.array(list(table), dtype=float),
        np.array([m.value for m in table.values()]),
        np.array([m.standard_error for m in table.values()]),
        "1",
        "1",
        species,
        species,
        group="speciation",
    )


def _states(
    cation: SpeciesGroup,
    anions: Sequence[str],
    ligands: dict[str, list[Contacts]],
    centres: Sequence[NDArray[np.float64]],
    temperature: float | None,
) -> list[Quantity]:
    """CIP, SSIP and AGG; an anion without a first shell of contact counts as never bound."""
    counts = [np.zeros(c.shape[:2], dtype=np.int64) for c in centres]
    for name in anions:
        for total, found in zip(counts, ligands.get(name, []), strict=False):
            total += found.counts
    method = "fraction of ions with 0, 1, ≥ 2 anions in the first shell; error over ions"
    populations: dict[str, Mean] = state_populations(counts)
    return [
        mean.quantity(
            f"{state} fraction", "1", method, species=cation.name, temperature=temperature
        )
        for state, mean in populations.items()
    ]


def centre_curves(
    a: SpeciesGroup, b: SpeciesGroup, runs: Sequence[Observation], reach: float
) -> list[Curve]:
    """Return the radial distribution of centres of mass of two species."""
    label = f"{a.name}–{b.name} (centre of mass)"
    other = None if a is b else [o.places[:, b.molecules] for o in runs]
    try:
        rdf = radial_distribution(
            [o.places[:, a.molecules] for o in runs],
            other,
            [o.cells for o in runs],
            reach,
            int(reach / (2 * _BIN)),
        )
    except InputError:
        return []  # a single molecule has no pairs with its own kind
    shell = first_shell(rdf.r, rdf.g, rdf.g_error, smoothing=0.15)
    return rdf_curves(rdf, label, shell, _CENTRES)
