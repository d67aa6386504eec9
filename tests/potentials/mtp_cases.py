"""Random potentials and structures for the tests of the moment tensor potential."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from elyte.core.frame import Frame
from elyte.potentials.ase_calculator import PotentialCalculator
from elyte.potentials.mtp import MTP, reference
from elyte.potentials.protocol import Evaluation

SPECIES = (1, 6, 8)


@dataclass(frozen=True)
class Readable:
    """The NumPy reference of a potential as a potential of its own."""

    mtp: MTP

    @property
    def species(self) -> tuple[int, ...]:
        return self.mtp.species

    @property
    def cutoff(self) -> float:
        return self.mtp.cutoff

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluation]:
        return [reference.evaluate(self.mtp, frame) for frame in frames]

    def atom_gradients(self, frame: Frame) -> np.ndarray:
        return reference.atom_gradients(self.mtp, frame)

    def with_parameters(self, theta: np.ndarray) -> Readable:
        return Readable(self.mtp.with_parameters(theta))

    @property
    def parameters(self) -> np.ndarray:
        return self.mtp.parameters

    @property
    def n_parameters(self) -> int:
        return self.mtp.n_parameters

    def calculator(self) -> PotentialCalculator:
        return PotentialCalculator(self)


def potential(level: int = 8, cutoff: float = 3.5, seed: int = 0, radial_size: int = 6) -> MTP:
    """Return a potential whose every coefficient matters."""
    start = MTP.initial(level, SPECIES, cutoff, min_distance=0.7, radial_size=radial_size)
    random = np.random.default_rng(seed)
    theta = np.concatenate(
        [
            random.uniform(-1, 1, 3),
            random.uniform(-1, 1, len(start.moment_coefficients)),
            random.uniform(-1, 1, start.radial.size),
        ]
    )
    return start.with_parameters(theta)


def unusual() -> MTP:
    """Return a potential as a file may have it: moments that the generator would not make, in an
    order of their own, and scalars more than once. It takes a kernel for level 16."""
    tables = potential(8).tables
    basic = np.vstack([tables.basic, [[1, 0, 0, 3], [0, 0, 1, 4]]])
    products = [[11, 11, 2, 13], [12, 1, 1, 14], [14, 0, 3, 14 + 1], [13, 15, 1, 16]]
    return MTP(
        SPECIES,
        0.5,
        3.0,
        type(tables)(basic, products, [16, 0, 15, 13, 16], 17),
        np.random.default_rng(0).uniform(-1, 1, (3, 3, 2, 4)),
        np.zeros(3),
        np.arange(1.0, 6.0),
        0.3,
    )


def structure(
    seed: int,
    n: int,
    density: float = 0.08,
    pbc: tuple[bool, bool, bool] = (True, True, True),
    distortion: float = 0.3,
) -> Frame:
    """Return a random structure in a triclinic cell, its atoms not nearer than 0.8 Å if it can."""
    random = np.random.default_rng(seed)
    cell = (n / density) ** (1 / 3) * (np.eye(3) + random.uniform(-distortion, distortion, (3, 3)))
    positions: list[np.ndarray] = []
    while len(positions) < n:
        place = random.uniform(0, 1, 3) @ cell
        if all(np.linalg.norm(place - other) > 0.8 for other in positions):
            positions.append(place)
    return Frame(random.choice(SPECIES, n), np.array(positions), cell, pbc)
