"""What the properties are computed from: one run, checked, with centres of mass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elyte.analysis.system import SystemDescription
from elyte.core.errors import InputError
from elyte.core.trajectory import Trajectory

Array = NDArray[np.float64]

_TIME_TOLERANCE = 1e-3  # of a step; times are often stored in single precision


@dataclass(frozen=True, eq=False)
class Observation:
    """One run of a system.

    Args:
        positions: Å, unwrapped, molecules whole, (T, n, 3).
        centres: centres of mass of the molecules, Å, (T, M, 3).
        cells: Å, (T, 3, 3).
        timestep: fs between frames; nan where the times say nothing.
        velocities: of the centres of mass, Å/fs, (T, M, 3), or None.
        problem: why nothing that depends on time can be computed, or "".
    """

    positions: Array
    centres: Array
    cells: Array
    timestep: float
    velocities: Array | None = None
    problem: str = ""

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def volumes(self) -> Array:
        """Å³, (T,)."""
        return np.asarray(np.abs(np.linalg.det(self.cells)), dtype=float)

    @property
    def duration(self) -> float:
        """fs from the first frame to the last."""
        return self.timestep * (len(self) - 1)


def observe(trajectory: Trajectory, system: SystemDescription) -> Observation:
    """Check a trajectory and compute the centres of mass of its molecules.

    Raises:
        InputError: other atoms than the system's, or no periodic box.
    """
    if not np.array_equal(trajectory.numbers, system.numbers):
        raise InputError("the trajectory holds other atoms than the description of the system")
    if not len(trajectory):
        raise InputError("the trajectory holds no frames")
    if not trajectory.pbc.all() or not (trajectory.volumes > 0).all():
        raise InputError("the trajectory has no periodic box; properties of a liquid need one")
    whole = whole_molecules(trajectory.positions, trajectory.cells, system)
    problem = time_problem(trajectory)
    timestep = np.nan if problem else float(np.median(np.diff(trajectory.times)))
    velocities = None
    if trajectory.velocities is not None and not problem:
        velocities = centres_of_mass(trajectory.velocities, system)
    return Observation(
        whole, centres_of_mass(whole, system), trajectory.cells, timestep, velocities, problem
    )


def time_problem(trajectory: Trajectory) -> str:
    """Return why a trajectory says nothing about time, or an empty string."""
    times = trajectory.times
    if len(times) < 2:
        return "a single frame"
    steps = np.diff(times)
    if not np.isfinite(times).all():
        return "no time step is known; give it"
    if (steps == 0).all():
        return "all frames have the same time"
    if (steps <= 0).any():
        return f"frames out of order or repeated: frame {int(np.argmax(steps <= 0)) + 1}"
    step = float(np.median(steps))
    if (np.abs(steps - step) > _TIME_TOLERANCE * step + 1e-6 * np.abs(times).max()).any():
        return "frames at unequal times"
    velocities = trajectory.velocities
    if velocities is not None and len(velocities) > 1:
        sample = velocities[: min(len(velocities), 10)]
        if sample.any() and (sample == sample[0]).all():
            return "all frames have the same velocities"
    if (trajectory.positions[1:10] == trajectory.positions[0]).all():
        return "all frames have the same positions"
    return ""


def centres_of_mass(values: Array, system: SystemDescription) -> Array:
    """Return mass-weighted means over the atoms of each molecule, (T, M, 3) from (T, n, 3)."""
    result = np.empty((len(values), system.n_molecules, 3))
    for group in system.species:
        mass = system.masses[group.atoms]
        weights = mass / mass.sum(axis=1, keepdims=True)
        picked = values[:, group.atoms.ravel()].reshape(len(values), *group.atoms.shape, 3)
        result[:, group.molecules] = np.einsum("tmax,ma->tmx", picked, weights)
    return result


def barycentre(centres: Array, masses: Array) -> Array:
    """Return the centre of mass of everything, (T, 1, 3)."""
    return np.asarray(np.einsum("tmx,m->tx", centres, masses / masses.sum())[:, None])


def whole_molecules(positions: Array, cells: Array, system: SystemDescription) -> Array:
    """Shift atoms by lattice vectors so that molecules are not cut by the box, (T, n, 3).

    The shifts are those of the first frame: unwrapped atoms of one molecule stay together.
    """
    shifts = _shifts(positions[0], cells[0], system)
    if not shifts.any():
        return positions
    return np.asarray(positions + np.einsum("na,tax->tnx", shifts.astype(float), cells))


def _shifts(positions: Array, cell: Array, system: SystemDescription) -> NDArray[np.int64]:
    """Integer lattice shifts that bring each atom next to one of its molecule placed before."""
    fractional = positions @ np.linalg.inv(cell)
    shifts = np.zeros((len(positions), 3), dtype=np.int64)
    for atom, parent in _tree(system):
        away = fractional[atom] - (fractional[parent] + shifts[parent])
        shifts[atom] = -np.round(away).astype(np.int64)
    return shifts


def _tree(system: SystemDescription) -> list[tuple[int, int]]:
    """(atom, parent) in an order in which parents come first: bonds, else the first atom."""
    if system.bonds is None:
        return [(int(a), int(row[0])) for g in system.species for row in g.atoms for a in row[1:]]
    neighbours: list[list[int]] = [[] for _ in system.numbers]
    for i, j in system.bonds.tolist():
        if system.molecules[i] == system.molecules[j]:
            neighbours[i].append(j)
            neighbours[j].append(i)
    tree: list[tuple[int, int]] = []
    for group in system.species:
        for row in group.atoms:
            tree += _spanning(row.tolist(), neighbours)
    return tree


def _spanning(atoms: Sequence[int], neighbours: list[list[int]]) -> list[tuple[int, int]]:
    seen, queue, tree = {atoms[0]}, [atoms[0]], []
    for start in atoms:
        if start not in seen:  # not bonded to what came before
            seen.add(start)
            queue.append(start)
            tree.append((start, atoms[0]))
        while queue:
            parent = queue.pop()
            for atom in neighbours[parent]:
                if atom not in seen:
                    seen.add(atom)
                    queue.append(atom)
                    tree.append((atom, parent))
    return tree
