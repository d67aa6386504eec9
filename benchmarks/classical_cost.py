"""What a classical force field with particle-mesh electrostatics costs (OpenMM, CPU).

OPLS-like: bonds, angles, torsions of three Fourier terms, Lennard-Jones and charges of the size
that OPLS gives EC and EMC, half of both between third neighbours, PME, cutoff 10 Å. Bonds come
from the distances, rest lengths and angles from the structure: it is the cost that is asked for.
"""

from __future__ import annotations

import time
from itertools import combinations
from typing import Any

import numpy as np

from elyte.chemistry.bonds import bond_graph, molecule_ids
from elyte.core.frame import Frame

SIGMA = {1: 0.242, 6: 0.350, 8: 0.296}  # nm
EPSILON = {1: 0.1255, 6: 0.2761, 8: 0.7113}  # kJ/mol
CHARGE = {1: 0.08, 8: -0.40}  # carbon makes each molecule neutral
BOND, ANGLE, TORSION = 2.6e5, 420.0, 1.2  # kJ/mol per nm², rad², and half amplitude


def charges(frame: Frame, molecules: np.ndarray) -> np.ndarray:
    """Return charges that make every molecule neutral, e."""
    given = np.array([CHARGE.get(int(z), 0.0) for z in frame.numbers])
    for molecule in np.unique(molecules):
        mine = molecules == molecule
        carbon = mine & (frame.numbers == 6)
        given[carbon] = -given[mine].sum() / max(carbon.sum(), 1)
    return given


def build(frame: Frame) -> tuple[Any, Any]:
    """Return OpenMM's system and the bonded structure's unwrapped positions (nm)."""
    import openmm as mm

    bonds = bond_graph(frame)
    near: list[list[int]] = [[] for _ in range(len(frame))]
    for i, j in bonds.tolist():
        near[i].append(j)
        near[j].append(i)
    cell = frame.cell / 10
    r = frame.positions / 10

    def vector(i: int, j: int) -> np.ndarray:
        d = r[j] - r[i]
        return d - np.round(d @ np.linalg.inv(cell)) @ cell

    system = mm.System()
    system.setDefaultPeriodicBoxVectors(*map(mm.Vec3, *cell.T))
    stretch, bend, twist = (
        mm.HarmonicBondForce(), mm.HarmonicAngleForce(), mm.PeriodicTorsionForce(),
    )  # fmt: skip
    nonbonded = mm.NonbondedForce()
    nonbonded.setNonbondedMethod(mm.NonbondedForce.PME)
    nonbonded.setCutoffDistance(1.0)
    for mass, z, q in zip(
        frame.masses, frame.numbers, charges(frame, molecule_ids(frame, bonds)), strict=True
    ):
        system.addParticle(float(mass))
        nonbonded.addParticle(float(q), SIGMA[int(z)], EPSILON[int(z)])
    for i, j in bonds.tolist():
        stretch.addBond(i, j, float(np.linalg.norm(vector(i, j))), BOND)
        for a, b in ((a, b) for a in near[i] if a != j for b in near[j] if b not in (i, a)):
            for period in (1, 2, 3):
                twist.addTorsion(a, i, j, b, period, 0.0, TORSION)
    for j, others in enumerate(near):
        for i, k in combinations(others, 2):
            a, b = vector(j, i), vector(j, k)
            cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
            bend.addAngle(i, j, k, float(np.arccos(np.clip(cosine, -1, 1))), ANGLE)
    nonbonded.createExceptionsFromBonds(bonds.tolist(), 0.5, 0.5)
    for force in (stretch, bend, twist, nonbonded):
        if hasattr(force, "setUsesPeriodicBoundaryConditions"):
            force.setUsesPeriodicBoundaryConditions(True)
        system.addForce(force)
    return system, r


def measure(frame: Frame, seconds: float = 3.0) -> dict[str, Any]:
    """Return the row of OpenMM: the least processor time of ten steps of 0.5 fs."""
    import openmm as mm

    system, positions = build(frame)
    context = mm.Context(
        system,
        mm.VerletIntegrator(0.0005),
        mm.Platform.getPlatformByName("CPU"),
        {"Threads": "1"},
    )
    context.setPositions(positions)
    mm.LocalEnergyMinimizer.minimize(context, 10.0, 200)
    context.setVelocitiesToTemperature(300, 1)
    context.getIntegrator().step(200)
    times: list[float] = []
    while len(times) < 10 or sum(times) < seconds:
        start = time.process_time()
        context.getIntegrator().step(10)
        times.append((time.process_time() - start) / 10)
    energy = context.getState(getEnergy=True).getPotentialEnergy()
    assert np.isfinite(energy._value)
    return {
        "code": "OpenMM, OPLS + PME",
        "level": 0,
        "threads": 1,
        "atoms": len(frame),
        "us_per_atom": 1e6 * min(times) / len(frame),
    }
