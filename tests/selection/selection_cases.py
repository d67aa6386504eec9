"""Frames and potentials for tests of selection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from elyte.core import Frame
from elyte.testing import FakePotential

SPECIES = (1, 6, 8)


def random_frame(seed: int, n: int = 12, length: float = 7.0) -> Frame:
    """Atoms at random in a periodic box."""
    random = np.random.default_rng(seed)
    return Frame(
        random.choice(SPECIES, n),
        random.uniform(0, length, (n, 3)),
        np.eye(3) * length,
        np.ones(3, bool),
    )


def random_frames(count: int, first: int = 0, **options: float) -> list[Frame]:
    """Return several random frames."""
    return [random_frame(first + i, **options) for i in range(count)]


def potential(seed: int = 0) -> FakePotential:
    """Return a fake potential of 39 parameters."""
    return FakePotential.initial(SPECIES, seed=seed)


@dataclass(frozen=True)
class Table:
    """A "potential" whose derivatives are looked up: atom i of a frame has row numbers[i] − 1."""

    rows: np.ndarray
    parameters: np.ndarray
    species: tuple[int, ...] = (1,)

    @classmethod
    def of(cls, rows: np.ndarray) -> Table:
        return cls(rows, np.ones(rows.shape[1]), tuple(range(1, len(rows) + 1)))

    def atom_gradients(self, frame: Frame) -> np.ndarray:
        return self.rows[frame.numbers - 1]

    def frame(self, *indices: int) -> Frame:
        """Return a frame of the rows with these indices."""
        positions = np.arange(3.0 * len(indices)).reshape(-1, 3)
        return Frame(np.array(indices) + 1, positions)
