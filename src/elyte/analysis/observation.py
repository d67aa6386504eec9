"""What the properties are computed from: one run, checked, with centres of mass."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from elyte.analysis.recording import Recording
from elyte.analysis.stream import Positions
from elyte.analysis.system import SystemDescription
from elyte.analysis.unwrap import TOO_FAR, Walk
from elyte.analysis.whole import MoleculeTree
from elyte.core.errors import InputError
from elyte.core.trajectory import Trajectory

Array = NDArray[np.float64]

_TIME_TOLERANCE = 1e-3  # of a step; times are often stored in single precision


@dataclass(frozen=True, eq=False)
class Observation:
    """One run of a system.

    Args:
        positions: Å, molecules whole, in the box of their frame or images of it, (T, n, 3); read
            block by block where the run is on disk.
        centres: centres of mass of the molecules as they walk, for everything that depends on
            time, Å, (T, M, 3).
        cells: Å, (T, 3, 3).
        timestep: fs between frames; nan where the times say nothing.
        velocities: of the centres of mass, Å/fs, (T, M, 3), or None.
        problem: why nothing that depends on time can be computed, or "".
        places: centres of mass in the box of their frame, for distances, Å, (T, M, 3); they are
            `centres` where the box keeps its size.
    """

    positions: Positions
    centres: Array
    cells: Array
    timestep: float
    velocities: Array | None = None
    problem: str = ""
    places: Array = field(default_factory=lambda: np.zeros((0, 0, 3)))

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def volumes(self) -> Array:
        """Å³, (T,)."""
        return np.asarray(np.abs(np.linalg.det(self.cells)), dtype=float)

    def part(self, frames: slice) -> Observation:
        """Return the frames start … stop − 1 of the run as a run of their own."""
        start, stop, _ = frames.indices(len(self))
        return replace(
            self,
            positions=self.positions.part(start, stop),
            centres=self.centres[start:stop],
            places=self.places[start:stop],
            cells=self.cells[start:stop],
            velocities=None if self.velocities is None else self.velocities[start:stop],
        )

    @property
    def duration(self) -> float:
        """fs from the first frame to the last."""
        return self.timestep * (len(self) - 1)


def observe(trajectory: Trajectory | Recording, system: SystemDescription) -> Observation:
    """Check a trajectory and compute the centres of mass of its molecules, block by block.

    Raises:
        InputError: other atoms than the system's, or no periodic box.
    """
    if not np.array_equal(trajectory.numbers, system.numbers):
        raise InputError("the trajectory holds other atoms than the description of the system")
    if not len(trajectory):
        raise InputError("the trajectory holds no frames")
    if not trajectory.pbc.all() or not (trajectory.volumes > 0).all():
        raise InputError("the trajectory has no periodic box; properties of a liquid need one")
    run = Recording.of(trajectory)
    whole = whole_molecules(run, system)
    places, centres, lost = _walks(whole, run, system)
    problem = time_problem(run) or (f"frame {lost}: {TOO_FAR}" if lost else "")
    timestep = np.nan if problem else float(np.median(np.diff(run.times)))
    velocities = None
    if run.velocities is not None and not problem:
        parts = [centres_of_mass(block, system) for _, block in run.velocities.blocks()]
        velocities = np.concatenate(parts)
    return Observation(whole, centres, run.cells, timestep, velocities, problem, places)


def _walks(whole: Positions, run: Recording, system: SystemDescription) -> tuple[Array, Array, int]:
    """Return centres of mass where they are and as they walk, (T, M, 3) both, and where a walk
    is lost."""
    walk = Walk(run.continuous)
    steady = run.continuous and not np.ptp(run.cells, axis=0).any()
    places = np.empty((len(run), system.n_molecules, 3))
    centres = places if steady else np.empty_like(places)
    for part, block in whole.blocks():
        places[part] = centres_of_mass(block, system)
        if not steady:
            centres[part] = walk.go_on(places[part], run.cells[part])
    return places, centres, walk.lost


def time_problem(trajectory: Trajectory | Recording) -> str:
    """Return why a trajectory says nothing about time, or an empty string."""
    times = trajectory.times
    if len(times) < 2:
        return "a single frame"
    steps = np.diff(times)
    if not np.isfinite(times).all():
        return "no time step is known; give it by --timestep"
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


def whole_molecules(run: Recording, system: SystemDescription) -> Positions:
    """Return positions with every atom next to its molecule, (T, n, 3).

    Where positions are continuous the shifts by lattice vectors are those of the first frame:
    atoms of one molecule stay together.
    """
    tree = MoleculeTree.from_bonds(system.molecules, system.bonds)
    first, cell, cells = run.positions[:1], run.cells[:1], run.cells
    shifts = np.round((tree.whole(first, cell) - first)[0] @ np.linalg.inv(cell[0]))
    if not shifts.any():
        return run.positions
    if run.continuous:
        return run.positions.changed(lambda part, x: x + shifts @ cells[part])
    return run.positions.changed(lambda part, x: tree.whole(x, cells[part]))
