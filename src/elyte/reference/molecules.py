"""Did a molecule break, or did two merge? The firewall's judgement of a structure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elyte.chemistry.bonds import (
    BROKEN_FACTOR,
    FORMED_FACTOR,
    BondWatch,
    bond_graph,
    bonds_within,
    census,
)
from elyte.chemistry.bonds import molecule_ids as parts_of
from elyte.core.errors import Outcome
from elyte.core.frame import Frame

MAJORITY = 0.6
"""Share of the frames of one composition that must agree on what its molecules are."""
FEWEST = 5
"""Frames that such a judgement needs."""


def check_molecules(frame: Frame) -> Outcome:
    """Return "done", or which molecule broke or merged with which; by the frame's molecule ids.

    A molecule is whole while its atoms hang together by bonds of up to 1.55 (R_i + R_j); two have
    merged when atoms of them are nearer than 1.12 (R_i + R_j). Metal ions are bonded to nothing.
    Frames without molecule ids pass.
    """
    if frame.molecules is None or len(frame) < 2:
        return Outcome()
    broken = _broken(frame)
    if broken is not None:
        return Outcome("molecule_broken", f"a molecule fell apart: {broken}")
    near = bonds_within(frame, FORMED_FACTOR)
    ids = frame.molecules
    for i, j in near[ids[near[:, 0]] != ids[near[:, 1]]]:
        pair = f"{frame.symbols[i]}{i} of molecule {ids[i]} and {frame.symbols[j]}{j} of {ids[j]}"
        return Outcome("molecules_merged", f"two molecules have reacted: {pair} are bonded")
    return Outcome()


def _broken(frame: Frame) -> str | None:
    """Return a description of the first molecule whose atoms do not hang together."""
    assert frame.molecules is not None
    loose = bonds_within(frame, BROKEN_FACTOR)
    inside = loose[frame.molecules[loose[:, 0]] == frame.molecules[loose[:, 1]]]
    parts = parts_of(frame, inside)
    pairs = np.unique(np.stack([frame.molecules, parts], axis=1), axis=0)
    names, counts = np.unique(pairs[:, 0], return_counts=True)
    for molecule in names[counts > 1]:
        atoms = np.flatnonzero(frame.molecules == molecule)
        groups = [atoms[parts[atoms] == part] for part in np.unique(parts[atoms])]
        named = " + ".join(_formula(frame, group) for group in groups)
        return f"molecule {molecule} is now {named}"
    return None


def _formula(frame: Frame, atoms: NDArray[np.int64]) -> str:
    counts = Counter(frame.symbols[int(i)] for i in atoms)
    return "".join(f"{name}{count if count > 1 else ''}" for name, count in sorted(counts.items()))


def odd_ones(frames: Sequence[Frame]) -> dict[int, str]:
    """Return {index: what differs} for frames whose bonds are not those of the others.

    Frames with molecule ids are judged by them; those without are held, by `BondWatch` and in
    groups of the same atoms in the same order, against one that has the molecules that most of
    the group have. A group without a clear majority, such as a solid, says nothing.
    """
    found: dict[int, str] = {}
    groups: dict[bytes, list[int]] = {}
    for index, frame in enumerate(frames):
        if frame.molecules is None:
            groups.setdefault(frame.numbers.tobytes(), []).append(index)
        elif not (outcome := check_molecules(frame)).done:
            found[index] = outcome.reason
    for members in groups.values():
        if len(members) >= FEWEST and len(frames[members[0]]) > 1:
            found.update(_odd_in_group(frames, members))
    return dict(sorted(found.items()))


def _odd_in_group(frames: Sequence[Frame], members: list[int]) -> dict[int, str]:
    kinds = [tuple(census(frames[index]).items()) for index in members]
    usual, count = Counter(kinds).most_common(1)[0]
    typical = frames[members[kinds.index(usual)]]
    if count < MAJORITY * len(members) or not len(bond_graph(typical)):
        return {}
    watch = BondWatch(typical)
    odd = {}
    for index in members:
        changes = watch.changes(frames[index])
        if changes:
            odd[index] = f"the bonds differ from those of the other frames: {changes[0]}"
    return odd if len(odd) <= (1 - MAJORITY) * len(members) else {}
