"""The force field as an OpenMM System."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import MissingDependency
from elyte.reference.classical.topology import KJ_PER_MOL, Topology

NM = 0.1
"""Å in nm."""
_LJ = "4*epsilon*((sigma/r)^12-(sigma/r)^6)"
_SWITCH = 0.9  # of the cutoff: from there on the Lennard-Jones energy goes smoothly to zero


def library() -> Any:
    """Return OpenMM.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        import openmm
    except ImportError as error:
        raise MissingDependency(
            f"the classical force field needs OpenMM ({error}): pip install 'elyte[classical]'"
        ) from error
    return openmm


def make_system(
    topology: Topology,
    masses: NDArray[np.float64],
    cell: NDArray[np.float64] | None,
    cutoff: float,
    tail: bool,
    rigid_hydrogens: bool = False,
    ewald_tolerance: float = 1e-5,
) -> Any:
    """Return an `openmm.System`.

    Args:
        topology: terms; charges as they are to be used.
        masses: u, (n,).
        cell: lower triangular and reduced, Å, (3, 3), or None without a box: all pairs then
            interact, with no cutoff.
        cutoff: of the Lennard-Jones interactions and of the real-space sum of Ewald, Å.
        tail: add the mean interaction beyond the cutoff (it belongs to a density, not to the
            label of a local potential).
        rigid_hydrogens: keep bonds to hydrogen at their length.
        ewald_tolerance: relative error of the forces of Ewald's sum.
    """
    mm = library()
    system = mm.System()
    for mass in masses:
        system.addParticle(float(mass))
    if cell is not None:
        system.setDefaultPeriodicBoxVectors(*(NM * row for row in np.asarray(cell)))
    rigid = _to_hydrogen(topology, masses) if rigid_hydrogens else np.zeros(0, dtype=bool)
    for force in (
        _bonds(mm, topology, system, rigid),
        _angles(mm, topology),
        _dihedrals(mm, topology),
        _charges(mm, topology, cell is not None, cutoff, ewald_tolerance),
        _pairs(mm, topology, cell is not None, cutoff, tail),
        _neighbours(mm, topology),
    ):
        system.addForce(force)
    return system


def _to_hydrogen(topology: Topology, masses: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((masses[topology.bonds] < 1.5).any(axis=1))


def _bonds(mm: Any, topology: Topology, system: Any, rigid: NDArray[np.bool_]) -> Any:
    force = mm.HarmonicBondForce()
    for index, ((i, j), (length, k)) in enumerate(
        zip(topology.bonds.tolist(), topology.bond_values, strict=True)
    ):
        if len(rigid) and rigid[index]:
            system.addConstraint(i, j, NM * length)
        else:
            force.addBond(i, j, NM * length, k / KJ_PER_MOL / NM**2)
    return force


def _angles(mm: Any, topology: Topology) -> Any:
    force = mm.HarmonicAngleForce()
    for atoms, (angle, k) in zip(topology.angles.tolist(), topology.angle_values, strict=True):
        force.addAngle(*atoms, angle, k / KJ_PER_MOL)
    return force


def _dihedrals(mm: Any, topology: Topology) -> Any:
    force = mm.PeriodicTorsionForce()
    for atoms, (order, phase, k) in zip(
        topology.dihedrals.tolist(), topology.dihedral_values, strict=True
    ):
        force.addTorsion(*atoms, round(order), phase, k / KJ_PER_MOL)
    return force


def _charges(mm: Any, topology: Topology, periodic: bool, cutoff: float, tolerance: float) -> Any:
    force = mm.NonbondedForce()
    for charge in topology.charges:
        force.addParticle(float(charge), 1.0, 0.0)
    for i, j in topology.excluded.tolist():
        force.addException(i, j, 0.0, 1.0, 0.0)
    q = topology.charges
    for (i, j), (scale, _) in zip(topology.near.tolist(), topology.near_values, strict=True):
        force.addException(i, j, scale * q[i] * q[j], 1.0, 0.0)
    if periodic:
        force.setNonbondedMethod(mm.NonbondedForce.PME)
        force.setCutoffDistance(NM * cutoff)
        force.setEwaldErrorTolerance(tolerance)
        force.setUseDispersionCorrection(False)
    else:
        force.setNonbondedMethod(mm.NonbondedForce.NoCutoff)
    return force


def _pairs(mm: Any, topology: Topology, periodic: bool, cutoff: float, tail: bool) -> Any:
    force = _mixed(mm, topology) if topology.arithmetic.any() else _geometric(mm, topology)
    for i, j in np.concatenate([topology.excluded, topology.near]).tolist():
        force.addExclusion(i, j)
    if periodic:
        force.setNonbondedMethod(mm.CustomNonbondedForce.CutoffPeriodic)
        force.setCutoffDistance(NM * cutoff)
        force.setUseSwitchingFunction(True)
        force.setSwitchingDistance(NM * _SWITCH * cutoff)
        force.setUseLongRangeCorrection(tail)
    return force


def _geometric(mm: Any, topology: Topology) -> Any:
    """Lennard-Jones with geometric means: 2√ε σ⁶ and 2√ε σ³ multiply to the pair's factors."""
    force = mm.CustomNonbondedForce("a1*a2/r^12-b1*b2/r^6")
    force.addPerParticleParameter("a")
    force.addPerParticleParameter("b")
    root = 2.0 * np.sqrt(topology.epsilon / KJ_PER_MOL)
    sigma = NM * topology.sigma
    for a, b in zip(root * sigma**6, root * sigma**3, strict=True):
        force.addParticle([float(a), float(b)])
    return force


def _mixed(mm: Any, topology: Topology) -> Any:
    """Lennard-Jones in which each pair takes the mean that `Topology.pair` says."""
    force = mm.CustomNonbondedForce(
        "root1*root2*x*(x-1); x=(sigma/r)^6;"
        "sigma=select(mean1+mean2, 0.5*(size1+size2), sqrt(size1*size2))"
    )
    for name in ("root", "size", "mean"):
        force.addPerParticleParameter(name)
    root = 2.0 * np.sqrt(topology.epsilon / KJ_PER_MOL)
    for row in zip(root, NM * topology.sigma, topology.arithmetic, strict=True):
        force.addParticle([float(value) for value in row])
    return force


def _neighbours(mm: Any, topology: Topology) -> Any:
    """Their part of the Lennard-Jones energy of atoms three bonds apart."""
    force = mm.CustomBondForce(_LJ)
    force.addPerBondParameter("sigma")
    force.addPerBondParameter("epsilon")
    for (i, j), (_, scale) in zip(topology.near.tolist(), topology.near_values, strict=True):
        sigma, epsilon = topology.pair(i, j)
        if epsilon > 0:
            force.addBond(i, j, [NM * sigma, float(scale * epsilon / KJ_PER_MOL)])
    return force
