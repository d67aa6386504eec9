"""Which compositions to train on: the rank of the composition matrix.

The energy of a box is, to first order, Σ_s n_s e_s over its species. Labels of one composition
fix one such sum; how a potential splits it among the species is left to chance, and at another
composition it is off by tens of meV per atom (Goodwin et al. 2024). With N species in neutral
boxes (M = 1 constraint, when there are ions) C = N − M independent compositions fix every energy
difference between neutral boxes; those of single ions stay open up to a constant times their
charge, which no neutral box can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elyte.chemistry.species import find_species
from elyte.core.errors import InputError

MORE, LESS = 1.25, 0.75
"""Amounts of one unit and of the others in an added composition: both sides well mixed."""


@dataclass(frozen=True)
class Determination:
    """What a set of compositions fixes.

    Args:
        species: all that occur.
        rank: independent compositions there are.
        needed: independent compositions that fix all there is to fix, N − M.
        determined: species whose energy alone is fixed.
        together: groups of species of which only combinations are fixed.
    """

    species: tuple[str, ...]
    rank: int
    needed: int
    determined: tuple[str, ...]
    together: tuple[tuple[str, ...], ...]

    @property
    def complete(self) -> bool:
        """Whether every energy difference between neutral boxes is fixed."""
        return self.rank >= self.needed

    @property
    def message(self) -> str:
        """One sentence for a person; empty when nothing is missing."""
        if self.complete:
            return ""
        groups = "; ".join(", ".join(group) for group in self.together)
        return (
            f"{self.rank} independent composition{'s' if self.rank > 1 else ''} for "
            f"{len(self.species)} species: {self.needed} are needed to tell their energies apart "
            f"(only sums are known of: {groups}); label more compositions, mixed rather than pure"
        )


def determine(compositions: Sequence[Mapping[str, int]]) -> Determination:
    """Return which species energies the compositions determine.

    A species' energy is determined when its unit vector lies in the row space of the matrix of
    the numbers of molecules.

    Args:
        compositions: species name → number of molecules, one for each composition.

    Raises:
        InputError: no composition.
    """
    if not compositions:
        raise InputError("no composition is given")
    species = tuple(dict.fromkeys(name for row in compositions for name, n in row.items() if n))
    if not species:
        raise InputError("the compositions are empty")
    matrix = np.array([[float(row.get(name, 0)) for name in species] for row in compositions])
    rank, null = _null_space(matrix)
    charged = any(find_species(name).charge for name in species)
    open_ = np.flatnonzero((np.abs(null) > 1e-8).any(axis=1))
    return Determination(
        species=species,
        rank=rank,
        needed=len(species) - (1 if charged else 0),
        determined=tuple(s for k, s in enumerate(species) if k not in set(open_.tolist())),
        together=_groups(species, null, open_),
    )


def _null_space(matrix: NDArray[np.float64]) -> tuple[int, NDArray[np.float64]]:
    _, values, vectors = np.linalg.svd(matrix)
    rank = int((values > 1e-9 * values[0]).sum())
    return rank, np.asarray(vectors[rank:].T)


def _groups(
    species: Sequence[str], null: NDArray[np.float64], open_: NDArray[np.intp]
) -> tuple[tuple[str, ...], ...]:
    """Return connected parts of the species that share a direction in which nothing changes."""
    projector = np.abs(null @ null.T) > 1e-8
    groups: list[tuple[str, ...]] = []
    left = open_.tolist()
    while left:
        part, front = [left[0]], [left.pop(0)]
        while front:
            near = [k for k in left if projector[front[0], k]]
            front = front[1:] + near
            part += near
            left = [k for k in left if k not in near]
        groups.append(tuple(species[k] for k in sorted(part)))
    return tuple(groups)


def neutral_units(species: Sequence[str]) -> list[dict[str, int]]:
    """Return independent neutral combinations of the species: molecules, and pairs of ions.

    Ions are joined as the first cation with each anion, and each further cation with the first
    anion, in the smallest neutral numbers.
    """
    charges = {name: find_species(name).charge for name in species}
    cations = [name for name in species if charges[name] > 0]
    anions = [name for name in species if charges[name] < 0]
    units = [{name: 1} for name in species if charges[name] == 0]
    pairs = [(c, a) for c in cations[:1] for a in anions]
    pairs += [(c, a) for c in cations[1:] for a in anions[:1]]
    for cation, anion in pairs:
        share = int(np.gcd(charges[cation], -charges[anion]))
        units.append(
            {cation: -charges[anion] // share, anion: charges[cation] // share},
        )
    return units


def completed(compositions: Sequence[Mapping[str, int]]) -> list[dict[str, int]]:
    """Return the compositions, with as many more as determine every energy difference.

    Each added one holds a quarter more of one neutral unit and a quarter less of all else than
    the first composition (and at least one molecule more or less), so all of them are mixed.

    Raises:
        InputError: no composition.
    """
    found = [{name: int(n) for name, n in row.items()} for row in compositions]
    state = determine(found)
    base = {name: found[0].get(name, 0) for name in state.species}
    for unit in neutral_units(state.species):
        for more, less in ((MORE, LESS), (2.0, LESS), (LESS, MORE)):
            if state.complete:
                return found
            trial = _shifted(base, unit, more, less)
            after = determine([*found, trial])
            if after.rank > state.rank:
                found, state = [*found, trial], after
                break
    return found


def _shifted(
    base: Mapping[str, int], unit: Mapping[str, int], more: float, less: float
) -> dict[str, int]:
    """Return a neutral composition with more of one unit and less of the rest."""
    units = neutral_units(list(base))
    shares = _shares(base, units)
    counts = dict.fromkeys(base, 0)
    for other, share in zip(units, shares, strict=True):
        factor = more if other == unit else less
        number = round(factor * share)
        if number == round(share):
            number += 1 if factor > 1 else -1
        for name, n in other.items():
            counts[name] += n * max(1, number)
    return {name: n for name, n in counts.items() if n}


def _shares(base: Mapping[str, int], units: Sequence[Mapping[str, int]]) -> NDArray[np.float64]:
    """Return how many of each unit a neutral composition consists of."""
    matrix = np.array([[float(unit.get(name, 0)) for unit in units] for name in base])
    solution, *_ = np.linalg.lstsq(matrix, np.array(list(base.values()), float), rcond=None)
    return np.asarray(solution)
