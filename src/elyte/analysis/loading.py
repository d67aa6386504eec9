"""Trajectories of other programs: whatever MDAnalysis reads, extxyz, H5MD.

A time step is taken from a file only where its format stores one; many readers invent 1 ps.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ase.io
import h5py
import numpy as np
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray

from elyte.analysis.unwrap import unwrap
from elyte.core.errors import FormatError, InputError, MissingDependency
from elyte.core.frame import Frame
from elyte.core.trajectory import Trajectory, read_h5md

Array = NDArray[np.float64]

_WITH_TIMES = frozenset({"TRR", "XTC", "H5MD", "NCDF", "TNG", "MOCKH5"})
"""Formats of MDAnalysis that store times; of others its times are made up."""
_ASE = frozenset({".extxyz", ".xyz", ".traj"})
_PS = 1000.0  # fs


def load(
    path: str | Path,
    topology: str | Path | None = None,
    timestep: float | None = None,
    unwrapped: bool = False,
    frames: slice = slice(None),
) -> Trajectory:
    """Read a trajectory.

    Args:
        path: H5MD, extxyz, or what MDAnalysis reads.
        topology: file with elements (or masses) and bonds, where the trajectory has none.
        timestep: fs between frames as they are stored; None: the file's own, where it has one.
        unwrapped: the positions are not wrapped into the box, also in a fluctuating one.
        frames: which frames.

    Returns:
        Trajectory with unwrapped positions; times are nan where no time step is known.

    Raises:
        FormatError: a file that cannot be read, or without elements.
        MissingDependency: MDAnalysis is needed and not installed.
        InputError: a time step that is not positive, no frames.
    """
    file = Path(path)
    if not file.exists():
        raise FormatError(f"{file}: no such file")
    if timestep is not None and not (np.isfinite(timestep) and timestep > 0):
        raise InputError(f"the time step is {timestep} fs; it must be a positive number")
    own = topology is None and _is_own(file)
    if own:
        raw = read_h5md(file, frames)
    elif topology is None and file.suffix.lower() in _ASE:
        raw = _read_ase(file, frames)
    else:
        raw = _read_mdanalysis(file, topology, frames)
    if not len(raw):
        raise InputError(f"{file}: no frames in the chosen range")
    if timestep is not None:
        stride = abs(frames.step or 1)
        raw = replace(raw, times=timestep * stride * np.arange(len(raw)))
    if own or unwrapped or not raw.pbc.all():
        return raw
    return replace(raw, positions=unwrap(raw.positions, raw.cells))


def _is_own(file: Path) -> bool:
    """Whether a file is H5MD as elyte writes it: with elements, and unwrapped."""
    if file.suffix.lower() not in {".h5", ".h5md", ".hdf5"}:
        return False
    try:
        return "elyte" in str(h5py.File(file, "r", locking=False)["h5md/creator"].attrs["name"])
    except (OSError, KeyError):
        # A file that is being written, or was left by a kill, is read by our own reader.
        return True


def _read_ase(file: Path, frames: slice) -> Trajectory:
    try:
        read: Any = ase.io.read(file, index=frames)
    except Exception as error:  # readers of other people's files raise anything
        raise FormatError(f"{file}: cannot be read ({error})") from error
    structures = [Frame.from_ase(atoms) for atoms in (read if isinstance(read, list) else [read])]
    if not structures:
        raise InputError(f"{file}: no frames in the chosen range")
    raw = Trajectory.from_frames(structures, np.full(len(structures), np.nan))
    if all("momenta" in atoms.arrays for atoms in read):
        factor = ase.units.fs  # ASE's time unit
        return replace(raw, velocities=np.stack([a.get_velocities() * factor for a in read]))
    return raw


def _read_mdanalysis(file: Path, topology: str | Path | None, frames: slice) -> Trajectory:
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
            files = [str(file)] if topology is None else [str(topology), str(file)]
            return from_universe(mda.Universe(*files), frames)
        except InputError:
            raise
        except Exception as error:  # readers of other people's files raise anything
            hint = "" if topology else "; give a topology by --topology"
            raise FormatError(f"{file}: MDAnalysis cannot read it ({error}){hint}") from error


def from_universe(universe: Any, frames: slice = slice(None)) -> Trajectory:
    """Take the trajectory of an `MDAnalysis.Universe`, wrapped or not as it is there.

    Times are nan where the format does not store them. Molecules are those of the bonds, where
    the topology has bonds.
    """
    reader = universe.trajectory[frames]
    positions, cells, times, velocities = [], [], [], []
    for step in reader:
        positions.append(step.positions.astype(float))
        cells.append(np.zeros((3, 3)) if step.dimensions is None else _cell(step))
        times.append(float(step.time) * _PS)
        if step.has_velocities:
            velocities.append(step.velocities.astype(float) / _PS)
    format_ = str(getattr(universe.trajectory, "format", "")).upper()
    known = format_ in _WITH_TIMES
    boxes = np.array(cells).reshape(-1, 3, 3)
    return Trajectory(
        numbers=elements(universe),
        positions=np.array(positions).reshape(len(boxes), -1, 3),
        cells=boxes,
        times=np.array(times) if known else np.full(len(times), np.nan),
        velocities=np.array(velocities) if len(velocities) == len(times) > 0 else None,
        molecules=_fragments(universe),
        pbc=np.full(3, bool((np.abs(np.linalg.det(boxes)) > 0).all())),
    )


def _cell(step: Any) -> Array:
    return np.asarray(step.triclinic_dimensions, dtype=float)


def _fragments(universe: Any) -> NDArray[np.int64] | None:
    try:
        if not len(universe.bonds):
            return None
        return np.asarray(universe.atoms.fragindices, dtype=np.int64)
    except Exception:  # MDAnalysis has its own error for "no bonds", which cannot be imported here
        return None


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
        "the topology tells neither elements nor masses of its atoms; give one that does"
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
