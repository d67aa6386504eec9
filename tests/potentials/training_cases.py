"""A potential that is known, frames and their labels, for the tests of training."""

from __future__ import annotations

import numpy as np

from elyte.core import Dataset, Frame, LabelledFrame, Labels
from elyte.potentials.mtp import MTP
from elyte.potentials.mtp.loss import Prior

SPECIES = (1, 8)


def frame_of(random: np.random.Generator, n: int = 8) -> Frame:
    cell = random.uniform(3.6, 4.4) * np.eye(3) + random.normal(scale=0.1, size=(3, 3))
    corners = np.stack(np.meshgrid(*[range(2)] * 3), -1).reshape(-1, 3)[:n] / 2
    positions = corners @ cell + random.normal(scale=0.12, size=(n, 3))
    return Frame(
        random.permutation([1, 1, 1, 1, 8, 8, 8, 8])[:n], positions, cell, np.ones(3, bool)
    )


def frames_of(count: int, seed: int = 0) -> list[Frame]:
    random = np.random.default_rng(seed)
    return [frame_of(random, 8 if k % 3 else 6) for k in range(count)]


def initial(level: int = 6, seed: int = 0) -> MTP:
    return MTP.initial(level, SPECIES, 3.5, 1.2, 4, seed)


def truth(level: int = 6) -> MTP:
    start = initial(level, 99)
    random = np.random.default_rng(5)
    theta = start.parameters
    theta[:2] = [-3.0, -11.0]
    theta[2 : 2 + len(start.moment_coefficients)] = random.normal(
        scale=0.3, size=len(start.moment_coefficients)
    )
    return start.with_parameters(theta)


def labelled(potential: MTP, frames: list[Frame], config_type: str = "") -> Dataset:
    items = []
    for frame, found in zip(frames, potential.evaluate(frames), strict=True):
        labels = Labels(found.energy, found.forces, found.stress)
        items.append(LabelledFrame(frame, labels, config_type))
    return Dataset(items)


def prior_of(potential: MTP) -> Prior:
    random = np.random.default_rng(8)
    size = potential.n_parameters
    return Prior(random.normal(size=size), random.uniform(0, 0.1, size))
