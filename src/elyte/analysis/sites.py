"""A language for sites: "Li", "O(EC)", "carbonyl O(FEC)", "O(amide)", "cis H(amide)", MDAnalysis'.

    species                 Li+, PF6-, EC              atoms of an ion of one atom, else centres
    centre(species)         centre(EC)                 centres of mass
    element                 O                          all atoms of an element
    element(owner)          O(EC), N(BN), O(amide)     owner: a species or a functional group
    kind element(owner)     carbonyl O(EC), ether O    kind: of the species' sites
    cis/trans H(owner)      cis H(amide)               at the N of an amide, to its carbonyl O
    anything else           resname EC and name O1     a selection of MDAnalysis

A pair is two sites with a dash between them: "Li–O(amide)".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.data import atomic_names, chemical_symbols
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.functional import GROUPS, amide_hydrogens, functional_groups
from elyte.analysis.observation import Observation
from elyte.analysis.stream import Positions
from elyte.analysis.system import SpeciesGroup, SystemDescription
from elyte.analysis.universe import select_atoms
from elyte.chemistry.species import find_species
from elyte.core.errors import InputError, UnknownSpecies, did_you_mean
from elyte.core.frame import Frame

Index = NDArray[np.int64]

_ELEMENTS = {s: z for z, s in enumerate(chemical_symbols) if z}
_WORDS = {name.lower(): chemical_symbols[z] for z, name in enumerate(atomic_names) if z}
_SITE = re.compile(r"^(?:(?P<kind>[a-z]+) )?(?P<element>[A-Z][a-z]?)(?:\((?P<owner>.+)\))?$")
_CIS = re.compile(
    r"^(?:hydrogen|h)s? (cis|trans) to the carbonyl(?: of (?:an? |the )?(.+))?$", re.I
)
_DASHES = re.compile(r"\s*[–—]\s*|\s+-+\s+")


@dataclass(frozen=True, eq=False)
class Site:
    """Particles of one kind.

    Args:
        label: as it is printed.
        atoms: indices of atoms, or of molecules where it is their centres that count.
        centres: whether `atoms` are molecules.
    """

    label: str
    atoms: Index
    centres: bool = False

    def __len__(self) -> int:
        return len(self.atoms)

    def of(self, run: Observation) -> Positions:
        """Return the positions of the site in a run, Å, (T, k, 3)."""
        return (Positions.of(run.places) if self.centres else run.positions).select(self.atoms)

    def molecules(self, system: SystemDescription) -> Index:
        """Return the molecule of each particle, (k,)."""
        return self.atoms if self.centres else system.molecules[self.atoms]


def find_site(
    text: str, system: SystemDescription, frame: Frame | None = None, universe: Any = None
) -> Site:
    """Return the site that a text names.

    Args:
        text: as in the module's table.
        system: with bonds, for kinds and functional groups.
        frame: one structure, for "cis" and "trans" and for MDAnalysis' selections by distance.
        universe: `MDAnalysis.Universe` whose names a selection uses; None: made from the system.

    Raises:
        UnknownSpecies: a species, group or kind that is not there.
        InputError: a text that is nothing of all this.
    """
    plain = " ".join(text.split())
    if turned := _CIS.match(plain):
        plain = f"{turned[1].lower()} H({turned[2] or 'amide'})"
    for word, symbol in _WORDS.items():
        plain = re.sub(rf"(?i)\b{word}s?(?=$|\()", symbol, plain)
    site = _species_site(plain, system) or _atom_site(plain, system, frame)
    if site is None:
        site = Site(plain, select_atoms(plain, system, frame, universe))
    if not len(site):
        raise InputError(f"the site '{text}' holds no atoms in this system")
    return site


def find_pair(
    text: str, system: SystemDescription, frame: Frame | None = None, universe: Any = None
) -> tuple[Site, Site]:
    """Return the two sites of a pair such as "Li–O(amide)".

    Arguments and errors as in `find_site`; a plain hyphen is taken as the dash where both sides of
    it are sites.
    """
    problems: list[Exception] = []
    for left, right in _splits(text):
        try:
            return (
                find_site(left, system, frame, universe),
                find_site(right, system, frame, universe),
            )
        except (InputError, UnknownSpecies) as error:
            problems.append(error)
    if problems:
        raise problems[0]
    raise InputError(f"'{text}' is no pair of sites; write it as 'Li–O(EC)'")


def _splits(text: str) -> Iterator[tuple[str, str]]:
    parts = _DASHES.split(text.strip())
    if len(parts) == 2 and all(parts):
        yield parts[0], parts[1]
        return
    for k in [m.start() for m in re.finditer("-", text)]:
        if text[:k].strip() and text[k + 1 :].strip():
            yield text[:k].strip(), text[k + 1 :].strip()


def species_named(name: str, system: SystemDescription) -> SpeciesGroup | None:
    """Return the species with a name, an alias of the library, or a name without its charge."""
    for group in system.species:
        bare = re.sub(r"\d*[+-]$" if group.monatomic else r"[+-]$", "", group.name)
        if name in (group.name, bare):
            return group
    try:
        known = find_species(name).name
    except (InputError, UnknownSpecies):
        return None
    return next((g for g in system.species if g.name == known), None)


def _species_site(text: str, system: SystemDescription) -> Site | None:
    inner = re.match(r"^(?:centre|center|com)\((.+)\)$", text)
    group = species_named(inner[1] if inner else text, system)
    if group is None:
        if inner:
            raise _unknown(inner[1], [g.name for g in system.species])
        return None
    if group.monatomic:
        return Site(group.name, group.atoms[:, 0])
    return Site(f"centre({group.name})", group.molecules, centres=True)


def _atom_site(text: str, system: SystemDescription, frame: Frame | None) -> Site | None:
    found = _SITE.match(text)
    if not found or found["element"] not in _ELEMENTS:
        return None
    kind, element, owner = found["kind"], found["element"], found["owner"]
    atoms = np.flatnonzero(system.numbers == _ELEMENTS[element])
    if kind in ("cis", "trans"):
        atoms = np.intersect1d(atoms, _turned(kind, system, frame))
    elif kind:
        atoms = np.intersect1d(atoms, _of_kind(f"{kind} {element}", system))
    if owner:
        atoms = np.intersect1d(atoms, _owned(owner, system))
    if not len(atoms):
        raise UnknownSpecies(f"no atom of this system is '{text}'")
    return Site(text, atoms)


def _turned(kind: str, system: SystemDescription, frame: Frame | None) -> Index:
    if frame is None or system.bonds is None:
        raise InputError(f"'{kind} H' needs bonds and a structure; none is known")
    cis, trans = amide_hydrogens(system.numbers, system.bonds, frame.positions, frame.cell)
    return cis if kind == "cis" else trans


def _of_kind(name: str, system: SystemDescription) -> Index:
    parts = [g.sites[name] for g in system.species if name in g.sites]
    if parts:
        return np.concatenate(parts)
    known = sorted({s for g in system.species for s in g.sites})
    kind, element = name.rsplit(" ", 1)
    if kind in GROUPS:
        return np.intersect1d(
            _owned(kind, system), np.flatnonzero(system.numbers == _ELEMENTS[element])
        )
    raise _unknown(name, known)


def _owned(owner: str, system: SystemDescription) -> ArrayLike:
    group = species_named(owner, system)
    if group is not None:
        return group.atoms.ravel()
    groups = {} if system.bonds is None else functional_groups(system.numbers, system.bonds)
    if owner.lower() in groups:
        return groups[owner.lower()]
    raise _unknown(owner, [*(g.name for g in system.species), *groups])


def _unknown(name: str, known: list[str]) -> UnknownSpecies:
    return UnknownSpecies(
        f"there is no '{name}' in this system{did_you_mean(name, known)}; it has {', '.join(known)}"
    )
