"""Clusters of ions and the networks that bridging molecules make of them.

Two ions belong to one network when a molecule is bound to both; a network is a connected part of
the bipartite graph of ions and bridging molecules. The share of ions in a network of n ions is

        P(n) = n N(n) / N,   ⟨n⟩_w = Σ_n n P(n)

as for the aggregates of McEldrew et al., J. Chem. Phys. 152, 234506 (2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from elyte.analysis.curve import Curve
from elyte.analysis.speciation.shells import Contacts, Counts, population
from elyte.analysis.statistics import mean
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

GROUP = "Networks of ions"


@dataclass(frozen=True, eq=False)
class Networks:
    """The network that each ion belongs to, frame by frame.

    Args:
        network: index of the network of each ion, 0 … within a frame, (frames, ions).
        size: number of ions in the network of each ion, (frames, ions).
        bridges: number of molecules in it that are bound to two or more ions, (frames, ions).
    """

    network: Counts
    size: Counts
    bridges: Counts


def networks(*bonds: Contacts) -> Networks:
    """Find the networks of ions linked by molecules that bind two or more of them.

    Args:
        bonds: contacts of the same ions with each kind of bridging molecule.

    Raises:
        InputError: no contacts, or contacts of different ions or frames.
    """
    if not bonds:
        raise InputError("networks need the contacts of at least one bridging species")
    frames, ions = bonds[0].frames, bonds[0].centres
    if any((b.frames, b.centres) != (frames, ions) for b in bonds):
        raise InputError("the contacts of all bridging species must be of the same ions and frames")
    offsets = np.cumsum([0] + [b.ligands for b in bonds])
    # All frames are one graph: its nodes are (frame, ion) first, then (frame, molecule).
    ion = np.concatenate([b.frame * ions + b.centre for b in bonds]).astype(np.int64)
    molecule = np.concatenate(
        [b.frame * offsets[-1] + first + b.ligand for b, first in zip(bonds, offsets, strict=False)]
    ).astype(np.int64)
    return _components(ion, molecule, frames, ions, int(offsets[-1]))


def _components(
    ion: NDArray[np.int64], molecule: NDArray[np.int64], frames: int, ions: int, ligands: int
) -> Networks:
    nodes, total = frames * ions, frames * (ions + ligands)
    graph = coo_matrix((np.ones(len(ion)), (ion, nodes + molecule)), shape=(total, total))
    _, label = connected_components(graph, directed=False)
    sizes = np.bincount(label[:nodes], minlength=label.max(initial=0) + 1)
    binding = np.bincount(molecule, minlength=frames * ligands)
    bridging = label[nodes:][binding >= 2]
    bridges = np.bincount(bridging, minlength=len(sizes))
    mine = label[:nodes]
    return Networks(
        network=_within_frames(mine.reshape(frames, ions)),
        size=sizes[mine].reshape(frames, ions),
        bridges=bridges[mine].reshape(frames, ions),
    )


def _within_frames(labels: NDArray[np.int64]) -> Counts:
    if not labels.size:
        return labels.astype(np.int64)
    rows = [np.unique(row, return_inverse=True)[1] for row in labels]
    return np.stack(rows).astype(np.int64)


def network_sizes(runs: Sequence[Networks], species: str = "") -> Curve:
    """Return the share of ions in networks of 1, 2, … ions, with errors.

    Ions of one network share their size, so that the error is that of the correlated time series
    of the share, not of single ions.

    Args:
        runs: networks of each run.
        species: what the result belongs to.
    """
    _check(runs)
    largest = max(int(run.size.max()) for run in runs)
    sizes = np.arange(1, largest + 1)
    shares = [mean([(run.size == n).mean(axis=1) for run in runs]) for n in sizes]
    return Curve(
        "fraction of ions",
        sizes.astype(float),
        np.array([m.value for m in shares]),
        np.array([m.error for m in shares]),
        "ions in the network",
        "1",
        species,
        species,
        group=GROUP,
    )


def mean_network_size(
    runs: Sequence[Networks], species: str = "", temperature: float | None = None
) -> Quantity:
    """Return the mean number of ions in the network of an ion, ⟨n⟩_w, with its error.

    Withheld when the run is too short to know the error.
    """
    _check(runs)
    # An ion is in its own network: the number of others, not the size, can be next to nothing.
    found = replace(mean([run.size.mean(axis=1) for run in runs]), least=1.0)
    return found.quantity(
        "mean network size",
        "1",
        "ions in the network of an ion; error of the correlated time series",
        species=species,
        temperature=temperature,
    )


def cluster_populations(
    runs: Sequence[Counts], species: str = "", temperature: float | None = None
) -> list[Quantity]:
    """Return the fractions of ions with 0, 1, 2, … anions around them: "Li–3 anions", ….

    Args:
        runs: number of anions near each ion, (frames, ions) each, for instance `Contacts.counts`
            within 6 Å of the centres of the anions.
    """
    counts = [np.asarray(run) for run in runs]
    if not counts or any(c.ndim != 2 or not c.size or (c < 0).any() for c in counts):
        raise InputError("cluster populations need counts of anions, (frames, ions) for each run")
    present = np.unique(np.concatenate([np.unique(c) for c in counts]))
    method = "fraction of ions and time with this number of anions; error over ions"
    return [
        population([c == n for c in counts]).quantity(
            "cluster fraction",
            "1",
            method,
            species=f"{species} with {n} anion{'' if n == 1 else 's'}".strip(),
            temperature=temperature,
            details={"anions": int(n)},
        )
        for n in present
    ]


def _check(runs: Sequence[Networks]) -> None:
    if not runs or any(not run.size.size for run in runs):
        raise InputError("network sizes need at least one run with ions")
