"""MLIP's own results for moment tensor potentials, and a small reader of `.cfg` files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elyte.core.frame import Frame

MOLECULES = [
    f"{molecule}/{level}"
    for molecule in ("291", "762")
    for level in ("02", "04", "06", "08", "10")
    if (molecule, level) != ("291", "04")
]
ELEMENTS = [1, 6, 8, 9, 15, 3]  # stand for the types 0, 1, 2, …


@dataclass(frozen=True, eq=False)
class Configuration:
    """One configuration of a `.cfg` file: eV and Å; virial = −PlusStress, the strain gradient."""

    frame: Frame
    energy: float | None
    forces: NDArray[np.float64] | None
    strain_gradient: NDArray[np.float64] | None


def read_cfg(path: Path, most: int | None = None) -> list[Configuration]:
    """Read the configurations of a `.cfg` file, the types as `ELEMENTS`."""
    blocks = path.read_text().split("BEGIN_CFG")[1:]
    return [_configuration(block) for block in blocks[:most]]


def _configuration(block: str) -> Configuration:
    lines = [line.split() for line in block.splitlines()]
    starts = {line[0].rstrip(":"): k for k, line in enumerate(lines) if line}
    n = int(lines[starts["Size"] + 1][0])
    cell = np.zeros((3, 3))
    if "Supercell" in starts:
        at = starts["Supercell"]
        cell = np.array(lines[at + 1 : at + 4], dtype=float)
    at = starts["AtomData"]
    names = lines[at][1:]
    table = np.array(lines[at + 1 : at + 1 + n], dtype=float)

    def columns(*wanted: str) -> NDArray[np.float64]:
        return table[:, [names.index(name) for name in wanted]]

    numbers = [ELEMENTS[int(kind)] for kind in columns("type")[:, 0]]
    frame = Frame(numbers, columns("cartes_x", "cartes_y", "cartes_z"), cell, bool(cell.any()))
    energy = float(lines[starts["Energy"] + 1][0]) if "Energy" in starts else None
    gradient = None
    if "PlusStress" in starts:
        xx, yy, zz, yz, xz, xy = map(float, lines[starts["PlusStress"] + 1])
        gradient = -np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    forces = columns("fx", "fy", "fz") if "fx" in names else None
    return Configuration(frame, energy, forces, gradient)
