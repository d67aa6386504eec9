"""Trajectories of other programs: whatever MDAnalysis reads, extxyz, H5MD, VASP.

`record` leaves the frames on disk and takes several parts of a run; `load` takes one file into
memory. In both molecules are whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from elyte.analysis.readers import Block, Header, Opened, open_frames, open_universe
from elyte.analysis.recording import Recording
from elyte.analysis.stream import Positions, Scratch
from elyte.analysis.whole import MoleculeTree
from elyte.chemistry.bonds import bond_graph, molecule_ids
from elyte.core.errors import FormatError, InputError
from elyte.core.frame import Frame
from elyte.core.h5md import SUFFIXES, h5md_header, open_h5md
from elyte.core.trajectory import Trajectory

Array = NDArray[np.float64]


def load(
    path: str | Path,
    topology: str | Path | None = None,
    timestep: float | None = None,
    unwrapped: bool = False,
    frames: slice = slice(None),
) -> Trajectory:
    """Read a trajectory into memory.

    Args:
        path: H5MD, extxyz, or what ASE (XDATCAR, vasprun.xml, traj) or MDAnalysis reads.
        topology: file with elements (or masses) and bonds, where the trajectory has none.
        timestep: fs between frames as they are stored; None: the file's own, where it has one.
        unwrapped: the positions are unwrapped by whole lattice vectors (xu of LAMMPS).
        frames: which frames.

    Returns:
        Trajectory with unwrapped positions; times are nan where no time step is known.

    Raises:
        FormatError: a file that cannot be read, or without elements.
        MissingDependency: MDAnalysis is needed and not installed.
        InputError: a time step that is not positive, no frames.
    """
    return record(path, topology, timestep, unwrapped, frames).in_memory()


def record(
    parts: str | Path | Sequence[str | Path],
    topology: str | Path | None = None,
    timestep: float | None = None,
    unwrapped: bool = False,
    frames: slice = slice(None),
) -> Recording:
    """Open a run whose frames stay on disk: memory does not grow with their number.

    elyte's own H5MD is read where it lies; of other formats the frames, molecules made whole, go
    to a scratch file. Arguments and errors as for `load`.

    Args:
        parts: one file, or the files of one run in their order. A part may begin with frames
            that the one before has already: they are left out.
    """
    files = [Path(parts)] if isinstance(parts, str | Path) else [Path(p) for p in parts]
    if not files:
        raise InputError("there is no trajectory to read")
    for file in [*files, *([] if topology is None else [Path(topology)])]:
        if file.is_dir():
            raise FormatError(f"{file}: a folder; name a file")
        if not file.exists():
            raise FormatError(f"{file}: no such file")
    if timestep is not None and not (np.isfinite(timestep) and timestep > 0):
        raise InputError(f"the time step is {timestep} fs; it must be a positive number")
    own = topology is None and _is_own(files[0])
    if own and len(files) == 1:
        run = _own(files[0], frames)
    elif len(files) == 1 and not own:
        header, blocks = open_frames(files[0], topology, frames)
        run = spooled(header, blocks, unwrapped, str(files[0]))
    else:
        header, blocks = _joined([_open(file, topology) for file in files], files)
        run = spooled(header, _sliced(blocks, frames), own or unwrapped, str(files[0]))
    return run if timestep is None else run.timed(timestep, abs(frames.step or 1))


def from_universe(universe: Any, frames: slice = slice(None)) -> Trajectory:
    """Take the trajectory of an `MDAnalysis.Universe`, wrapped or not as it is there.

    Times are nan where the format does not store them. Molecules are those of the bonds, where
    the topology has bonds, and are made whole.
    """
    header, blocks = open_universe(universe, frames)
    return spooled(header, blocks, False, "the universe").in_memory()


def spooled(header: Header, blocks: Iterator[Block], continuous: bool, name: str) -> Recording:
    """Write frames to a scratch file, molecules made whole unless positions are continuous.

    Raises:
        InputError: no frames.
    """
    first = next(blocks, None)
    if first is None or not len(first.positions):
        raise InputError(f"{name}: no frames in the chosen range")
    n = len(header.numbers)
    if first.positions.shape[1] != n:
        raise FormatError(f"{name}: {first.positions.shape[1]} atoms, its topology has {n}")
    periodic = bool((np.abs(np.linalg.det(first.cells)) > 0).all())
    tree = _tree(header, first) if periodic and not continuous else None
    places = Scratch(n)
    speeds = None if first.velocities is None else Scratch(n)
    cells, times = [], []
    for block in chain([first], blocks):
        boxed = bool((np.abs(np.linalg.det(block.cells)) > 0).all())
        periodic = periodic and boxed
        cut = tree is not None and boxed
        places.append(tree.whole(block.positions, block.cells) if cut else block.positions)  # type: ignore[union-attr]
        if speeds is not None and block.velocities is not None:
            speeds.append(block.velocities)
        else:
            speeds = None
        cells.append(block.cells)
        times.append(block.times)
    return Recording(
        numbers=header.numbers,
        positions=places.positions(),
        cells=np.concatenate(cells),
        times=np.concatenate(times) if header.timed else np.full(len(places.positions()), np.nan),
        order=np.concatenate(times),
        velocities=None if speeds is None else speeds.positions(),
        molecules=header.molecules,
        pbc=np.full(3, periodic),
        continuous=continuous,
    )


def _tree(header: Header, first: Block) -> MoleculeTree:
    """Bonds of the first frame serve the whole run, also where a topology names the molecules."""
    frame = Frame(header.numbers, first.positions[0], first.cells[0], True, header.molecules)  # type: ignore[arg-type]
    bonds = header.bonds
    if bonds is None:
        bonds = bond_graph(frame, within_molecules=header.molecules is not None)
    molecules = molecule_ids(frame, bonds) if header.molecules is None else header.molecules
    return MoleculeTree.from_bonds(molecules, bonds)


# ---- several parts of a run -----------------------------------------------------------------


def _open(file: Path, topology: str | Path | None) -> Opened:
    if topology is None and _is_own(file):
        return _own_blocks(_own(file, slice(None)))
    return open_frames(file, topology, slice(None))


def _own_blocks(run: Recording) -> Opened:
    def blocks() -> Iterator[Block]:
        for part, positions in run.positions.blocks():
            speeds = None if run.velocities is None else run.velocities[part]
            yield Block(positions, run.cells[part], run.times[part], speeds)

    return Header(run.numbers, run.molecules), blocks()


def _joined(opened: Sequence[Opened], files: Sequence[Path]) -> Opened:
    header = opened[0][0]
    for other, file in zip(opened, files, strict=True):
        if not np.array_equal(other[0].numbers, header.numbers):
            raise InputError(f"{file}: other atoms than {files[0]}, so it is no part of that run")
    return header, _new_frames([blocks for _, blocks in opened], files)


def _new_frames(parts: Sequence[Iterator[Block]], files: Sequence[Path]) -> Iterator[Block]:
    """Blocks of all parts, without frames at the start of a part that the one before has."""
    end: tuple[float, Array] | None = None
    for blocks, file in zip(parts, files, strict=True):
        before = end
        for block in blocks:
            kept = np.ones(len(block.times), dtype=bool)
            if before is not None:
                kept = _later(block, *before)
            if kept.any():
                before = None  # what follows in this part is its own
                yield _picked(block, kept)
            end = float(block.times[-1]), block.positions[-1]
        if before is not None:
            raise InputError(f"{file}: no frame is later than the part before; mind their order")


def _later(block: Block, time: float, positions: Array) -> NDArray[np.bool_]:
    """Which frames of the start of a part are not in the part before it."""
    if np.isfinite(time) and np.isfinite(block.times).all():
        return np.asarray(np.logical_or.accumulate(block.times > time))
    same = np.array([np.array_equal(x, positions) for x in block.positions[:1]])
    return np.arange(len(block.times)) >= int(same.any())


def _picked(block: Block, kept: NDArray[np.bool_] | slice) -> Block:
    speeds = None if block.velocities is None else block.velocities[kept]
    return Block(block.positions[kept], block.cells[kept], block.times[kept], speeds)


def _sliced(blocks: Iterator[Block], frames: slice) -> Iterator[Block]:
    """Every so many frames of a stream, from a first one to a last one."""
    start, stop, step = frames.start or 0, frames.stop, frames.step or 1
    if start < 0 or step < 0 or (stop is not None and stop < 0):
        raise InputError("frames of a run in parts are counted from its start, forwards")
    seen = 0
    for block in blocks:
        numbers = seen + np.arange(len(block.times))
        kept = (numbers >= start) & ((numbers - start) % step == 0)
        if stop is not None:
            kept &= numbers < stop
        seen += len(numbers)
        if kept.any():
            yield _picked(block, kept)


# ---- elyte's own files ----------------------------------------------------------------------


def _is_own(file: Path) -> bool:
    """Whether a file is H5MD as elyte writes it: with elements, and unwrapped."""
    if file.suffix.lower() not in SUFFIXES:
        return False
    try:
        with h5py.File(file, "r", locking=False) as opened:
            return "elyte" in str(opened["h5md/creator"].attrs["name"])
    except (OSError, KeyError):
        # A file that is being written, or was left by a kill, is read by our own reader.
        return True


def _own(file: Path, frames: slice) -> Recording:
    group = open_h5md(file)
    header = h5md_header(group)
    chosen = range(len(header["times"]))[frames]
    if chosen.step < 0:
        raise FormatError(f"{file}: frames are read forwards, not with a step of {chosen.step}")
    if not len(chosen):
        raise InputError(f"{file}: no frames in the chosen range")
    header["cells"] = np.ascontiguousarray(header["cells"][frames])
    header["times"] = header["times"][frames]
    velocities = _dataset(group["velocity/value"], chosen) if "velocity" in group else None
    return Recording(
        positions=_dataset(group["position/value"], chosen),
        velocities=velocities,
        continuous=True,
        **header,
    )


def _dataset(values: h5py.Dataset, chosen: range) -> Positions:
    def read(start: int, stop: int) -> Array:
        part = chosen[start:stop]
        if not len(part):
            return np.empty((0, *values.shape[1:]))
        return np.asarray(values[part.start : part[-1] + 1 : part.step], dtype=float)

    return Positions(read, len(chosen), values.shape[1])
