"""A repulsive core under the potential, so that a run cannot fall into a hole between atoms.

Below the distances it was trained on, a potential may be anything. The core is no parameter: it
is zero where there is training data, and added when energies and forces are evaluated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.core.neighbours import neighbours

_SEARCH = 3.0  # Å; pairs that never come nearer get the core of unseen ones


@dataclass(frozen=True, eq=False)
class RepulsiveCore:
    """φ(r) = A (r_core/r − 1)³ for each pair nearer than r_core; smooth to its second derivative.

    Args:
        distances: r_core of each pair of types, Å, (s, s), symmetric; 0 for none.
        strength: A, eV.

    Raises:
        InputError: distances that are not symmetric, negative or not finite values.
    """

    distances: NDArray[np.float64]
    strength: float = 500.0

    def __post_init__(self) -> None:
        distances = np.array(self.distances, dtype=np.float64, order="C")
        if distances.ndim != 2 or not np.array_equal(distances, distances.T):
            raise InputError("the distances of a repulsive core are a symmetric table")
        if not (np.isfinite(distances).all() and np.isfinite(self.strength)):
            raise InputError("a repulsive core has values that are not finite")
        if (distances < 0).any() or self.strength < 0:
            raise InputError("a repulsive core has no negative distances or strength")
        distances.setflags(write=False)
        object.__setattr__(self, "distances", distances)

    @classmethod
    def below(
        cls,
        frames: Iterable[Frame],
        species: Sequence[int],
        factor: float = 0.95,
        unseen: float = 1.5,
        strength: float = 500.0,
    ) -> RepulsiveCore:
        """Return a core that begins below the shortest distances in the frames.

        Args:
            frames: the training set.
            species: atomic numbers, in the order of the potential's types.
            factor: r_core as a part of the shortest distance of the pair.
            unseen: r_core of pairs that never come near each other, Å.
            strength: eV.
        """
        shortest = np.full((len(species), len(species)), np.inf)
        for frame in frames:
            pairs = neighbours(frame, _SEARCH)
            types = np.array([species.index(z) for z in frame.numbers], dtype=np.int64)
            np.minimum.at(shortest, (types[pairs.first], types[pairs.second]), pairs.distance)
        return cls(np.where(np.isfinite(shortest), factor * shortest, unseen), strength)

    def energy_and_slope(
        self, zi: NDArray[np.int64], zj: NDArray[np.int64], r: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return φ(r), eV, and φ'(r), eV/Å, of pairs of types, (m,) each."""
        begin = self.distances[zi, zj]
        excess = np.maximum(begin / r - 1, 0.0)
        return self.strength * excess**3, -3 * self.strength * excess**2 * begin / r**2
