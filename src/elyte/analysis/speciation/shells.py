"""Ligands in the first shell of each ion: counts and their distributions, CIP, SSIP, AGG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from elyte.analysis.intervals import Mean, fraction, mean_number, widened_to
from elyte.analysis.pairs import pairs_within
from elyte.analysis.statistics import mean
from elyte.analysis.stream import Positions

Counts = NDArray[np.int64]

_LEAST_CLUSTERS = 5


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
    stay, as long as different ions have different surroundings. Where the mean over ions
    fluctuates in time by more than that, they do not, and the time series tells the error.

    Args:
        runs: ligand counts, (frames, ions) each.
    """
    series = [np.asarray(run, dtype=float) for run in runs]
    return _with_time(mean_number(np.concatenate([x.mean(axis=0) for x in series])), series)


def _with_time(found: Mean, series: Sequence[NDArray[np.float64]]) -> Mean:
    return widened_to(found, mean([x.mean(axis=1) for x in series]))


def count_distribution(runs: Sequence[Counts]) -> dict[int, Mean]:
    """Return the fraction of ions with 0, 1, 2, … ligands, with errors over ions."""
    highest = max(int(run.max(initial=0)) for run in runs)
    return {n: population([run == n for run in runs]) for n in range(highest + 1)}


def population(
    runs: Sequence[NDArray[np.bool_]], clusters: Sequence[ArrayLike] | None = None
) -> Mean:
    """Return the fraction of ions and time in a state.

    Errors are those of independent ions, as in `coordination_number`, or of their clusters.

    Args:
        runs: (frames, ions) each.
        clusters: number of the cluster that each ion belongs to, (ions,) for each run, where ions
            of one are in the state together.
    """
    series = [np.asarray(run, dtype=float) for run in runs]
    samples = [x.mean(axis=0) for x in series]
    found = _with_time(fraction(np.concatenate(samples)), series)
    return found if clusters is None else widened_to(found, mean_of_clusters(samples, clusters))


def mean_of_clusters(samples: Sequence[ArrayLike], clusters: Sequence[ArrayLike]) -> Mean:
    """Return the mean over ions when clusters of them, of any size, are independent.

        var x̄ = k/(k − 1) Σ_c [Σ_{i∈c} (x_i − x̄)]² / n²

    Args:
        samples: of each ion, (n,) for each run.
        clusters: number of the cluster of each ion, 0 …, (n,) for each run.
    """
    x = np.concatenate([np.asarray(s, dtype=float) for s in samples])
    offsets = np.cumsum([0] + [int(np.max(c)) + 1 for c in clusters])
    of = np.concatenate([np.asarray(c) + k for c, k in zip(clusters, offsets, strict=False)])
    sums = np.bincount(of, x - x.mean())
    k, n = len(np.unique(of)), len(x)
    if k < _LEAST_CLUSTERS:
        return Mean(
            float(x.mean()), np.nan, k, 1.0, f"only {k} clusters of at least {_LEAST_CLUSTERS}"
        )
    error = float(np.sqrt(k / (k - 1) * np.sum(sums**2)) / n)
    return Mean(float(x.mean()), error, float(k), float(k - 1))


def linked(found: Contacts) -> Counts:
    """Return which ions ever share a ligand, as numbers of their clusters over the run, (ions,)."""
    frame_ligand = found.frame * found.ligands + found.ligand
    order = np.argsort(frame_ligand, kind="stable")
    same = np.diff(frame_ligand[order]) == 0
    ion = found.centre[order]
    ends = ion[:-1][same], ion[1:][same]
    graph = coo_matrix((np.ones(len(ends[0])), ends), shape=(found.centres, found.centres))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


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

    Ions that share an anion are in a state together: clusters are the samples where they last.

    Args:
        runs: contacts of the ions with all anions, for each run.
    """
    states, clusters = [pair_states(run) for run in runs], [linked(run) for run in runs]
    return {name: population([s == k for s in states], clusters) for k, name in enumerate(STATES)}


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
