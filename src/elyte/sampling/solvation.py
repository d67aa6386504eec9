"""Boxes that begin as contact pairs, separated pairs or aggregates of ions (Chalykh et al. 2025).

CIP: an anion touches the cation. SSIP: a solvent molecule stands between the two. AGG: two
cations share an anion, or two anions a cation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Literal

import numpy as np

from elyte.chemistry import conformer, find_species, pack_templates
from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.sampling.clusters import attach, contact_distance, faces

State = Literal["CIP", "SSIP", "AGG"]
STATES: tuple[State, ...] = ("CIP", "SSIP", "AGG")


def possible_states(counts: Mapping[str, int]) -> list[State]:
    """Return the states that a composition has the ions and the solvent for."""
    cations, anions, solvents = _kinds(counts)
    if not cations or not anions:
        return []
    states: list[State] = ["CIP"]
    if solvents:
        states.append("SSIP")
    if sum(counts[n] for n in cations) > 1 or sum(counts[n] for n in anions) > 1:
        states.append("AGG")
    return states


def ion_pair_box(counts: Mapping[str, int], density: float, state: State, seed: int = 0) -> Frame:
    """Return a box in which some ions stand as a CIP, SSIP or AGG, all else packed around them.

    Args:
        counts: species name → number of molecules; the frame's order is that of `pack_box`.
        density: g/cm³.
        state: of the cluster.
        seed: of the choice of ions, the conformers, orientations and the packing.

    Raises:
        InputError: a state for which ions or solvent are missing.
    """
    if state not in possible_states(counts):
        listed = ", ".join(f"{n} {name}" for name, n in counts.items())
        raise InputError(
            f"{listed} can form {', '.join(possible_states(counts)) or 'no ion pair'}, not {state}"
        )
    rng = np.random.default_rng(seed)
    names = _chain(counts, state, rng)
    cluster = _cluster(names, rng)
    rest = Counter({name: int(n) for name, n in counts.items()}) - Counter(names)
    others = [name for name in counts for _ in range(rest[name])]
    pieces = [cluster, *(conformer(name, int(rng.integers(64))) for name in others)]
    packed = pack_templates(pieces, density, seed=int(rng.integers(2**31)))
    return _sorted(packed, [*names, *others], list(counts))


def _kinds(counts: Mapping[str, int]) -> tuple[list[str], list[str], list[str]]:
    charges = {name: find_species(name).charge for name, n in counts.items() if n}
    return (
        [name for name, q in charges.items() if q > 0],
        [name for name, q in charges.items() if q < 0],
        [name for name, q in charges.items() if q == 0],
    )


def _chain(counts: Mapping[str, int], state: State, rng: np.random.Generator) -> list[str]:
    """Return the species of the cluster in the order in which they touch."""
    cations, anions, solvents = _kinds(counts)
    cation, anion = str(rng.choice(cations)), str(rng.choice(anions))
    if state == "CIP":
        return [cation, anion]
    if state == "SSIP":
        return [cation, str(rng.choice(solvents)), anion]
    left = Counter({name: int(n) for name, n in counts.items()}) - Counter([cation, anion])
    bridges = []
    if more := [name for name in cations if left[name]]:
        bridges.append([cation, anion, str(rng.choice(more))])
    if more := [name for name in anions if left[name]]:
        bridges.append([anion, cation, str(rng.choice(more))])
    return bridges[int(rng.integers(len(bridges)))]


def _cluster(names: list[str], rng: np.random.Generator) -> Frame:
    """Join the species one to the next, each on the far side of the one before."""
    cluster = conformer(names[0], int(rng.integers(64)))
    begin = 0
    outward = None
    for last, name in pairwise(names):
        piece = conformer(name, int(rng.integers(64)))
        own = cluster.positions[begin:]
        here = begin + _facing(last, own, outward, rng)
        there = int(rng.choice(faces(name)))
        distance = contact_distance(last, name)
        before = len(cluster)
        cluster = attach(cluster, piece, here, there, distance, rng, outward)
        outward = cluster.positions[before:].mean(axis=0) - own.mean(axis=0)
        begin = before
    return cluster


def _facing(
    name: str,
    positions: np.ndarray,
    outward: np.ndarray | None,
    rng: np.random.Generator,
) -> int:
    """Return the atom that faces the next molecule: the outermost of those that can."""
    able = faces(name)
    if outward is None:
        return int(rng.choice(able))
    return able[int(np.argmax(positions[able] @ outward))]


def _sorted(frame: Frame, names: list[str], species: list[str]) -> Frame:
    """Return the molecules in the order of the species, with running ids."""
    assert frame.molecules is not None
    order = sorted(range(len(names)), key=lambda k: (species.index(names[k]), k))
    atoms = [np.flatnonzero(frame.molecules == k) for k in order]
    index = np.concatenate(atoms)
    ids = np.concatenate([np.full(len(part), k) for k, part in enumerate(atoms)])
    return Frame(frame.numbers[index], frame.positions[index], frame.cell, frame.pbc, ids)
