"""Walks of particles through boxes whose size fluctuates.

Adding lattice vectors to wrapped positions makes displacements grow with the fluctuations of the
box once a particle is far from home. The toroidal-view-preserving scheme (TOR) adds the
displacements of the image that stays in the box instead, which are right at any box,
doi:10.1063/5.0008316, 10.1021/acs.jctc.3c00308. Such positions are no longer those of the atoms
in the box of their frame, so that they serve dynamics only, never distances between particles;
and a molecule is moved as a whole, since its atoms would drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.core.errors import InputError

Array = NDArray[np.float64]

_FAR, _MANY = 0.4, 0.05
TOO_FAR = (
    "many particles moved by about half the box between two frames, so positions cannot be "
    "unwrapped; write frames more often, or unwrapped positions"
)


def unwrap(positions: ArrayLike, cells: ArrayLike) -> Array:
    """Return unwrapped positions: r(t+1) = r(t) + minimum image of [w(t+1) − w(t)].

    Args:
        positions: Å, (T, n, 3), wrapped or not; particles move less than half a box between
            frames.
        cells: Å, (T, 3, 3) or (3, 3).

    Raises:
        InputError: particles that moved so far between two frames that the image is a guess.
    """
    given = np.asarray(positions, dtype=float)
    walk = Walk()
    result = walk.go_on(given, np.broadcast_to(np.asarray(cells, float), (len(given), 3, 3)))
    if walk.lost:
        raise InputError(f"frame {walk.lost}: {TOO_FAR}")
    return result


class Walk:
    """TOR unwrapping of particles block by block.

    Args:
        continuous: positions go on from frame to frame without jumps, as unwrapped by whole
            lattice vectors; then moves of any length are right.
    """

    def __init__(self, continuous: bool = False) -> None:
        self._continuous = continuous
        self._last: tuple[Array, Array, Array] | None = None  # given, cell, walked
        self._seen = 0
        self.lost = 0
        """First frame at which many particles had moved so far that the image is a guess."""

    def go_on(self, positions: Array, cells: Array) -> Array:
        """Return the walk of the next frames.

        Args:
            positions: Å, (t, n, 3).
            cells: Å, (t, 3, 3).
        """
        if not len(positions):
            return np.asarray(positions)
        place, box = positions, np.asarray(cells)
        if not self._continuous:
            fractional = place @ np.linalg.inv(box)
            place = (fractional - np.floor(fractional)) @ box
        if self._last is not None:
            place = np.concatenate([self._last[0][None], place])
            box = np.concatenate([self._last[1][None], box])
        moves = self._steady(place, box) if self._continuous else self._nearest(place, box)
        start = place[0] if self._last is None else self._last[2]
        if self._last is None:
            start = positions[0]
        walked = np.concatenate([start[None], start + np.cumsum(moves, axis=0)])
        self._last = place[-1], box[-1], walked[-1]
        self._seen += len(positions)
        return walked[len(walked) - len(positions) :]

    def _nearest(self, place: Array, box: Array) -> Array:
        fractional = (place[1:] - place[:-1]) @ np.linalg.inv(box[1:])
        fractional -= np.round(fractional)
        far = np.mean(np.abs(fractional) > _FAR, axis=(1, 2)) > _MANY
        if far.any() and not self.lost:
            first = 1 if self._last is None else self._seen
            self.lost = first + int(np.argmax(far))
        return np.asarray(fractional @ box[1:])

    def _steady(self, place: Array, box: Array) -> Array:
        """Displacements less those of images far from the middle, which the box carries along."""
        moves = place[1:] - place[:-1]
        grown = box[1:] - box[:-1]
        if not grown.any():
            return np.asarray(moves)
        centre = place[:-1].mean(axis=1, keepdims=True)
        images = np.round((place[:-1] - centre) @ np.linalg.inv(box[:-1]))
        return np.asarray(moves - images @ grown)

    def state(self) -> dict[str, Array]:
        """Return everything that is needed to go on, as arrays."""
        place, cell, walked = self._last or (np.zeros((0, 3)),) * 3
        return {"place": place, "cell": cell, "walked": walked, "seen": np.array(self._seen)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        place, cell, walked = (np.array(state[name]) for name in ("place", "cell", "walked"))
        self._last = (place, cell, walked) if len(place) else None
        self._seen = int(state["seen"])
