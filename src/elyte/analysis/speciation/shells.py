"""Ligands in the first shell of each ion: counts and their distributions, CIP, SSIP, AGG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.intervals import Mean, fraction, mean_number
from elyte.analysis.pairs import pairs_within
from elyte.analysis.stream import Positions

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Contacts:
    """Ligand molecules near central ions, frame by frame, each molecule once.

    Args:
        frames: number of frames.
        centres: number of central ions.
        ligands: number of ligand molecules.
        frame: (k,).
        centre: which central ion, (k,).
        ligand: which ligand molecule, (k,).
        atoms: atoms by which it is bound: 2 or more is multidentate, (k,).
    """

    frames: int
    centres: int
    ligands: int
    frame: Counts
    centre: Counts
    ligand: Counts
    atoms: Counts

    @property
    def counts(self) -> Counts:
        """Number of ligands of each ion in each frame, (frames, centres)."""
        flat = self.frame * self.centres + self.centre
        return np.bincount(flat, minlength=self.frames * self.centres).reshape(
            self.frames, self.centres
        )


def contacts(
    centres: ArrayLike | Positions,
    atoms: ArrayLike | Positions,
    molecule_of_atom: ArrayLike,
    cells: ArrayLike,
    cutoff: float,
) -> Contacts:
    """Find which molecules have an atom within a cutoff of each central ion.

    Args:
        centres: Å, (T, n, 3).
        atoms: binding atoms of the ligands, Å, (T, m, 3); `Positions` are read block by block.
        molecule_of_atom: index of the ligand molecule of each atom, 0 … , (m,).
        cells: Å, (T, 3, 3).
        cutoff: Å.
    """
    owner = np.asarray(molecule_of_atom, dtype=np.int64)
    middle, around = Positions.of(centres), Positions.of(atoms)
    frames, n = middle.shape[:2]
    count = int(owner.max(initial=-1)) + 1
    boxes = np.broadcast_to(np.asarray(cells, dtype=float), (frames, 3, 3))
    parts = []
    for part in around.slices():
        found = pairs_within(middle[part], around[part], boxes[part], cutoff)
        ion = (part.start + found.frame) * n + found.index[:, 0]
        parts.append(np.unique(ion * count + owner[found.index[:, 1]], return_counts=True))
    keys, bound = (np.concatenate(p) for p in zip(*parts, strict=True))
    ion, ligand = np.divmod(keys, count)
    frame, centre = np.divmod(ion, n)
    return Contacts(frames, n, count, frame, centre, ligand, bound)


def coordination_number(runs: Sequence[Counts]) -> Mean:
    """Return the mean number of ligands of an ion.

    Every ion of every run is one sample (its time average): this is right however long ligands
    stay, as long as different ions have different surroundings.

    Args:
        runs: ligand counts, (frames, ions) each.
    """
    return mean_number(np.concatenate([np.asarray(run, dtype=float).mean(axis=0) for run in runs]))


def count_distribution(runs: Sequence[Counts]) -> dict[int, Mean]:
    """Return the fraction of ions with 0, 1, 2, … ligands, with errors over ions."""
    highest = max(int(run.max(initial=0)) for run in runs)
    return {n: population([run == n for run in runs]) for n in range(highest + 1)}


def population(runs: Sequence[NDArray[np.bool_]]) -> Mean:
    """Return the fraction of ions and time in a state, (frames, ions) each run, over ions."""
    return fraction(np.concatenate([np.asarray(run, float).mean(axis=0) for run in runs]))


STATES = ("SSIP", "CIP", "AGG")
"""No anion in the first shell; a pair of one ion and one anion; larger aggregates.

An ion whose only anion is bound to another ion too is part of an aggregate.
"""


def pair_states(anions: Contacts) -> Counts:
    """Return 0 (SSIP), 1 (CIP) or 2 (AGG) of each ion in each frame, (frames, centres).

    Args:
        anions: contacts of the ions with all anions.
    """
    flat = anions.frame * anions.ligands + anions.ligand
    _, which, shared = np.unique(flat, return_inverse=True, return_counts=True)
    bridged = shared[which] > 1
    states = np.minimum(anions.counts, 2)
    states[anions.frame[bridged], anions.centre[bridged]] = 2
    return np.asarray(states, dtype=np.int64)


def state_populations(runs: Sequence[Contacts]) -> dict[str, Mean]:
    """Return the fractions of SSIP, CIP and AGG among ions.

    Args:
        runs: contacts of the ions with all anions, for each run.
    """
    states = [pair_states(run) for run in runs]
    return {name: population([s == k for s in states]) for k, name in enumerate(STATES)}


def shell_compositions(counts: Mapping[str, Counts]) -> dict[tuple[int, ...], float]:
    """Return how often each combination of ligand counts occurs, most frequent first.

    Args:
        counts: species → ligand counts, (frames, ions).

    Returns:
        (count of each species in the order of `counts`) → fraction.
    """
    table = np.stack([c.ravel() for c in counts.values()], axis=1)
    tally = Counter(map(tuple, table.tolist()))
    return {shell: n / len(table) for shell, n in tally.most_common()}
