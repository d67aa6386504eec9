"""Structures of the same atoms at successive times; on disk they are H5MD (`elyte.core.h5md`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from ase.data import atomic_masses
from numpy.typing import ArrayLike, NDArray

from elyte.core.errors import InputError
from elyte.core.frame import Frame


def _frozen(values: ArrayLike, dtype: type, shape: tuple[int, ...], name: str) -> NDArray[Any]:
    array: NDArray[Any] = np.asarray(values, dtype=dtype).view()
    if array.shape != shape:
        raise InputError(f"{name} has shape {array.shape}, expected {shape}")
    array.setflags(write=False)
    return array


class FrameSeries:
    """What structures of the same atoms at successive times have in common, wherever they lie."""

    numbers: NDArray[np.int64]
    positions: Any
    cells: NDArray[np.float64]
    molecules: NDArray[np.int64] | None
    pbc: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.positions)

    def frame(self, index: int) -> Frame:
        """Return the structure at an index, negative ones counted from the end.

        Raises:
            IndexError: no such frame.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"frame {index} of a trajectory of {len(self)}")
        return Frame(
            self.numbers, self.positions[index], self.cells[index], self.pbc, self.molecules
        )

    def __iter__(self) -> Iterator[Frame]:
        return (self.frame(i) for i in range(len(self)))

    @property
    def masses(self) -> NDArray[np.float64]:
        """Atomic masses, u, (n,)."""
        return np.asarray(atomic_masses[self.numbers], dtype=float)

    @property
    def volumes(self) -> NDArray[np.float64]:
        """Volumes of the cell, Å³, (T,)."""
        return np.asarray(np.abs(np.linalg.det(self.cells)), dtype=float)


@dataclass(frozen=True, eq=False)
class Trajectory(FrameSeries):
    """Structures of the same atoms at successive times, in memory.

    Args:
        numbers: atomic numbers, (n,).
        positions: unwrapped, Å, (T, n, 3).
        cells: lattice vectors as rows, Å, (T, 3, 3).
        times: fs, (T,).
        velocities: Å/fs, (T, n, 3), or None.
        molecules: index of the molecule of each atom, (n,), or None when unknown.
        pbc: periodic directions, (3,).

    Raises:
        InputError: shapes that do not fit.
    """

    numbers: NDArray[np.int64]
    positions: NDArray[np.float64]
    cells: NDArray[np.float64]
    times: NDArray[np.float64]
    velocities: NDArray[np.float64] | None = None
    molecules: NDArray[np.int64] | None = None
    pbc: NDArray[np.bool_] = field(default_factory=lambda: np.ones(3, dtype=bool))

    def __post_init__(self) -> None:
        n, t = len(self.numbers), len(self.positions)
        set_ = object.__setattr__
        set_(self, "numbers", _frozen(self.numbers, np.int64, (n,), "numbers"))
        set_(self, "positions", _frozen(self.positions, np.float64, (t, n, 3), "positions"))
        set_(self, "cells", _frozen(self.cells, np.float64, (t, 3, 3), "cells"))
        set_(self, "times", _frozen(self.times, np.float64, (t,), "times"))
        if self.velocities is not None:
            set_(self, "velocities", _frozen(self.velocities, np.float64, (t, n, 3), "velocities"))
        if self.molecules is not None:
            set_(self, "molecules", _frozen(self.molecules, np.int64, (n,), "molecules"))
        set_(self, "pbc", _frozen(np.broadcast_to(self.pbc, 3), np.bool_, (3,), "pbc"))

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> Trajectory: ...
    def __getitem__(self, index: int | slice) -> Frame | Trajectory:
        if isinstance(index, slice):
            velocities = None if self.velocities is None else self.velocities[index]
            return Trajectory(
                self.numbers,
                self.positions[index],
                self.cells[index],
                self.times[index],
                velocities,
                self.molecules,
                self.pbc,
            )
        return self.frame(index)

    @property
    def frames(self) -> list[Frame]:
        """The structures, positions unwrapped."""
        return list(self)

    @classmethod
    def from_frames(cls, frames: Sequence[Frame], times: ArrayLike) -> Trajectory:
        """Join frames of the same atoms, whose positions are taken as unwrapped."""
        if not frames:
            raise InputError("a trajectory needs at least one frame")
        first = frames[0]
        if any(not np.array_equal(f.numbers, first.numbers) for f in frames):
            raise InputError("the frames of a trajectory must have the same atoms in one order")
        return cls(
            first.numbers,
            np.stack([f.positions for f in frames]),
            np.stack([f.cell for f in frames]),
            np.asarray(times, dtype=float),
            molecules=first.molecules,
            pbc=first.pbc,
        )
