"""A run as its files give it, of which only a block of frames is in memory at a time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from elyte.analysis.stream import Positions
from elyte.core.frame import Frame
from elyte.core.trajectory import FrameSeries, Trajectory

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Recording(FrameSeries):
    """What `Trajectory` is in memory, on disk.

    Args:
        numbers: atomic numbers, (n,).
        positions: Å, (T, n, 3), molecules whole.
        cells: Å, (T, 3, 3).
        times: fs, (T,); nan where none are known.
        velocities: Å/fs, (T, n, 3), or None.
        molecules: index of the molecule of each atom, (n,), or None when unknown.
        pbc: periodic directions, (3,).
        continuous: whether positions go on from frame to frame without jumps.
        order: numbers that grow from frame to frame, as a count of steps, (T,); None: the times.
    """

    numbers: NDArray[np.int64]
    positions: Positions
    cells: Array
    times: Array
    velocities: Positions | None = None
    molecules: NDArray[np.int64] | None = None
    pbc: NDArray[np.bool_] = field(default_factory=lambda: np.ones(3, dtype=bool))
    continuous: bool = False
    order: Array | None = None

    def __getitem__(self, index: int) -> Frame:
        return self.frame(index)

    @classmethod
    def of(cls, run: Trajectory | Recording) -> Recording:
        """Return a trajectory in memory, whose positions are continuous, as a recording."""
        if isinstance(run, Recording):
            return run
        return cls(
            numbers=run.numbers,
            positions=Positions.of(run.positions),
            cells=run.cells,
            times=run.times,
            velocities=None if run.velocities is None else Positions.of(run.velocities),
            molecules=run.molecules,
            pbc=run.pbc,
            continuous=True,
        )

    def timed(self, timestep: float, stride: int = 1) -> Recording:
        """Return the run with a time step for stored frames, in the order their times say.

        Frames that the times of the file show to be repeated, missing or out of order stay so.
        """
        known = self.times if self.order is None else self.order
        own = known - known[0]
        steps = np.diff(own)
        usual = float(np.median(steps)) if len(steps) else 0.0
        trusted = np.isfinite(own).all() and usual > 0
        count = np.asarray(own / usual if trusted else np.arange(len(own)), dtype=float)
        return replace(self, times=timestep * stride * count)

    def in_memory(self) -> Trajectory:
        """Return all frames as a trajectory with continuous positions.

        In a box that fluctuates they are unwrapped by whole lattice vectors of each frame, so
        that distances between atoms stay what they are; walks need `elyte.analysis.unwrap`.
        """
        positions = self.positions[:]
        if not self.continuous and self.pbc.all():
            positions = unfolded(positions, self.cells, self.molecules)
        return Trajectory(
            self.numbers, positions, self.cells, self.times,
            None if self.velocities is None else self.velocities[:],
            self.molecules, self.pbc,
        )  # fmt: skip


def unfolded(positions: Array, cells: Array, molecules: NDArray[np.int64] | None) -> Array:
    """Return positions shifted by whole lattice vectors so that molecules do not jump.

    Args:
        positions: Å, (T, n, 3), molecules whole.
        cells: Å, (T, 3, 3).
        molecules: index of the molecule of each atom, (n,); None: every atom for itself.
    """
    if not len(positions):
        return positions
    of = np.arange(positions.shape[1]) if molecules is None else np.asarray(molecules)
    _, first, owner = np.unique(of, return_index=True, return_inverse=True)
    fractional = positions[:, first] @ np.linalg.inv(cells)
    jumps = np.round(np.diff(fractional, axis=0))
    images = np.concatenate([np.zeros_like(fractional[:1]), np.cumsum(jumps, axis=0)])
    return np.asarray(positions - (images @ cells)[:, owner])
