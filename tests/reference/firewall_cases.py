"""Good labels, and sets of them, that the firewall's tests spoil."""

from __future__ import annotations

import numpy as np

from elyte.core import Dataset, Frame, LabelledFrame, Labels
from elyte.reference.audit import audit

N = 6
ATOMS = {1: -13.0, 8: -430.0}


def good(seed=0, energy=None):
    rng = np.random.default_rng(seed)
    frame = Frame([8, 1, 1] * 2, rng.uniform(0, 6, (N, 3)), 6 * np.eye(3), True)
    forces = rng.normal(size=(N, 3))
    forces -= forces.mean(axis=0)
    stress = rng.normal(size=(3, 3)) * 0.01
    energy = 2 * ATOMS[8] + 4 * ATOMS[1] - 20.0 if energy is None else energy
    return frame, Labels(energy + 0.01 * rng.normal(), forces, stress + stress.T)


def changed(labels, **fields):
    values = {name: getattr(labels, name) for name in ("energy", "forces", "stress", "level")}
    return Labels(**{**values, **fields})


def data_set(count=20):
    return [LabelledFrame(*good(seed)) for seed in range(count)]


def kinds(items):
    return {finding.kind: finding.frames for finding in audit(Dataset(items))}
