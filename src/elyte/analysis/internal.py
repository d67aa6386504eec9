"""Atoms within molecules: the vectors, planes and rotatable bonds of a species."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from elyte.analysis.functional import neighbour_lists
from elyte.analysis.sites import species_named
from elyte.analysis.system import SpeciesGroup, SystemDescription
from elyte.core.errors import InputError, UnknownSpecies

Index = NDArray[np.int64]

_MOST_DIHEDRALS = 6  # of one species, where none are asked for
_HASH_ROUNDS = 6


@dataclass(frozen=True, eq=False)
class Chain:
    """The same few atoms in all molecules of a species.

    Args:
        group: the species.
        label: "C–O(EC)", or "C1–O2(EC)" where the numbers in the molecule are needed.
        places: of the atoms in the molecule, one row for each equivalent set of them.
        regions: name of a conformer → (low, high), degrees.
    """

    group: SpeciesGroup
    label: str
    places: tuple[tuple[int, ...], ...]
    regions: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def rows(self) -> Index:
        """Atoms, (molecules × sets, size)."""
        return np.concatenate([self.group.atoms[:, list(p)] for p in self.places])


def parse_chain(text: str, system: SystemDescription, size: int) -> Chain:
    """Return the atoms that "SPECIES: 1-2-3-4" names, by their places in the molecule from 1.

    After a second colon come names of conformers and their angles in degrees,
    "SPECIES: 1-2-3-4: gauche 0..120, anti 120..240".

    Raises:
        InputError: a text of another form, or places that the molecule does not have.
        UnknownSpecies: a species that is not there.
    """
    parts = [p.strip() for p in text.split(":")]
    if len(parts) not in (2, 3):
        raise InputError(f"'{text}' is not of the form 'SPECIES: {'-'.join('1234'[:size])}'")
    group = species_named(parts[0], system)
    if group is None:
        names = ", ".join(g.name for g in system.species)
        raise UnknownSpecies(f"there is no species '{parts[0]}' in this system; it has {names}")
    numbers = re.split(r"[-–,\s]+", parts[1])
    if len(numbers) != size or not all(n.isdigit() for n in numbers):
        raise InputError(f"'{text}': {size} places in the molecule are needed, such as 1-2")
    places = tuple(int(n) - 1 for n in numbers)
    length = group.atoms.shape[1]
    if min(places) < 0 or max(places) >= length or len(set(places)) < size:
        raise InputError(f"'{text}': {size} different places from 1 to {length} are needed")
    regions = _regions(parts[2], text) if len(parts) == 3 else {}
    return Chain(group, _label(group, places, system, True), (places,), regions)


def _regions(text: str, whole: str) -> dict[str, tuple[float, float]]:
    table = {}
    for part in text.split(","):
        found = re.match(r"^\s*(\S+)\s+(-?[\d.]+)\s*\.\.\s*(-?[\d.]+)\s*$", part.replace("−", "-"))
        if not found:
            raise InputError(f"'{whole}': a conformer is written as 'gauche 0..120'")
        table[found[1]] = (float(found[2]), float(found[3]))
    return table


def _label(
    group: SpeciesGroup, places: Sequence[int], system: SystemDescription, numbered: bool
) -> str:
    first = group.atoms[0]
    symbols = [chemical_symbols[system.numbers[first[p]]] for p in places]
    if numbered:
        symbols = [f"{s}{p + 1}" for s, p in zip(symbols, places, strict=True)]
    return f"{'–'.join(symbols)}({group.name})"


@dataclass(frozen=True, eq=False)
class Skeleton:
    """One molecule of a species: elements and bonds by place, kinds of equivalent atoms."""

    numbers: list[int]
    around: list[list[int]]
    kinds: list[int]


def skeleton(group: SpeciesGroup, system: SystemDescription) -> Skeleton:
    """Return the bonds of the first molecule of a species; atoms of one kind are equivalent."""
    atoms = group.atoms[0].tolist()
    place = {a: k for k, a in enumerate(atoms)}
    bonds = np.zeros((0, 2), np.int64) if system.bonds is None else system.bonds
    mine = bonds[np.isin(bonds, group.atoms[0]).all(axis=1)].tolist()
    around = neighbour_lists(len(atoms), [(place[i], place[j]) for i, j in mine])
    numbers = [int(system.numbers[a]) for a in atoms]
    return Skeleton(numbers, around, _kinds(numbers, around))


def _kinds(numbers: list[int], around: list[list[int]]) -> list[int]:
    """Number the classes of atoms with like surroundings (Weisfeiler–Lehman)."""
    kinds: list[int] = list(numbers)
    for _ in range(_HASH_ROUNDS):
        keys = [(kinds[k], tuple(sorted(kinds[j] for j in near))) for k, near in enumerate(around)]
        order = {key: n for n, key in enumerate(sorted(set(keys)))}
        kinds = [order[key] for key in keys]
    return kinds


def molecular_vector(group: SpeciesGroup, system: SystemDescription) -> Chain | None:
    """Return the vector whose rotation describes a molecule, or None for a single atom.

    C→O of a carbonyl, C→N of a nitrile, else the bond between the two most different elements
    whose first atom is a heavy one.
    """
    if group.monatomic:
        return None
    frame = skeleton(group, system)
    bonds = [(i, j) for i, near in enumerate(frame.around) for j in near]
    if not bonds:
        return None
    best = max(bonds, key=lambda pair: _vector_score(frame, *pair))
    return Chain(group, _label(group, best, system, False).replace("–", "→"), (best,))


def _vector_score(frame: Skeleton, i: int, j: int) -> tuple[bool, bool, bool, int, int]:
    z, end = frame.numbers, len(frame.around[j]) == 1
    carbonyl = z[i] == 6 and z[j] == 8 and end
    nitrile = z[i] == 6 and z[j] == 7 and end
    heavy = z[i] > 1 and z[j] > 1
    return carbonyl, nitrile, heavy, abs(z[i] - z[j]) if z[i] > 1 else -1, -i


def molecular_plane(
    group: SpeciesGroup, system: SystemDescription, positions: NDArray[np.float64]
) -> tuple[int, int, int] | None:
    """Return places of three atoms that define the axes of a molecule, or None when it has none.

    The first two are those of `molecular_vector`; the third is the heavy atom (or any) farthest
    from their line.

    Args:
        positions: of a frame with whole molecules, Å, (n, 3).
    """
    vector = molecular_vector(group, system)
    if vector is None or group.atoms.shape[1] < 3:
        return None
    i, j = vector.places[0]
    x = positions[group.atoms[0]]
    axis = (x[j] - x[i]) / np.linalg.norm(x[j] - x[i])
    away = x - x[i]
    off = np.linalg.norm(away - np.outer(away @ axis, axis), axis=1)
    heavy = np.array([system.numbers[a] > 1 for a in group.atoms[0]])
    off = off + 100.0 * (heavy & (off > 0.5))
    third = int(np.argmax(off))
    return (i, j, third) if off[third] > 0.3 else None


def rotatable_dihedrals(group: SpeciesGroup, system: SystemDescription) -> list[Chain]:
    """Return one chain of four heavy atoms for each kind of rotatable bond of a species.

    Bonds in rings and bonds to groups that look alike from all sides (CF3, CH3) are left out.
    Chains whose atoms are equivalent are counted together.
    """
    frame = skeleton(group, system)
    found: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    for b, near in enumerate(frame.around):
        for c in near:
            if not _rotatable(frame, b, c):
                continue
            a, d = (_end(frame, x, y) for x, y in ((b, c), (c, b)))
            chain = (a, b, c, d)
            kinds = tuple(frame.kinds[k] for k in chain)
            if kinds > kinds[::-1] or (kinds == kinds[::-1] and b > c):
                continue
            found.setdefault(kinds, []).append(chain)
    chains = list(found.values())[:_MOST_DIHEDRALS]
    plain = [_label(group, c[0], system, False) for c in chains]
    return [
        Chain(group, _label(group, c[0], system, plain.count(p) > 1), tuple(c))
        for c, p in zip(chains, plain, strict=True)
    ]


def _rotatable(frame: Skeleton, b: int, c: int) -> bool:
    z, around = frame.numbers, frame.around
    if z[b] == 1 or z[c] == 1 or _in_ring(frame, b, c):
        return False
    linear = any(z[x] == 6 and len(around[x]) == 2 for x in (b, c))
    return not linear and all(_has_direction(frame, x, y) for x, y in ((b, c), (c, b)))


def _has_direction(frame: Skeleton, atom: int, other: int) -> bool:
    """Whether an atom bears a heavy neighbour that is not one of three alike."""
    rest = [k for k in frame.around[atom] if k != other]
    heavy = [k for k in rest if frame.numbers[k] > 1]
    alike = len(rest) == 3 and len({frame.kinds[k] for k in rest}) == 1
    return bool(heavy) and not alike


def _end(frame: Skeleton, atom: int, other: int) -> int:
    """The heavy neighbour by which the dihedral is measured: that of the rarest kind."""
    rest = [k for k in frame.around[atom] if k != other and frame.numbers[k] > 1]
    kinds = [frame.kinds[k] for k in rest]
    return min(
        rest,
        key=lambda k: (kinds.count(frame.kinds[k]), len(frame.around[k]) == 1, frame.kinds[k], k),
    )


def _in_ring(frame: Skeleton, b: int, c: int) -> bool:
    seen, queue = {b}, [b]
    while queue:
        atom = queue.pop()
        for k in frame.around[atom]:
            if {atom, k} == {b, c} or k in seen:
                continue
            if k == c:
                return True
            seen.add(k)
            queue.append(k)
    return False
