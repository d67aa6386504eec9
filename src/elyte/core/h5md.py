"""Trajectories on disk: `TrajectoryWriter`, `read_h5md`.

H5MD 1.1, doi:10.1016/j.cpc.2014.01.018. Positions are unwrapped, the cell stands with every
frame. The writer uses HDF5's single-writer mode, so that the file can be read while it grows
and after the writing process was killed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte._version import __version__
from elyte.core.errors import FormatError, InputError
from elyte.core.frame import Frame
from elyte.core.trajectory import Trajectory

SUFFIXES = (".h5", ".h5md", ".hdf5")
"""Endings by which a trajectory is known."""

_GROUP = "particles/trajectory"
_CHUNK_BYTES = 1 << 18


class TrajectoryWriter:
    """Append frames to an H5MD file that stays readable at any moment.

    Args:
        path: the file; an existing one is replaced unless `append_after` is given.
        frame: atoms, periodicity and molecules (its positions are not written).
        velocities: whether every frame comes with velocities.
        append_after: keep the frames of the existing file up to this step and go on.
        flush_every: frames between two flushes; what comes after the last is lost by a kill.

    Raises:
        InputError: the existing file holds other atoms, or frames that do not fit.
    """

    def __init__(
        self,
        path: str | Path,
        frame: Frame,
        velocities: bool = False,
        append_after: int | None = None,
        flush_every: int = 1,
    ) -> None:
        self.path = Path(path)
        self._n = len(frame)
        self._flush_every = max(1, flush_every)
        kept: tuple[Trajectory, NDArray[np.int64]] | None = None
        if append_after is not None and self.path.exists():
            kept = _read_with_steps(self.path, slice(None))
            if not np.array_equal(kept[0].numbers, frame.numbers):
                raise InputError(f"{self.path}: cannot append, the file holds other atoms")
        partial = self.path.with_name(self.path.name + ".part") if kept else self.path
        # the cache need not hold more than the chunk that is being filled: memory stays flat
        self._file = h5py.File(
            partial, "w", libver="latest", locking=False, rdcc_nbytes=2 * _CHUNK_BYTES
        )
        self._datasets = _create(self._file, frame, velocities)
        self._file.swmr_mode = True
        self._count = 0
        if kept is not None and append_after is not None:
            self._copy(kept[0], kept[1], append_after)
            partial.replace(self.path)

    def _copy(self, old: Trajectory, steps: NDArray[np.int64], last: int) -> None:
        count = int(np.searchsorted(steps, last, side="right"))
        velocities = None if old.velocities is None else old.velocities[:count]
        self.extend(
            old.positions[:count], old.cells[:count], old.times[:count], steps[:count], velocities
        )
        self.flush()

    def __len__(self) -> int:
        return self._count

    def append(
        self,
        positions: ArrayLike,
        cell: ArrayLike,
        time: float,
        step: int,
        velocities: ArrayLike | None = None,
    ) -> None:
        """Append one frame: positions (n, 3) unwrapped Å, cell (3, 3) Å, time fs."""
        velocity_block = None if velocities is None else np.asarray(velocities)[None]
        self.extend(
            np.asarray(positions)[None], np.asarray(cell)[None], [time], [step], velocity_block
        )

    def extend(
        self,
        positions: ArrayLike,
        cells: ArrayLike,
        times: ArrayLike,
        steps: ArrayLike,
        velocities: ArrayLike | None = None,
    ) -> None:
        """Append frames: (T, n, 3), (T, 3, 3), (T,), (T,) and velocities (T, n, 3)."""
        values = {"position": positions, "edges": cells, "time": times, "step": steps}
        if ("velocity" in self._datasets) != (velocities is not None):
            raise InputError("velocities must be given with every frame or with none")
        if velocities is not None:
            values["velocity"] = velocities
        arrays = {name: np.asarray(value) for name, value in values.items()}
        t = len(arrays["time"])
        if arrays["position"].shape != (t, self._n, 3):
            shape = arrays["position"].shape
            raise InputError(f"positions have shape {shape}, expected {(t, self._n, 3)}")
        # The reader trusts the length of "step", which is therefore written last.
        for name in sorted(arrays, key=lambda name: name == "step"):
            dataset = self._datasets[name]
            dataset.resize(self._count + t, axis=0)
            dataset[self._count :] = arrays[name]
        before, self._count = self._count, self._count + t
        if self._count // self._flush_every > before // self._flush_every:
            self.flush()

    def flush(self) -> None:
        """Hand all frames to the operating system, the lengths last."""
        for name in sorted(self._datasets, key=lambda name: name == "step"):
            self._datasets[name].flush()
        self._file.flush()

    def close(self) -> None:
        """Flush and close; a second call does nothing."""
        if self._file:
            self._file.close()

    def __enter__(self) -> TrajectoryWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _create(file: h5py.File, frame: Frame, velocities: bool) -> dict[str, h5py.Dataset]:
    """Lay out the H5MD groups; all time-dependent elements share one step and one time."""
    n = len(frame)
    header = file.create_group("h5md")
    header.attrs["version"] = np.array([1, 1], dtype=np.int32)
    header.create_group("author").attrs["name"] = "elyte"
    creator = header.create_group("creator")
    creator.attrs["name"], creator.attrs["version"] = "elyte", __version__
    group = file.create_group(_GROUP)
    group["species"] = np.asarray(frame.numbers, dtype=np.int32)
    group["mass"] = frame.masses
    group["mass"].attrs["unit"] = "u"
    if frame.molecules is not None:
        group["molecule"] = np.asarray(frame.molecules, dtype=np.int64)
    box = group.create_group("box")
    box.attrs["dimension"] = 3
    box.attrs["boundary"] = ["periodic" if p else "none" for p in frame.pbc]

    def series(name: str, shape: tuple[int, ...], dtype: str, unit: str) -> h5py.Dataset:
        item = max(8, 8 * int(np.prod(shape)))
        chunk = (int(np.clip(_CHUNK_BYTES // item, 1, 1024)), *shape)
        dataset = group.create_dataset(
            name, (0, *shape), dtype, chunks=chunk, maxshape=(None, *shape)
        )
        if unit:
            dataset.attrs["unit"] = unit
        return dataset

    datasets = {
        "position": series("position/value", (n, 3), "f8", "Angstrom"),
        "step": series("position/step", (), "i8", ""),
        "time": series("position/time", (), "f8", "fs"),
        "edges": series("box/edges/value", (3, 3), "f8", "Angstrom"),
    }
    if velocities:
        datasets["velocity"] = series("velocity/value", (n, 3), "f8", "Angstrom fs-1")
    for name in ("box/edges", *(["velocity"] if velocities else [])):
        group[f"{name}/step"] = group["position/step"]
        group[f"{name}/time"] = group["position/time"]
    return datasets


def read_h5md(path: str | Path, frames: slice = slice(None)) -> Trajectory:
    """Read an H5MD file, or a slice of its frames, also while it is being written.

    Raises:
        FormatError: no H5MD trajectory, a backward slice, or units other than Å and fs.
    """
    return _read_with_steps(Path(path), frames)[0]


def read_steps(path: str | Path) -> NDArray[np.int64]:
    """Return the steps at which an H5MD file has frames, (T,)."""
    return _read_with_steps(Path(path), slice(0, 0), all_steps=True)[1]


def _read_with_steps(
    path: Path, frames: slice, all_steps: bool = False
) -> tuple[Trajectory, NDArray[np.int64]]:
    group = open_h5md(path)
    with group.file:
        return _read_group(path, group, frames, all_steps)


def open_h5md(path: str | Path) -> h5py.Group:
    """Open an H5MD file, also while it is being written; return the group of its particles.

    Raises:
        FormatError: no H5MD trajectory, or units other than Å and fs.
    """
    path = Path(path)
    if not path.exists():
        raise FormatError(f"{path}: no such file")
    file = _open_for_reading(path)
    if "particles" not in file or not len(file["particles"]):
        raise FormatError(f"{path}: no group 'particles', so this is not H5MD")
    group = file["particles"][next(iter(file["particles"]))]
    for name in ("position", "box", "species"):
        if name not in group:
            raise FormatError(f"{path}: the trajectory has no '{name}'")
    _check_units(path, group)
    return group


def h5md_header(group: h5py.Group) -> dict[str, Any]:
    """Return what an H5MD file says but positions and velocities, by the names of `Trajectory`."""
    count = len(group["position/step"])
    return {
        "numbers": group["species"][()],
        "cells": _cells(group, count),
        "times": group["position/time"][:count],
        "molecules": group["molecule"][()] if "molecule" in group else None,
        "pbc": np.array([_text(b) == "periodic" for b in group["box"].attrs["boundary"]]),
    }


def _open_for_reading(path: Path) -> h5py.File:
    """Open plainly, or in SWMR mode what is still written or was left by a killed writer."""
    size = path.stat().st_size if path.is_file() else 0
    if not size:
        raise FormatError(f"{path}: " + ("the file is empty" if path.is_file() else "no file"))
    error: OSError | None = None
    attempts: list[dict[str, Any]] = [
        {"locking": False},
        {"swmr": True, "libver": "latest", "locking": False},
        {},  # as another library of this process may have opened it already
    ]
    for options in attempts:
        try:
            return h5py.File(path, "r", **options)
        except OSError as failure:
            if cut := re.search(r"truncated file.*stored_eof = (\d+)", str(failure)):
                # Not what a writer leaves that was killed; SWMR mode would wait for the rest.
                raise FormatError(
                    f"{path}: only the first {size} of {cut[1]} bytes are there; "
                    "copy the file again"
                ) from failure
            error = failure
    raise FormatError(f"{path}: not an HDF5 file, or not a whole one ({error})") from error


def _read_group(
    path: Path, group: h5py.Group, frames: slice, all_steps: bool
) -> tuple[Trajectory, NDArray[np.int64]]:
    steps_dataset = group["position/step"]
    count = len(steps_dataset)
    chosen = slice(*frames.indices(count))
    if chosen.step < 0:
        raise FormatError(f"{path}: frames are read forwards, not with a step of {chosen.step}")
    steps = steps_dataset[:count]
    header = h5md_header(group)
    trajectory = Trajectory(
        positions=group["position/value"][chosen],
        velocities=group["velocity/value"][chosen] if "velocity" in group else None,
        **{**header, "cells": header["cells"][chosen], "times": header["times"][chosen]},
    )
    return trajectory, steps if all_steps else steps[chosen]


def _cells(group: h5py.Group, count: int) -> NDArray[np.float64]:
    if "edges" not in group["box"]:
        return np.zeros((count, 3, 3))
    edges = group["box/edges"]
    values = edges["value"][:count] if isinstance(edges, h5py.Group) else edges[()]
    if values.shape[-1:] == (3,) and values.shape[-2:] != (3, 3):
        values = values[..., None] * np.eye(3)
    return np.broadcast_to(values, (count, 3, 3))


def _check_units(path: Path, group: h5py.Group) -> None:
    known = {
        "position/value": {"Angstrom", "angstrom", "A", "Å"},
        "position/time": {"fs"},
        "velocity/value": {"Angstrom fs-1"},
    }
    for name, units in known.items():
        if name not in group:
            continue
        unit = _text(group[name].attrs.get("unit", ""))
        if unit and unit not in units:
            raise FormatError(f"{path}: '{name}' is in {unit}; only {sorted(units)[0]} is read")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
