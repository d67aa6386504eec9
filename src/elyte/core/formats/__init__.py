"""Files of labelled frames, read by content and suffix, in elyte's units and signs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from elyte.core.errors import FormatError
from elyte.core.formats.cfg import read_cfg, read_cfg_frames, write_cfg
from elyte.core.formats.deepmd import is_deepmd, read_deepmd, write_deepmd
from elyte.core.formats.extxyz import (
    Keys,
    frame_from_atoms,
    read_ase,
    read_extxyz,
    write_extxyz,
)
from elyte.core.formats.n2p2 import read_n2p2
from elyte.core.formats.outcar import ENERGIES, read_outcar
from elyte.core.frame import Dataset, Frame
from elyte.core.h5md import SUFFIXES as H5MD_SUFFIXES
from elyte.core.h5md import read_h5md

__all__ = [
    "read_dataset",
    "read_frames",
    "write_cfg",
    "write_dataset",
    "write_deepmd",
    "write_extxyz",
]

SUPPORTED = "extended XYZ (.xyz, .extxyz), .cfg, OUTCAR, a DeePMD folder, or n2p2's input.data"


def read_dataset(
    path: str | os.PathLike[str],
    energy_key: str | None = None,
    forces_key: str | None = None,
    stress_key: str | None = None,
    species: Sequence[int | str] | None = None,
) -> Dataset:
    """Read labelled frames from a file (or DeePMD folder) in any supported format.

    Args:
        path: file or folder.
        energy_key: other name of the energy in an extended XYZ; for an OUTCAR "free_energy"
            (the default), "energy_without_entropy" or "energy_sigma_0".
        forces_key: other name of the forces in an extended XYZ; "none" when there are none.
        stress_key: other name of the stress (or of the virial) in an extended XYZ; "none" to
            leave it out.
        species: elements of type 0, 1, … of a `.cfg`, which does not name them.

    Raises:
        FormatError: no such file, an unknown format, or labels that are missing or doubtful;
            the message says which names were found.
    """
    kind = _kind(Path(path))
    if kind == "cfg":
        return read_cfg(path, _named(species, path))
    if kind == "deepmd":
        return read_deepmd(path)
    if kind == "outcar":
        return read_outcar(path, energy_key or next(iter(ENERGIES)))
    if kind == "n2p2":
        return read_n2p2(path)
    return read_extxyz(path, Keys(energy_key, forces_key, stress_key))


def read_frames(
    path: str | os.PathLike[str], species: Sequence[int | str] | None = None
) -> list[Frame]:
    """Read structures alone: `.cfg`, a DeePMD folder, n2p2, H5MD, or any format that ASE reads.

    Raises:
        FormatError: no such file, or nothing that can be read.
    """
    kind = _kind(Path(path), strict=False)
    if kind == "cfg":
        return read_cfg_frames(path, _named(species, path))
    if kind == "deepmd":
        return read_deepmd(path).frames
    if kind == "n2p2":
        return read_n2p2(path).frames
    if kind == "h5md":
        return read_h5md(Path(path)).frames
    images = read_ase(path, "extxyz" if kind == "extxyz" else None)
    return [frame_from_atoms(atoms, f"{path}, frame {i}") for i, atoms in enumerate(images)]


def write_dataset(
    path: str | os.PathLike[str], dataset: Dataset, species: Sequence[int | str] | None = None
) -> None:
    """Write by suffix: `.xyz`/`.extxyz`, `.cfg`/`.cfgs`, or a DeePMD folder (no suffix).

    Raises:
        FormatError: another suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix in (".xyz", ".extxyz"):
        write_extxyz(path, dataset)
    elif suffix in (".cfg", ".cfgs"):
        write_cfg(path, dataset, dataset.species if species is None else species)
    elif suffix == "":
        write_deepmd(path, dataset)
    else:
        raise FormatError(f"cannot write '{suffix}': use .extxyz, .cfg, or a folder for DeePMD")


def _named(
    species: Sequence[int | str] | None, path: str | os.PathLike[str]
) -> Sequence[int | str]:
    if species is None:
        raise FormatError(
            f"{path}: a .cfg numbers its atom types 0, 1, … without naming elements: give them in "
            "order (--species Li,Ti,O; in Python species=['Li', 'Ti', 'O'])"
        )
    return species


def _kind(path: Path, strict: bool = True) -> str:
    """Return the format by folder, suffix, or the first lines."""
    if is_deepmd(path):
        return "deepmd"
    if not path.is_file():
        if path.is_dir():
            raise FormatError(
                f"{path} is a folder, and not one of DeePMD (no type.raw in it): name its files"
            )
        raise FormatError(f"there is no file {path}")
    if not path.stat().st_size:
        raise FormatError(f"{path} is empty")
    if path.suffix.lower() in H5MD_SUFFIXES and not strict:
        return "h5md"
    with open(path, "rb") as handle:
        head = handle.read(2000).decode("utf-8", errors="replace").lstrip()
    first = head.partition("\n")[0].strip()
    if head.startswith("BEGIN_CFG") or path.suffix.lower() in (".cfg", ".cfgs"):
        return "cfg"
    if first.startswith("vasp.") or path.name.upper().startswith("OUTCAR"):
        return "outcar"
    if first == "begin":
        return "n2p2"
    if first.isdigit():
        return "extxyz"
    if strict:
        raise FormatError(f"{path} is in no format that holds labels here: {SUPPORTED}")
    return "ase"
