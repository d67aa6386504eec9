"""Dynamics with a potential: the energy is conserved, and time can be turned round."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms, units
from ase.md.verlet import VelocityVerlet
from numpy.typing import NDArray

from elyte.core import Frame
from elyte.potentials.protocol import Potential
from elyte.testing.report import Check, Tolerances, Worst

_STEPS = 40
_TEMPERATURE = 300.0  # K
_LARGEST_MOVE = 0.01  # Å that the largest force moves an atom in a step: limits the time step


def check_energy_conservation(
    potential: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """NVE by velocity Verlet: halving the time step leaves a quarter of the energy's error.

    An error that does not fall so is no error of the integrator: forces that are not the
    derivative of the energy, or a step in either.
    """
    worst = Worst()
    for index, frame in enumerate(frames):
        atoms = _moving(potential, frame, index)
        step = _time_step(atoms)
        coarse, scale = _energy_error(atoms.copy(), potential, step, _STEPS)
        fine, _ = _energy_error(atoms.copy(), potential, step / 2, 2 * _STEPS)
        rounding = 1e-3 * tolerances.exact * scale
        worst.add_value(fine / max(coarse, rounding), f"frame {index}, {step / units.fs:.2g} fs")
    return worst.check("conserved energy", tolerances.conservation)


def check_reversibility(
    potential: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """A run whose velocities are turned round half way comes back to where it began."""
    worst = Worst()
    for index, frame in enumerate(frames):
        atoms = _moving(potential, frame, index)
        start = atoms.get_positions()
        dynamics = VelocityVerlet(atoms, timestep=_time_step(atoms))
        dynamics.run(_STEPS)
        atoms.set_velocities(-atoms.get_velocities())
        dynamics.run(_STEPS)
        away = np.abs(atoms.get_positions() - start).max()
        worst.add_value(float(away), f"frame {index}")
    return worst.check("reversible dynamics", tolerances.reversal)


def _moving(potential: Potential, frame: Frame, seed: int) -> Atoms:
    atoms = frame.to_ase()
    random = np.random.default_rng(seed)
    speeds = np.sqrt(units.kB * _TEMPERATURE / atoms.get_masses())
    atoms.set_velocities(speeds[:, None] * random.normal(size=(len(atoms), 3)))
    atoms.calc = potential.calculator()
    return atoms


def _time_step(atoms: Atoms) -> float:
    """Return 0.5 fs, or less where forces are so large that the step would be unstable."""
    accelerations: NDArray[np.float64] = atoms.get_forces() / atoms.get_masses()[:, None]
    largest = float(np.linalg.norm(accelerations, axis=1).max())
    if largest == 0.0:
        return 0.5 * units.fs
    return min(0.5 * units.fs, float(np.sqrt(_LARGEST_MOVE / largest)))


def _energy_error(
    atoms: Atoms, potential: Potential, step: float, steps: int
) -> tuple[float, float]:
    """Return the largest change of the total energy, and the largest kinetic energy, eV."""
    atoms.calc = potential.calculator()
    dynamics = VelocityVerlet(atoms, timestep=step)
    totals, kinetic = [], []
    for _ in dynamics.irun(steps):
        totals.append(atoms.get_total_energy())
        kinetic.append(atoms.get_kinetic_energy())
    return float(np.abs(np.array(totals) - totals[0]).max()), max(1.0, max(kinetic))
