"""Structures that are the same, or practically so, wherever they lie and however turned.

Each frame becomes a fingerprint that does not change with translation, rotation, reflection,
lattice shifts or the order of equal atoms: for each element the sorted densities of neighbours

    ρ_i = Σ_j √(1 + z_j) exp(−(r_ij/w)²) (1 − (r_ij/5 Å)²)³,  w = 1 and 2 Å.

Sorted numbers move by at most as much as the unsorted ones do, so near structures have near
fingerprints. How far that is in Å is told by the change under small random displacements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elyte.core.frame import Frame
from elyte.core.neighbours import neighbours

CLOSE = 1e-3
"""Å; frames that differ by a smaller displacement (r.m.s. over atoms) are near-duplicates."""
_CUTOFF, _WIDTHS, _PROBE = 5.0, (1.0, 2.0), 0.01
_WINDOW = 64  # frames looked at, on either side, in the order of their first moment


@dataclass(frozen=True)
class Twins:
    """Two frames and how far apart they are.

    Args:
        first, second: indices, first < second.
        distance: estimated root mean square displacement of the atoms, Å.
    """

    first: int
    second: int
    distance: float


def fingerprint(frame: Frame) -> NDArray[np.float64]:
    """Return the sorted densities around the atoms of each element, (2 n,)."""
    pairs = neighbours(frame, _CUTOFF)
    distances = pairs.distance
    fade = np.sqrt(1.0 + frame.numbers[pairs.second]) * (1.0 - (distances / _CUTOFF) ** 2) ** 3
    parts = []
    for width in _WIDTHS:
        weights = np.exp(-((distances / width) ** 2)) * fade
        density = np.bincount(pairs.first, weights, minlength=len(frame))
        parts.append(density[np.lexsort((density, frame.numbers))])
    return np.concatenate(parts)


def near_duplicates(frames: Sequence[Frame], closest: float = CLOSE) -> list[Twins]:
    """Return the pairs of frames of one composition that are practically the same structure.

    Args:
        frames: any number, also of different compositions.
        closest: Å, root mean square displacement of the atoms.
    """
    groups: dict[tuple[tuple[int, ...], bool], list[int]] = {}
    for index, frame in enumerate(frames):
        key = (tuple(np.sort(frame.numbers).tolist()), bool(frame.pbc.any()))
        if len(frame) > 1:
            groups.setdefault(key, []).append(index)
    found = [t for group in groups.values() if len(group) > 1 for t in _of_group(frames, group)]
    close = [twins for twins in found if twins.distance < closest]
    return sorted(close, key=lambda twins: (twins.first, twins.second))


def _of_group(frames: Sequence[Frame], group: list[int]) -> list[Twins]:
    prints = np.array([fingerprint(frames[index]) for index in group])
    moments = (prints**2).sum(axis=1)
    order = np.argsort(moments, kind="stable")
    scale = np.median([_sensitivity(frames[group[k]], prints[k]) for k in _spread(len(group))])
    found = []
    for place, k in enumerate(order):
        others = order[place + 1 : place + 1 + _WINDOW]
        distances = np.linalg.norm(prints[others] - prints[k], axis=1) / max(float(scale), 1e-12)
        for other, distance in zip(others, distances, strict=True):
            one, two = sorted((group[k], group[other]))
            found.append(Twins(one, two, float(distance)))
    return found


def _spread(count: int) -> list[int]:
    return sorted(set(np.linspace(0, count - 1, 5).astype(int).tolist()))


def _sensitivity(frame: Frame, own: NDArray[np.float64]) -> float:
    """Return the change of the fingerprint for each Å of random displacement."""
    shift = np.random.default_rng(0).normal(0.0, 1.0, frame.positions.shape)
    shift *= _PROBE / np.sqrt((shift**2).sum() / len(frame))
    moved = fingerprint(frame.moved(frame.positions + shift))
    return float(np.linalg.norm(moved - own)) / _PROBE
