"""What stands around each ion: radial distributions of its sites, first shells, bound molecules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from elyte.analysis.observation import Observation
from elyte.analysis.speciation.shells import Contacts, contacts
from elyte.analysis.stream import Positions
from elyte.analysis.structure.rdf import Rdf, radial_distribution
from elyte.analysis.structure.shell import Shell, first_shell
from elyte.analysis.system import DONORS, SpeciesGroup, SystemDescription

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_BIN = 0.04
_BOUND = 4.5  # Å; a "first shell" further out is none of contact with a small cation


@dataclass(frozen=True, eq=False)
class DonorSite:
    """Atoms of one kind in one species that may bind a cation; `centres`: its molecules instead."""

    label: str
    atoms: Index
    group: SpeciesGroup
    centres: bool = False

    def of(self, run: Observation) -> Positions:
        """Return its positions, Å, (T, k, 3)."""
        return (Positions.of(run.places) if self.centres else run.positions).select(self.atoms)


@dataclass(frozen=True, eq=False)
class Solvation:
    """The surroundings of one kind of cation.

    Args:
        cation: the species.
        centres: its positions in each run, Å, (T, n, 3).
        sites: what may bind it.
        rdfs: site label → g(r) around the cation.
        shells: site label → first shell.
        ligands: species → molecules bound to each cation, one for each run.
        cutoffs: species → Å, where it was given and not found.
        anions: names of the anions.
    """

    cation: SpeciesGroup
    centres: list[Array]
    sites: list[DonorSite]
    rdfs: dict[str, Rdf]
    shells: dict[str, Shell]
    ligands: dict[str, list[Contacts]]
    cutoffs: Mapping[str, float]
    anions: tuple[str, ...]

    @cached_property
    def anion_contacts(self) -> list[Contacts]:
        """Contacts with anions of all kinds, numbered through, one for each run."""
        bound = [self.ligands[name] for name in self.anions if name in self.ligands]
        return [joined_species([kind[k] for kind in bound], c) for k, c in enumerate(self.centres)]


def joined_species(parts: Sequence[Contacts], centres: Array) -> Contacts:
    """Join contacts with several species into contacts with one set of ligands."""
    frames, ions = centres.shape[:2]
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Contacts(frames, ions, 0, none, none, none, none)
    offsets = np.cumsum([0] + [p.ligands for p in parts])
    ligand = np.concatenate([p.ligand + k for p, k in zip(parts, offsets, strict=False)])
    names = ("frame", "centre", "atoms")
    frame, centre, atoms = (np.concatenate([getattr(p, n) for p in parts]) for n in names)
    return Contacts(frames, ions, int(offsets[-1]), frame, centre, ligand, atoms)


def solvation(
    cation: SpeciesGroup,
    runs: Sequence[Observation],
    system: SystemDescription,
    reach: float,
    cutoffs: Mapping[str, float] | None = None,
) -> Solvation:
    """Find the first shells of a cation, and which molecules are in them.

    A monatomic cation is bound by donor atoms, within the first minimum of each kind of them. Of a
    molecular cation the centres of mass count.

    Args:
        cation: the species.
        runs: independent runs.
        system: its species.
        reach: end of the radial distributions, Å.
        cutoffs: species → Å: its molecules are bound when any atom is within this distance; or
            site ("carbonyl O(EC)") → Å in place of its first minimum.
    """
    given = dict(cutoffs or {})
    small = cation.monatomic
    sites = donor_sites(system) if small else centre_sites(cation, system)
    at = cation.atoms[:, 0] if small else cation.molecules
    centres = [(o.positions if small else o.places)[:, at] for o in runs]
    rdfs = {s.label: _rdf(s, centres, runs, reach, small) for s in sites}
    shells = {s.label: _shell(s, rdfs[s.label], given, small) for s in sites}
    ligands: dict[str, list[Contacts]] = {}
    for group in system.species:
        mine = [s for s in sites if s.group is group and not shells[s.label].reason]
        if group.name in given:
            whole = DonorSite(group.name, group.atoms.ravel(), group)
            shell = {group.name: Shell(np.nan, given[group.name])}
            ligands[group.name] = _bound(centres, runs, group, [whole], shell)
        elif mine:
            ligands[group.name] = _bound(centres, runs, group, mine, shells)
    anions = tuple(g.name for g in system.species if g.charge < 0)
    return Solvation(cation, centres, sites, rdfs, shells, ligands, given, anions)


def _rdf(
    site: DonorSite, centres: list[Array], runs: Sequence[Observation], reach: float, small: bool
) -> Rdf:
    bins = int(reach / (_BIN if small else 2 * _BIN))
    return radial_distribution(
        centres, [site.of(o) for o in runs], [o.cells for o in runs], reach, bins
    )


def _shell(site: DonorSite, rdf: Rdf, given: Mapping[str, float], small: bool) -> Shell:
    smoothing, reach = (0.08, _BOUND) if small else (0.15, np.inf)
    shell = first_shell(rdf.r, rdf.g, rdf.g_error, smoothing=smoothing, reach=reach)
    if site.label in given:
        return Shell(shell.peak, given[site.label])
    if small and shell.minimum > _BOUND:
        where = f"first maximum at {shell.peak:.2f} Å, no minimum up to {_BOUND} Å"
        return Shell(shell.peak, np.nan, f"{where}: no contact")
    return shell


def donor_sites(system: SystemDescription) -> list[DonorSite]:
    """Return the sites that may bind a cation, refined ("carbonyl O") where bonds tell."""
    sites: list[DonorSite] = []
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
                sites.append(DonorSite(f"{name}({group.name})", atoms, group))
    return sites


def centre_sites(cation: SpeciesGroup, system: SystemDescription) -> list[DonorSite]:
    """Return the other species as sites of their centres of mass."""
    return [
        DonorSite(f"centre({g.name})", g.molecules, g, centres=True)
        for g in system.species
        if g is not cation and g.charge <= 0
    ]


def _bound(
    centres: list[Array],
    runs: Sequence[Observation],
    group: SpeciesGroup,
    sites: Sequence[DonorSite],
    shells: Mapping[str, Shell],
) -> list[Contacts]:
    """Return the molecules of a species bound by any of its sites, one for each run."""
    row_of = np.full(int(max(group.atoms.max(), group.molecules.max())) + 1, -1)
    if sites[0].centres:
        row_of[group.molecules] = np.arange(len(group))
    else:
        row_of[group.atoms] = np.arange(len(group))[:, None]
    return [
        merge(
            [
                contacts(c, s.of(o), row_of[s.atoms], o.cells, shells[s.label].minimum)
                for s in sites
            ],
            len(group),
        )
        for c, o in zip(centres, runs, strict=True)
    ]


def merge(parts: Sequence[Contacts], ligands: int) -> Contacts:
    """Join contacts by several sites: each molecule once, its bound atoms added.

    A species of which not all molecules have the site still counts all of them.
    """
    first = parts[0]
    keys = np.concatenate([(p.frame * p.centres + p.centre) * ligands + p.ligand for p in parts])
    atoms = np.concatenate([p.atoms for p in parts])
    unique, inverse = np.unique(keys, return_inverse=True)
    ion, ligand = np.divmod(unique, ligands)
    frame, centre = np.divmod(ion, first.centres)
    bound = np.bincount(inverse, weights=atoms, minlength=len(unique)).astype(np.int64)
    return Contacts(first.frames, first.centres, ligands, frame, centre, ligand, bound)
