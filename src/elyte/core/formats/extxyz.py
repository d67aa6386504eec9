"""Extended XYZ, the exchange format for labelled frames.

Written: `REF_energy` (eV), `REF_forces` (eV/Å), `REF_stress` (eV/Å³, ASE's sign, nine numbers),
`REF_charges` (e), `config_type`, `level`, `molecules`. Read: the same, or the bare keys `energy`,
`forces`, `stress`, `virial`, or the keys that the caller names. A virial (eV) becomes a stress by
σ = −virial/V.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ase
import ase.io
import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import FormatError
from elyte.core.formats.text import voigt_to_matrix, write_text
from elyte.core.frame import Dataset, Frame, LabelledFrame, Labels

_FAMILIES = ("REF_", "")
_MOLECULE_KEYS = ("molecules", "molID", "mol_id", "molecule_id")
NONE = "none"
"""A key of this name says that the file has no such label and that this is known."""


@dataclass(frozen=True)
class Keys:
    """Under which names a file holds its labels; None looks for the usual names."""

    energy: str | None = None
    forces: str | None = None
    stress: str | None = None


def read_extxyz(path: str | os.PathLike[str], keys: Keys | None = None) -> Dataset:
    """Read labelled frames.

    Args:
        path: the file.
        keys: other names for energy, forces and stress (or virial: a name that has "virial" in
            it); "none" for what the file knowingly has not.

    Raises:
        FormatError: labels that are not there (the message has the names that are), both a
            stress and a virial, constraints, or text that is not extended XYZ.
    """
    frames = read_ase(path, "extxyz")
    chosen = keys or Keys()
    if chosen.stress not in (None, NONE, *(name for atoms in frames for name in _values(atoms))):
        raise FormatError(f"{path}: no frame has a stress under the key '{chosen.stress}'")
    return Dataset(
        _labelled(atoms, chosen, f"{path}, frame {index}") for index, atoms in enumerate(frames)
    )


def read_ase(path: str | os.PathLike[str], file_format: str | None = None) -> list[ase.Atoms]:
    """Read all images of a file through ASE.

    Raises:
        FormatError: ASE cannot read it, or there are no images in it.
    """
    try:
        images = ase.io.read(os.fspath(path), index=":", format=file_format)
    except FileNotFoundError:
        raise FormatError(f"there is no file {path}") from None
    except Exception as error:  # ASE's readers raise whatever they stumble over
        raise FormatError(f"{path} cannot be read: {error or type(error).__name__}") from error
    if not images:
        raise FormatError(f"{path} has no frames in it")
    return list(images)


def read_momenta(path: str | os.PathLike[str]) -> list[NDArray[np.float64] | None] | None:
    """Return the momenta that an extended XYZ holds, √(u eV), frame by frame; None for others.

    They are no labels, but tell whether a stress has the motion of the atoms in it.
    """
    if Path(path).suffix.lower() not in (".xyz", ".extxyz"):
        return None
    images = read_ase(path, "extxyz")
    return [np.asarray(a.get_momenta()) if "momenta" in a.arrays else None for a in images]


def frame_from_atoms(atoms: ase.Atoms, where: str) -> Frame:
    """Take a structure, with molecule ids under any of their usual names.

    Raises:
        FormatError: the atoms carry constraints, or a cell that cannot be.
    """
    if atoms.constraints:
        raise FormatError(
            f"{where}: the atoms carry constraints ({type(atoms.constraints[0]).__name__}), which "
            "set forces to zero: remove them (the column move_mask) and label the frame again"
        )
    ids = next((atoms.arrays[key] for key in _MOLECULE_KEYS if key in atoms.arrays), None)
    try:
        return Frame(
            atoms.numbers,
            atoms.positions,
            np.asarray(atoms.cell),
            atoms.pbc,
            None if ids is None else np.asarray(ids, dtype=np.int64),
        )
    except ValueError as error:
        raise FormatError(f"{where}: {error}") from error


def _labelled(atoms: ase.Atoms, keys: Keys, where: str) -> LabelledFrame:
    frame = frame_from_atoms(atoms, where)
    values = _values(atoms)
    prefix = _family(values)
    energy = _find(values, keys.energy, prefix + "energy", "energy", where)
    forces = _find(values, keys.forces, prefix + "forces", "forces", where)
    labels = Labels(
        energy=_energy(energy, where),
        forces=_forces(forces, frame, where),
        stress=_stress(values, keys.stress, prefix, frame, where),
        charges=values.get("REF_charges", values.get("charges")),
        level=str(values.get("level", "")),
    )
    return LabelledFrame(frame, labels, str(values.get("config_type", "")))


def _values(atoms: ase.Atoms) -> dict[str, Any]:
    """Everything that a frame carries by name; ASE hides bare keys in a calculator."""
    results = {} if atoms.calc is None else dict(atoms.calc.results)
    return {**results, **atoms.arrays, **atoms.info}


def _family(values: Mapping[str, Any]) -> str:
    """Return the prefix of the first usual name that is there: all labels must share it."""
    names = ("energy", "forces", "stress", "virial")
    return next((p for p in _FAMILIES if any(p + name in values for name in names)), "")


def _find(
    values: Mapping[str, Any], chosen: str | None, usual: str, what: str, where: str
) -> Any | None:
    key = usual if chosen is None else chosen
    if key == NONE or (what == "forces" and key not in values and len(values["numbers"]) == 1):
        return None
    if key not in values:
        raise FormatError(f"{where}: no {what} under the key '{key}'; {_hint(values, what)}")
    return values[key]


def _hint(values: Mapping[str, Any], what: str) -> str:
    """Say which names are there, those that look like the wanted one first."""
    structure = {"numbers", "positions", *_MOLECULE_KEYS}
    names = sorted(name for name in values if name not in structure)
    stem = what.rstrip("s")[:5]
    near = [name for name in names if stem in name.lower()]
    option = f"--{what}-key"
    if near:
        found = ", ".join(f"'{name}'" for name in near)
        return f"found {found}: if it is what is meant, name it by {option} ({what}_key=...)"
    return f"the keys in the file are {', '.join(names) or 'none at all'} ({option} names another)"


def _energy(value: Any, where: str) -> float:
    if value is None:
        raise FormatError(f"{where}: a labelled frame needs an energy")
    if np.size(value) != 1 or isinstance(value, str):
        raise FormatError(f"{where}: the energy is {value!r}, not a number")
    return float(np.asarray(value, dtype=float).reshape(()))


def _forces(value: Any, frame: Frame, where: str) -> NDArray[np.float64] | None:
    if value is None:
        return None
    forces = np.asarray(value)
    if forces.shape != (len(frame), 3) or forces.dtype.kind not in "fi":
        raise FormatError(f"{where}: forces of shape {forces.shape} for {len(frame)} atoms")
    return forces.astype(float)


def _stress(
    values: Mapping[str, Any], chosen: str | None, prefix: str, frame: Frame, where: str
) -> NDArray[np.float64] | None:
    key = _stress_key(values, prefix, where) if chosen is None else chosen
    if key is None or key not in values:  # isolated atoms of a set may lack it
        return None
    matrix = voigt_to_matrix(np.asarray(values[key], dtype=float), f"{where}, {key}")
    if "virial" not in key.lower():
        return matrix
    if frame.volume > 0:
        return -matrix / frame.volume
    if matrix.any():
        raise FormatError(f"{where}: a virial needs a cell, for stress = −virial/volume")
    return None


def _stress_key(values: Mapping[str, Any], prefix: str, where: str) -> str | None:
    """Return the usual name of stress or virial; a name that might be meant is not passed over."""
    names = [name for name in (prefix + "stress", prefix + "virial") if name in values]
    if len(names) > 1:
        raise FormatError(
            f"{where}: both {names[0]} and {names[1]} are there; name the one that is meant by "
            "--stress-key (stress_key=...)"
        )
    if names:
        return names[0]
    usual = ("stress", "virial")
    doubtful = [
        name for name in values if name in usual or (not prefix and name.lower().endswith(usual))
    ]
    if doubtful:
        raise FormatError(
            f"{where}: found '{doubtful[0]}', which may be the stress: name it by --stress-key "
            "(stress_key=...), or give 'none' to leave it out"
        )
    return None


def write_extxyz(path: str | os.PathLike[str], dataset: Dataset) -> None:
    """Write labelled frames; every number reads back exactly as it was.

    Raises:
        OSError: the file cannot be written.
    """
    write_text(Path(path), "".join(_block(item) for item in dataset))


def _block(item: LabelledFrame) -> str:
    frame, labels = item.frame, item.labels
    columns: list[tuple[str, NDArray[Any]]] = [("pos:R:3", frame.positions)]
    if frame.molecules is not None:
        columns.append(("molecules:I:1", frame.molecules[:, None]))
    if labels.forces is not None:
        columns.append(("REF_forces:R:3", labels.forces))
    if labels.charges is not None:
        columns.append(("REF_charges:R:1", labels.charges[:, None]))
    rows = [
        " ".join([symbol, *(repr(x) for _, array in columns for x in array[i].tolist())])
        for i, symbol in enumerate(frame.symbols)
    ]
    properties = ":".join(["species:S:1", *(name for name, _ in columns)])
    return "\n".join([str(len(frame)), _comment(item, properties), *rows]) + "\n"


def _comment(item: LabelledFrame, properties: str) -> str:
    frame, labels = item.frame, item.labels
    parts = [] if not frame.cell.any() else [f'Lattice="{_numbers(frame.cell)}"']
    parts += [f"Properties={properties}", f"REF_energy={labels.energy!r}"]
    if labels.stress is not None:
        parts.append(f'REF_stress="{_numbers(labels.stress)}"')
    for name, text in (("config_type", item.config_type), ("level", labels.level)):
        if text:
            parts.append(f'{name}="{_escaped(text)}"')
    periodic = " ".join("T" if flag else "F" for flag in frame.pbc)
    return " ".join([*parts, f'pbc="{periodic}"'])


def _numbers(array: NDArray[np.float64]) -> str:
    return " ".join(repr(x) for x in array.ravel().tolist())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
