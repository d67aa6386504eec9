"""Radial distributions and coordination numbers of particles that do not know each other."""

from __future__ import annotations

from functools import partial

import numpy as np

from coverage_cases import Case, band, point
from elyte.analysis.speciation.shells import contacts, coordination_number
from elyte.analysis.structure.combined import angle_curve, combined_distribution
from elyte.analysis.structure.rdf import Rdf, radial_distribution, rdf_curves
from elyte.analysis.structure.spatial import spatial_distribution
from elyte.analysis.structure.static_factor import structure_factor
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
    return point(rdf_curves(_distribution(frames, runs, slope, rng), "a–b")[0], 3)


def running(frames: int, runs: int, slope: float, rng: np.random.Generator) -> Quantity:
    """Running coordination number of an ideal gas at 4 Å, with the error that its curve shows."""
    return point(rdf_curves(_distribution(frames, runs, slope, rng), "a–b")[1], 3)


def scattered(frames: int, slope: float, rng: np.random.Generator) -> Quantity:
    """S(q) of an ideal gas around 1/Å."""
    walk = rng.random((1, 60, 3)) * LENGTH + synthetic.brownian(rng, frames, 60, slope)
    return point(structure_factor(walk, CELL, 1.2, 0.3), 2)


def _directions(rng: np.random.Generator, frames: int, molecules: int) -> np.ndarray:
    return synthetic.rotor(rng, frames, molecules, 1.0)


def angular(what: str, frames: int, slope: float, rng: np.random.Generator) -> Quantity:
    """g(r, φ) of an ideal gas around axes that turn, from 4.8 to 6.4 Å and 60 to 90°.

    Or its cut g(φ) up to 6.4 Å, or the correlation of r and φ.
    """
    start = rng.random((2, 1, 20, 3)) * LENGTH
    a, b = (s + synthetic.brownian(rng, frames, 20, slope) for s in start)
    found = combined_distribution(a, _directions(rng, frames, 20), b, CELL, 8.0, (5, 6))
    assert found.g_error is not None
    if what == "cut":
        return point(angle_curve(found, 0.0, 6.4), 2)
    if what == "correlation":
        assert found.correlation_error is not None
        return band(float(found.correlation[3, 2]), float(found.correlation_error[3, 2]))
    return band(float(found.g[3, 2]), float(found.g_error[3, 2]))


def in_space(frames: int, slope: float, rng: np.random.Generator) -> Quantity:
    """The density of an ideal gas at one place beside molecules of three atoms that turn."""
    start = rng.random((2, 1, 20, 3)) * LENGTH
    centre, targets = (s + synthetic.brownian(rng, frames, 20, slope) for s in start)
    x, y = _directions(rng, frames, 20), _directions(rng, frames, 20)
    atoms = np.stack([centre, centre + x, centre + y], axis=2).reshape(frames, 60, 3)
    rows, numbers = np.arange(60).reshape(20, 3), np.ones(80, dtype=np.int64)
    together = np.concatenate([atoms, targets], axis=1)
    found = spatial_distribution(
        together, numbers, rows, np.arange(60, 80), CELL, extent=5.0, bins=5
    )
    assert found.g_error is not None
    return band(float(found.g[1, 2, 3]), float(found.g_error[1, 2, 3]))


NUMBER = 4 / 3 * np.pi * SHELL**3 / LENGTH**3

CASES = [
    Case("coordination number, 30 ions × 200", partial(within_shell, 200, 30, 1.0), 30 * NUMBER),
    Case("coordination number, 8 ions × 50, slow", partial(within_shell, 50, 8, 0.2), 8 * NUMBER),
    Case("g(r) of an ideal gas, 500 frames", partial(g_at_4, 500, 1, 4.0), 1.0),
    Case("g(r) of an ideal gas, 4 runs of 100", partial(g_at_4, 100, 4, 1.0), 1.0),
    Case("g(r) of a slow ideal gas, 100 frames", partial(g_at_4, 100, 1, 0.3), 1.0),
    Case("N(r) of an ideal gas, 500 frames", partial(running, 500, 1, 4.0), 15 * NUMBER),
    Case("N(r) of a slow ideal gas, 100 frames", partial(running, 100, 1, 0.3), 15 * NUMBER),
    Case("S(q) of an ideal gas, 12 frames far apart", partial(scattered, 12, 20.0), 1.0),
    Case("S(q) of an ideal gas, 100 frames", partial(scattered, 100, 0.5), 1.0),
    Case("g(r, φ) of an ideal gas, 100 frames", partial(angular, "g", 100, 20.0), 1.0),
    Case("g(r, φ) of a slow ideal gas, 100 frames", partial(angular, "g", 100, 0.3), 1.0),
    Case("g(φ) of a slow ideal gas, 100 frames", partial(angular, "cut", 100, 0.3), 1.0),
    Case("correlation of r and φ, 100 frames", partial(angular, "correlation", 100, 20.0), 0.0),
    Case(
        "correlation of r and φ, slow, 100 frames", partial(angular, "correlation", 100, 0.3), 0.0
    ),
    Case("density in space of an ideal gas, 60 frames", partial(in_space, 60, 20.0), 1.0),
    Case("density in space of a slow ideal gas, 60 frames", partial(in_space, 60, 0.5), 1.0),
]
