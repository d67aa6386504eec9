"""Crystals read from a structure file, and supercells of them near a wanted size."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import ase
import ase.io
import numpy as np

from elyte.core.errors import FormatError, InputError
from elyte.core.frame import Frame

Repeat = tuple[int, int, int]


@dataclass(frozen=True)
class SolidCell:
    """A supercell of a crystal.

    Args:
        repeat: how often the file's cell is repeated along each vector.
        counts: symbol → atoms.
        mass: u.
        volume: Å³.
        width: smallest distance between opposite faces, Å.
    """

    repeat: Repeat
    counts: dict[str, int]
    mass: float
    volume: float
    width: float

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return sum(self.counts.values())


def read_structure(
    path: str | os.PathLike[str], repeat: Repeat = (1, 1, 1), atoms: int | None = None
) -> Frame:
    """Read a crystal (CIF, POSCAR, extxyz, … whatever ASE reads).

    Args:
        path: of the file; its last frame is taken.
        repeat: supercell.
        atoms: instead of `repeat`, choose the most cubic supercell of about so many atoms.

    Raises:
        InputError: no such file.
        FormatError: a file that cannot be read, has no periodic cell, or partly occupied sites.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no structure file '{path}'")
    try:
        read = ase.io.read(path, index=-1)
    except Exception as error:
        raise FormatError(f"'{path.name}' is not a structure that ASE can read: {error}") from error
    assert isinstance(read, ase.Atoms)  # one index gives one structure
    if len(read) == 0 or not read.pbc.all():
        raise FormatError(f"'{path.name}' has no periodic cell; a solid needs one")
    occupancy = read.info.get("occupancy") or {}
    if any(abs(sum(o.values()) - 1.0) > 1e-3 or len(o) > 1 for o in occupancy.values()):
        raise FormatError(
            f"'{path.name}' has partly occupied sites; give an ordered structure instead"
        )
    frame = Frame(read.numbers, read.positions, read.cell, read.pbc)
    return supercell(frame, best_repeat(frame, atoms) if atoms is not None else repeat)


def supercell(frame: Frame, repeat: Repeat) -> Frame:
    """Return a cell repeated along its three vectors."""
    shifts = np.array(list(product(*(range(n) for n in repeat))), dtype=float) @ frame.cell
    positions = (shifts[:, None, :] + frame.positions).reshape(-1, 3)
    return Frame(
        np.tile(frame.numbers, len(shifts)),
        positions,
        frame.cell * np.array(repeat)[:, None],
        frame.pbc,
    )


def _widths(cell: np.ndarray) -> np.ndarray:
    """Return the distances between opposite faces of a cell, Å, (3,)."""
    return np.asarray(1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0))


def best_repeat(frame: Frame, atoms: int) -> Repeat:
    """Return the repeats that make a cell nearest to cubic with about so many atoms."""
    widths = _widths(frame.cell)
    edge = (atoms / len(frame) * frame.volume) ** (1 / 3)
    choices = [
        sorted({max(1, int(np.floor(edge / w))), max(1, int(np.ceil(edge / w)))}) for w in widths
    ]

    def badness(repeat: tuple[int, ...]) -> float:
        size = abs(np.log(np.prod(repeat) * len(frame) / atoms))
        edges = np.log(np.array(repeat) * widths)
        return float(size + 0.5 * (edges.max() - edges.min()))

    best = min(product(*choices), key=badness)
    return best[0], best[1], best[2]


def solid_cells(
    path: str | os.PathLike[str], label_atoms: int, production_atoms: int
) -> tuple[SolidCell, SolidCell]:
    """Return the supercells of a structure file for labelling and for production."""
    frame = read_structure(path)
    return _cell(frame, label_atoms), _cell(frame, production_atoms)


def _cell(frame: Frame, atoms: int) -> SolidCell:
    repeat = best_repeat(frame, atoms)
    whole = supercell(frame, repeat)
    return SolidCell(
        repeat=repeat,
        counts=dict(sorted(Counter(whole.symbols).items())),
        mass=float(whole.masses.sum()),
        volume=whole.volume,
        width=float(_widths(whole.cell).min()),
    )
