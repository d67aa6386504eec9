"""Frames of files of other programs, block by block.

A time is taken from a file only where its format stores one; many readers invent 1 ps.
"""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray

from elyte.core.errors import FormatError, InputError, MissingDependency

Array = NDArray[np.float64]

_WITH_TIMES = frozenset({"TRR", "XTC", "H5MD", "NCDF", "TNG", "MOCKH5"})
"""Formats of MDAnalysis that store times; of others its times are made up."""
_ASE = frozenset({".extxyz", ".xyz", ".traj"})
_ASE_NAMES = re.compile(r"^(XDATCAR|OUTCAR|vasprun.*\.xml$)")
_DUMPS = frozenset({".lammpstrj", ".lammpsdump", ".dump"})
_PS = 1000.0  # fs
BLOCK = 64
"""Frames that are read before they are handed on."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some frames of a file.

    Args:
        positions: Å, (t, n, 3).
        cells: Å, (t, 3, 3); zeros without a box.
        times: fs, or numbers of steps (`Header.timed`), (t,); nan where there are none.
        velocities: Å/fs, (t, n, 3), or None.
    """

    positions: Array
    cells: Array
    times: Array
    velocities: Array | None = None


@dataclass(frozen=True, eq=False)
class Header:
    """What does not change from frame to frame.

    Args:
        numbers: atomic numbers, (n,).
        molecules: of the bonds of a topology, (n,), or None.
        bonds: of a topology, (m, 2), or None.
        timed: whether `Block.times` are fs; else they only tell the order of frames.
    """

    numbers: NDArray[np.int64]
    molecules: NDArray[np.int64] | None = None
    bonds: NDArray[np.int64] | None = None
    timed: bool = True


Opened = tuple[Header, Iterator[Block]]


def open_frames(file: Path, topology: str | Path | None, frames: slice) -> Opened:
    """Open a file with ASE or MDAnalysis.

    Raises:
        FormatError: a file that cannot be read, or without elements.
        MissingDependency: MDAnalysis is needed and not installed.
    """
    if topology is None and _by_ase(file):
        return _open_ase(file, frames)
    return _open_mdanalysis(file, topology, frames)


def _by_ase(file: Path) -> bool:
    return file.suffix.lower() in _ASE or bool(_ASE_NAMES.match(file.name))


# ---- ASE ------------------------------------------------------------------------------------


def _open_ase(file: Path, frames: slice) -> Opened:
    images = _images(file, frames)
    first = next(images, None)
    if first is None:
        raise InputError(f"{file}: no frames in the chosen range")
    header = Header(np.asarray(first.numbers, dtype=np.int64))
    return header, _ase_blocks(file, first, images)


def _images(file: Path, frames: slice) -> Iterator[Any]:
    """Frames one after the other where the format allows it; a start from the end needs all."""
    lazy = all(k is None or k >= 0 for k in (frames.start, frames.stop)) and (frames.step or 1) > 0
    try:
        if not lazy:
            yield from ase.io.read(file, index=frames)
            return
        yield from islice(_every(file), frames.start, frames.stop, frames.step)
    except Exception as error:  # readers of other people's files raise anything
        raise FormatError(f"{file}: cannot be read ({error})") from error


def _every(file: Path) -> Iterator[Any]:
    return iter(ase.io.iread(file, index=":"))


def _ase_blocks(file: Path, first: Any, images: Iterator[Any]) -> Iterator[Block]:
    moving = "momenta" in first.arrays
    chunk = [first, *islice(images, BLOCK - 1)]
    while chunk:
        if any(not np.array_equal(a.numbers, first.numbers) for a in chunk):
            raise InputError(
                f"{file}: the frames of a trajectory must have the same atoms in one order"
            )
        moving = moving and all("momenta" in a.arrays for a in chunk)
        speeds = [a.get_velocities() * ase.units.fs for a in chunk] if moving else None
        yield Block(
            np.stack([a.positions for a in chunk]).astype(float),
            np.stack([np.asarray(a.cell) * a.pbc.all() for a in chunk]),
            np.full(len(chunk), np.nan),
            None if speeds is None else np.stack(speeds),
        )
        chunk = list(islice(images, BLOCK))


# ---- MDAnalysis -----------------------------------------------------------------------------


