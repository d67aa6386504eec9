"""Radial distributions and coordination numbers of particles that do not know each other."""

from __future__ import annotations

from functools import partial

import numpy as np

from coverage_cases import Case
from elyte.analysis.intervals import ONE_SIGMA, t_factor, with_intervals
from elyte.analysis.speciation.shells import contacts, coordination_number
from elyte.analysis.structure.rdf import BLOCKS, Rdf, radial_distribution
from elyte.core.quantity import Quantity
from elyte.testing import synthetic

LENGTH, SHELL = 20.0, 4.0
CELL = LENGTH * np.eye(3)


def within_shell(frames: int, ions: int, slope: float, rng: np.random.Generator) -> Quantity:
    """Number of walkers within 4 Å of an ion: both diffuse, frames are correlated."""
    start = rng.random((2, 1, ions, 3)) * LENGTH
    a, b = (s + synthetic.brownian(rng, frames, ions, slope) for s in start)
    found = contacts(a, b, np.arange(ions), CELL, SHELL)
    return coordination_number([found.counts]).quantity("coordination number", "1", "")


def _distribution(frames: int, runs: int, slope: float, rng: np.random.Generator) -> Rdf:
    start = rng.random((2, runs, 1, 15, 3)) * LENGTH
    a, b = ([s + synthetic.brownian(rng, frames, 15, slope) for s in of] for of in start)
    return radial_distribution(a, b, [np.broadcast_to(CELL, (frames, 3, 3))] * runs, 8.0, 8)


def g_at_4(frames: int, runs: int, slope: float, rng: np.random.Generator) -> Quantity:
    """g(r) of an ideal gas in the bin from 3 to 4 Å, with the error that its curve shows."""
    rdf = _distribution(frames, runs, slope, rng)
    return _banded("g(r)", float(rdf.g[3]), rdf.g_error, 3)


def running(frames: int, runs: int, slope: float, rng: np.random.Generator) -> Quantity:
    """Running coordination number of an ideal gas at 4 Å, with the error that its curve shows."""
    rdf = _distribution(frames, runs, slope, rng)
    return _banded("coordination", float(rdf.coordination[3]), rdf.coordination_error, 3)


def _banded(name: str, value: float, errors: np.ndarray | None, k: int) -> Quantity:
    assert errors is not None
    bounds = [float(errors[k]) * t_factor(p, BLOCKS - 1) for p in (ONE_SIGMA, 0.95)]
    return with_intervals(
        name, value, *((value - half, value + half) for half in bounds), "1"
    )  # fmt: skip


NUMBER = 4 / 3 * np.pi * SHELL**3 / LENGTH**3

CASES = [
    Case("coordination number, 30 ions × 200", partial(within_shell, 200, 30, 1.0), 30 * NUMBER),
    Case("coordination number, 8 ions × 50, slow", partial(within_shell, 50, 8, 0.2), 8 * NUMBER),
    Case("g(r) of an ideal gas, 500 frames", partial(g_at_4, 500, 1, 4.0), 1.0),
    Case("g(r) of an ideal gas, 4 runs of 100", partial(g_at_4, 100, 4, 1.0), 1.0),
    Case("g(r) of a slow ideal gas, 100 frames", partial(g_at_4, 100, 1, 0.3), 1.0),
    Case("N(r) of an ideal gas, 500 frames", partial(running, 500, 1, 4.0), 15 * NUMBER),
    Case("N(r) of a slow ideal gas, 100 frames", partial(running, 100, 1, 0.3), 15 * NUMBER),
]
