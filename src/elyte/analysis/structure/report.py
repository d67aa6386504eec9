"""Coordination and speciation of the ions of a system, as numbers and curves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np

from elyte.analysis.curve import Curve
from elyte.analysis.observation import Observation
from elyte.analysis.speciation.shells import (
    Contacts,
    contacts,
    coordination_number,
    count_distribution,
    shell_compositions,
    state_populations,
)
from elyte.analysis.structure.rdf import radial_distribution, rdf_curves
from elyte.analysis.structure.shell import first_shell
from elyte.analysis.structure.solvation import DonorSite, Solvation
from elyte.analysis.system import SpeciesGroup, SystemDescription
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Results = tuple[list[Quantity], list[Curve]]

LONGEST = 12.0
"""Å; radial distributions are shown to this distance, or half the box."""
CENTRES = (
    "Radial distribution functions of centres of mass",
    "Running coordination numbers of centres of mass",
)
_BIN = 0.08
_COMPOSITIONS = 12  # most frequent shells that are shown


def solvation_results(
    found: Solvation, runs: Sequence[Observation], temperature: float | None
) -> Results:
    """Return coordination numbers, ligand numbers, states, and their distributions."""
    quantities: list[Quantity] = []
    curves: list[Curve] = []
    for site in found.sites:
        label = f"{found.cation.name}–{site.label}"
        groups = CENTRES if site.centres else ("rdf", "coordination")
        curves += rdf_curves(found.rdfs[site.label], label, found.shells[site.label], groups)
        quantities.append(_site_number(label, site, found, runs, temperature))
    for name, bound in found.ligands.items():
        quantities += _ligand_quantities(found, name, bound, temperature)
        curves.append(_distribution_curve(found.cation, name, bound))
    if len(found.ligands) > 1:
        curves.append(_composition_curve(found))
    if found.anions:
        quantities += _states(found, temperature)
    return quantities, curves


def _site_number(
    label: str,
    site: DonorSite,
    found: Solvation,
    runs: Sequence[Observation],
    temperature: float | None,
) -> Quantity:
    name, shell = "coordination number", found.shells[site.label]
    if shell.reason:
        return Quantity.withhold(name, "1", shell.reason, species=label, temperature=temperature)
    owner = np.arange(len(site.atoms))
    counts = [
        contacts(c, site.of(o), owner, o.cells, shell.minimum).counts
        for c, o in zip(found.centres, runs, strict=True)
    ]
    details = {"first_minimum_angstrom": shell.minimum, "first_maximum_angstrom": shell.peak}
    what = "molecules" if site.centres else "atoms"
    until = "the given distance" if site.label in found.cutoffs else "the first minimum"
    return coordination_number(counts).quantity(
        name,
        "1",
        f"{what} within {until}, {shell.minimum:.2f} Å; error over ions",
        species=label,
        temperature=temperature,
        details=details,
    )


def _ligand_quantities(
    found: Solvation, name: str, bound: Sequence[Contacts], temperature: float | None
) -> list[Quantity]:
    number = coordination_number([f.counts for f in bound])
    method = "molecules with an atom within its first minimum; error over ions"
    if name in found.cutoffs:
        method = f"molecules with any atom within {found.cutoffs[name]:g} Å; error over ions"
    elif not found.cation.monatomic:
        method = "molecules whose centre is within the first minimum; error over ions"
    species = f"{found.cation.name}–{name}"
    return [number.quantity("ligand number", "1", method, species=species, temperature=temperature)]


def _distribution_curve(cation: SpeciesGroup, name: str, bound: Sequence[Contacts]) -> Curve:
    table = count_distribution([f.counts for f in bound])
    species = f"{cation.name}–{name}"
    return Curve(
        "fraction of ions",
        np.array(list(table), dtype=float),
        np.array([m.value for m in table.values()]),
        np.array([m.error for m in table.values()]),
        "molecules in the shell",
        "1",
        species,
        species,
        {"categories": [str(n) for n in table]},
        "speciation",
    )


def _composition_curve(found: Solvation) -> Curve:
    """Return how often each combination of ligands occurs, the most frequent ones."""
    counts = {
        name: np.concatenate([f.counts.ravel() for f in bound])[:, None]
        for name, bound in found.ligands.items()
    }
    table = list(shell_compositions(counts).items())[:_COMPOSITIONS]
    names = [
        " ".join(f"{n} {name}" for name, n in zip(counts, shell, strict=True) if n) or "none"
        for shell, _ in table
    ]
    return Curve(
        "fraction of ions",
        np.arange(len(table), dtype=float),
        np.array([share for _, share in table]),
        None,
        "shell",
        "1",
        found.cation.name,
        found.cation.name,
        {"categories": names},
        "Compositions of the first shell",
    )


def _states(found: Solvation, temperature: float | None) -> list[Quantity]:
    """CIP, SSIP and AGG; an anion without a first shell of contact counts as never bound."""
    method = "ions without anion, in a pair of one ion and one anion, in more; error over ions"
    return [
        mean.quantity(
            f"{state} fraction", "1", method, species=found.cation.name, temperature=temperature
        )
        for state, mean in state_populations(found.anion_contacts).items()
    ]


def centre_curves(
    a: SpeciesGroup, b: SpeciesGroup, runs: Sequence[Observation], reach: float
) -> list[Curve]:
    """Return the radial distribution of centres of mass of two species."""
    label = f"{a.name}–{b.name}"
    other = None if a is b else [o.places[:, b.molecules] for o in runs]
    try:
        rdf = radial_distribution(
            [o.places[:, a.molecules] for o in runs],
            other,
            [o.cells for o in runs],
            reach,
            int(reach / _BIN),
        )
    except InputError:
        return []  # a single molecule has no pairs with its own kind
    shell = first_shell(rdf.r, rdf.g, rdf.g_error, smoothing=0.15)
    return rdf_curves(rdf, label, shell, CENTRES)


def all_centre_curves(
    runs: Sequence[Observation], system: SystemDescription, reach: float
) -> list[Curve]:
    """Return the radial distributions of centres of mass of all pairs of species."""
    pairs = combinations_with_replacement(system.species, 2)
    return [curve for a, b in pairs for curve in centre_curves(a, b, runs, reach)]