def _open_mdanalysis(file: Path, topology: str | Path | None, frames: slice) -> Opened:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mda = importlib.import_module("MDAnalysis")
    except ImportError as error:
        raise MissingDependency(
            f"{file.name} is read by MDAnalysis, which is not installed: "
            "pip install 'elyte[analysis]', or give H5MD or extxyz"
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            universe = mda.Universe(*_arguments(file, topology), **_formats(file, topology))
        except Exception as error:  # readers of other people's files raise anything
            hint = "" if topology else "; give a topology by --topology"
            what = f"{file} with {topology}" if topology else str(file)
            raise FormatError(
                f"{what}: MDAnalysis cannot read it ({first_sentence(error)}){hint}"
            ) from error
        return open_universe(universe, frames, str(file))


def first_sentence(error: Exception) -> str:
    """Return what an error of MDAnalysis says, without its pages of advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines) if len(lines) < 4 else lines[0]


def _arguments(file: Path, topology: str | Path | None) -> list[str]:
    return [str(file)] if topology is None else [str(topology), str(file)]


def _formats(file: Path, topology: str | Path | None) -> dict[str, str]:
    """Formats of LAMMPS, whose files have no usual endings."""
    dump = {"format": "LAMMPSDUMP"} if _is_dump(file) else {}
    if topology is None:
        return dump | ({"topology_format": "LAMMPSDUMP"} if dump else {})
    name = Path(topology).name.lower()
    lammps = name.endswith((".lmp", ".lammps", ".lammpsdata")) or name.startswith("data.")
    return dump | ({"topology_format": "DATA"} if lammps else {})


def _is_dump(file: Path) -> bool:
    return file.suffix.lower() in _DUMPS or file.name.lower().startswith("dump.")


def open_universe(universe: Any, frames: slice, name: str = "the universe") -> Opened:
    """Open an `MDAnalysis.Universe`."""
    bonds = _bonds(universe)
    molecules = None if bonds is None else np.asarray(universe.atoms.fragindices, dtype=np.int64)
    timed = str(getattr(universe.trajectory, "format", "")).upper() in _WITH_TIMES
    return (
        Header(elements(universe), molecules, bonds, timed),
        _universe_blocks(universe, frames, timed, name),
    )


def _universe_blocks(universe: Any, frames: slice, timed: bool, name: str) -> Iterator[Block]:
    steps: list[tuple[Array, Array, float, Array | None]] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for step in universe.trajectory[frames]:
                steps.append(_copied(step, timed))
                if len(steps) == BLOCK:
                    yield _block(steps)
                    steps = []
    except (OSError, EOFError, ValueError) as error:
        raise FormatError(f"{name}: MDAnalysis cannot read it ({first_sentence(error)})") from error
    if steps:
        yield _block(steps)


def _copied(step: Any, timed: bool) -> tuple[Array, Array, float, Array | None]:
    cell = np.zeros((3, 3)) if step.dimensions is None else _cell(step)
    time = float(step.time) * _PS if timed else float(step.data.get("step", np.nan))
    speeds = step.velocities.astype(float) / _PS if step.has_velocities else None
    return step.positions.astype(float), cell, time, speeds


def _block(steps: Sequence[tuple[Array, Array, float, Array | None]]) -> Block:
    positions, cells, times, speeds = zip(*steps, strict=True)
    moving = [v for v in speeds if v is not None]
    return Block(
        np.array(positions),
        np.array(cells),
        np.array(times),
        np.array(moving) if len(moving) == len(steps) else None,
    )


def _cell(step: Any) -> Array:
    return np.asarray(step.triclinic_dimensions, dtype=float)


def _bonds(universe: Any) -> NDArray[np.int64] | None:
    try:
        found = np.asarray(universe.bonds.indices, dtype=np.int64)
    except Exception:  # MDAnalysis has its own error for "no bonds", which cannot be imported here
        return None
    return found if len(found) else None


def elements(universe: Any) -> NDArray[np.int64]:
    """Return atomic numbers from elements, else masses, else names or types of atoms.

    Raises:
        FormatError: none of these tells the elements.
    """
    for guess in (_from_symbols("elements"), _from_masses, _from_symbols("names"),
                  _from_symbols("types")):  # fmt: skip
        found = guess(universe)
        if found is not None:
            return found
    raise FormatError(
        "neither elements nor masses of the atoms are known; give a topology that tells them "
        "(--topology)"
    )


def _attribute(universe: Any, name: str) -> Sequence[Any] | None:
    try:
        return list(getattr(universe.atoms, name))
    except Exception:  # absent attributes raise an error of MDAnalysis
        return None


def _from_symbols(attribute: str) -> Any:
    def guess(universe: Any) -> NDArray[np.int64] | None:
        values = _attribute(universe, attribute)
        if values is None:
            return None
        symbols = [str(v).strip().capitalize().rstrip("0123456789+-") for v in values]
        if not all(s in atomic_numbers and s != "X" for s in symbols):
            return None
        return np.array([atomic_numbers[s] for s in symbols], dtype=np.int64)

    return guess


def _from_masses(universe: Any) -> NDArray[np.int64] | None:
    values = _attribute(universe, "masses")
    if values is None:
        return None
    masses = np.asarray(values, dtype=float)
    difference = np.abs(atomic_masses[None, 1:] - masses[:, None])
    nearest = difference.argmin(axis=1)
    if (difference[np.arange(len(masses)), nearest] > 0.35).any():
        return None
    return np.asarray(nearest + 1, dtype=np.int64)
