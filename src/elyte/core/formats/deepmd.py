"""DeePMD's folders: `type.raw`, `type_map.raw` and `set.*/{coord,box,energy,force,virial}.npy`.

eV and Å; the virial is −V σ (σ in ASE's sign), in eV, nine numbers. A file `nopbc` says that
the frames are not periodic.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from elyte.core.errors import FormatError, InputError
from elyte.core.formats.text import species_numbers
from elyte.core.frame import Dataset, Frame, LabelledFrame, Labels


def is_deepmd(folder: Path) -> bool:
    """Whether a folder, or one below it, is in this format."""
    return folder.is_dir() and any(folder.rglob("type.raw"))


def read_deepmd(folder: str | os.PathLike[str], config_type: str = "") -> Dataset:
    """Read a system, or every system below a folder, in the order of their names.

    Raises:
        FormatError: a missing or misshapen file, or types without names.
    """
    systems = sorted(path.parent for path in Path(folder).rglob("type.raw"))
    if not systems:
        raise FormatError(f"{folder}: no type.raw in it or below it")
    return Dataset(item for system in systems for item in _read_system(system, config_type))


def _read_system(folder: Path, config_type: str) -> list[LabelledFrame]:
    types = np.array((folder / "type.raw").read_text().split(), dtype=np.int64)
    if not (folder / "type_map.raw").is_file():
        raise FormatError(f"{folder}: no type_map.raw, so the elements are not known")
    names = (folder / "type_map.raw").read_text().split()
    if len(types) and types.max() >= len(names):
        raise FormatError(f"{folder}: type {types.max()} is not among {len(names)} names")
    numbers = species_numbers(names)[types]
    sets = sorted(folder.glob("set.*"))
    if not sets:
        raise FormatError(f"{folder}: no folder set.*")
    periodic = not (folder / "nopbc").exists()
    return [item for part in sets for item in _read_set(part, numbers, periodic, config_type)]


def _read_set(
    folder: Path, numbers: NDArray[np.int64], periodic: bool, config_type: str
) -> list[LabelledFrame]:
    n = len(numbers)
    coord = _load(folder, "coord", 3 * n)
    energy = _load(folder, "energy", 1)
    force = _load(folder, "force", 3 * n)
    if coord is None or energy is None or force is None:
        raise FormatError(f"{folder}: coord.npy, energy.npy and force.npy must be there")
    box = _load(folder, "box", 9) if periodic else None
    if periodic and box is None:
        raise FormatError(f"{folder}: no box.npy, and no file nopbc that says so")
    virial = _load(folder, "virial", 9) if periodic else None
    items = []
    for index, positions in enumerate(coord):
        cell = np.zeros((3, 3)) if box is None else box[index].reshape(3, 3)
        frame = Frame(numbers, positions.reshape(n, 3), cell, np.full(3, periodic))
        stress = None if virial is None else -virial[index].reshape(3, 3) / frame.volume
        labels = Labels(energy[index, 0], force[index].reshape(n, 3), stress)
        items.append(LabelledFrame(frame, labels, config_type))
    return items


def _load(folder: Path, name: str, width: int) -> NDArray[np.float64] | None:
    path = folder / f"{name}.npy"
    if not path.is_file():
        return None
    try:
        values = np.load(path, allow_pickle=False)
        return np.asarray(values, dtype=float).reshape(-1, width)
    except ValueError as error:
        raise FormatError(f"{path} does not hold {width} numbers a frame: {error}") from error


def write_deepmd(folder: str | os.PathLike[str], dataset: Dataset) -> None:
    """Write a folder for each composition (one alone goes into `folder` itself).

    Args:
        folder: made when it is not there.
        dataset: frames with forces; a virial is written when all frames of a composition have
            a stress.

    Raises:
        InputError: frames without forces, or periodic and not periodic ones of one composition.
    """
    groups: dict[tuple[int, ...], list[LabelledFrame]] = {}
    for item in dataset:
        groups.setdefault(tuple(item.frame.numbers.tolist()), []).append(item)
    for index, items in enumerate(groups.values()):
        target = Path(folder) if len(groups) == 1 else Path(folder) / f"system_{index:03d}"
        _write_system(target, items, dataset.species)


def _write_system(folder: Path, items: list[LabelledFrame], species: list[int]) -> None:
    first = items[0].frame
    if any(item.labels.forces is None for item in items):
        raise InputError(f"{folder}: DeePMD's format needs forces in every frame")
    if len({bool(item.frame.pbc.all()) for item in items}) > 1:
        raise InputError(f"{folder}: periodic and not periodic frames of one composition")
    part = folder / "set.000"
    part.mkdir(parents=True, exist_ok=True)
    places = {z: index for index, z in enumerate(species)}
    types = [places[int(z)] for z in first.numbers]
    (folder / "type.raw").write_text("".join(f"{kind}\n" for kind in types))
    (folder / "type_map.raw").write_text("".join(f"{chemical_symbols[z]}\n" for z in species))
    n = len(items)
    np.save(part / "coord.npy", np.stack([i.frame.positions for i in items]).reshape(n, -1))
    np.save(part / "energy.npy", np.array([item.labels.energy for item in items]))
    forces = np.stack([np.asarray(item.labels.forces) for item in items])
    np.save(part / "force.npy", forces.reshape(n, -1))
    if not first.pbc.all():
        (folder / "nopbc").write_text("")
        return
    np.save(part / "box.npy", np.stack([item.frame.cell for item in items]).reshape(n, 9))
    if all(item.labels.stress is not None for item in items):
        virials = [-np.asarray(i.labels.stress) * i.frame.volume for i in items]
        np.save(part / "virial.npy", np.stack(virials).reshape(n, 9))
