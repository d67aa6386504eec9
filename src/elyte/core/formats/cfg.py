"""MLIP's `.cfg` format: frames with atom types 0, 1, …, energy, forces and PlusStress.

PlusStress = −V σ (σ in ASE's sign), in eV; the order is xx, yy, zz, yz, xz, xy. A frame without
a Supercell is not periodic, and its PlusStress belongs to no volume: it is left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import FormatError, UnknownSpecies
from elyte.core.formats.text import (
    floats,
    matrix_to_voigt,
    read_text,
    species_numbers,
    voigt_to_matrix,
    write_text,
)
from elyte.core.frame import Dataset, Frame, LabelledFrame, Labels

_STRESS_ORDER = ["xx", "yy", "zz", "yz", "xz", "xy"]


class _Block:
    """The lines of one BEGIN_CFG … END_CFG, by heading."""

    def __init__(self, lines: list[str], where: str) -> None:
        self.where = where
        self.size = 0
        self.cell: list[list[str]] = []
        self.columns: list[str] = []
        self.atoms: list[list[str]] = []
        self.energy: float | None = None
        self.plus_stress: NDArray[np.float64] | None = None
        self.features: dict[str, str] = {}
        self._take(iter(lines))

    def _take(self, lines: Iterator[str]) -> None:
        rows: list[list[str]] | None = None
        for line in lines:
            words = line.split()
            if not words:
                continue
            head = words[0].rstrip(":")
            if head == "Size":
                self.size = int(floats(next(lines, "").split(), self.where)[0])
            elif head == "Supercell":
                rows = self.cell
            elif head == "AtomData":
                self.columns, rows = words[1:], self.atoms
            elif head == "Energy":
                self.energy = float(floats(next(lines, "").split(), self.where)[0])
            elif head == "PlusStress":
                self._take_stress(words[1:], next(lines, "").split())
            elif head == "Feature":
                self.features[words[1]] = " ".join(words[2:])
            elif rows is not None and _is_number(words[0]):
                rows.append(words)
            else:
                raise FormatError(f"{self.where}: unknown heading '{line.strip()}'")

    def _take_stress(self, order: list[str], words: list[str]) -> None:
        if order != _STRESS_ORDER:
            raise FormatError(
                f"{self.where}: PlusStress in the order {' '.join(order)}; expected "
                + " ".join(_STRESS_ORDER)
            )
        self.plus_stress = voigt_to_matrix(floats(words, self.where), self.where)

    def column(self, *names: str) -> NDArray[np.float64] | None:
        """Return columns of the atoms, (n, k), or None when they are not there."""
        if any(name not in self.columns for name in names):
            return None
        places = [self.columns.index(name) for name in names]
        if len(self.atoms) != self.size or any(len(a) <= max(places) for a in self.atoms):
            raise FormatError(f"{self.where}: {self.size} whole lines of atoms expected")
        words = [atom[place] for atom in self.atoms for place in places]
        return floats(words, self.where).reshape(self.size, len(names))

    def frame(self, numbers: NDArray[np.int64]) -> Frame:
        """Return the structure."""
        types = self.column("type")
        if types is None:
            raise FormatError(f"{self.where}: the atoms have no column 'type'")
        kinds = types[:, 0].astype(int)
        if self.size and (kinds.max() >= len(numbers) or kinds.min() < 0):
            raise UnknownSpecies(
                f"{self.where}: atom type {kinds.max()} is there, but only {len(numbers)} species "
                "were named"
            )
        cell = self._cell()
        periodic = bool(cell.any())
        positions = self.column("cartes_x", "cartes_y", "cartes_z")
        if positions is None:
            direct = self.column("direct_x", "direct_y", "direct_z")
            if direct is None:
                raise FormatError(f"{self.where}: the atoms have no positions")
            positions = direct @ cell
        return Frame(numbers[kinds], positions, cell, np.full(3, periodic))

    def _cell(self) -> NDArray[np.float64]:
        if len(self.cell) not in (0, 3):
            raise FormatError(f"{self.where}: a Supercell of {len(self.cell)} vectors, not 3")
        rows = [floats(row, self.where) for row in self.cell]
        return np.array(rows) if rows else np.zeros((3, 3))

    def labels(self, frame: Frame) -> Labels:
        """Return energy, forces and stress."""
        if self.energy is None:
            raise FormatError(f"{self.where}: no Energy, so this is not a labelled frame")
        stress = None
        if self.plus_stress is not None and frame.volume > 0:
            stress = -self.plus_stress / frame.volume
        charges = self.column("charge")
        return Labels(
            energy=self.energy,
            forces=self.column("fx", "fy", "fz"),
            stress=stress,
            charges=None if charges is None else charges[:, 0],
            level=self.features.get("EFS_by", "").strip(),
        )


def read_cfg(
    path: str | os.PathLike[str], species: Sequence[int | str], config_type: str = ""
) -> Dataset:
    """Read labelled frames.

    Args:
        path: the file.
        species: the element of type 0, 1, …, by symbol or atomic number.
        config_type: for all frames.

    Raises:
        FormatError: not a `.cfg`, or a frame without energy or forces.
        UnknownSpecies: more types than species.
    """
    numbers = species_numbers(species)
    items = []
    for block in _blocks(path):
        frame = block.frame(numbers)
        labels = block.labels(frame)
        if labels.forces is None:
            raise FormatError(f"{block.where}: no forces (fx, fy, fz) in AtomData")
        items.append(LabelledFrame(frame, labels, config_type))
    return Dataset(items)


def read_cfg_frames(path: str | os.PathLike[str], species: Sequence[int | str]) -> list[Frame]:
    """Read structures alone; labels may be there or not.

    Raises:
        FormatError, UnknownSpecies: as `read_cfg`.
    """
    numbers = species_numbers(species)
    return [block.frame(numbers) for block in _blocks(path)]


def _blocks(path: str | os.PathLike[str]) -> Iterator[_Block]:
    lines: list[str] | None = None
    count = 0
    for line in read_text(path).splitlines():
        word = line.strip()
        if word == "BEGIN_CFG":
            lines = []
        elif word == "END_CFG" and lines is not None:
            yield _Block(lines, f"{path}, frame {count}")
            lines, count = None, count + 1
        elif lines is not None:
            lines.append(line)
    if lines is not None:
        raise FormatError(f"{path}, frame {count}: the file ends in the middle of a frame")
    if count == 0:
        raise FormatError(f"{path} has no BEGIN_CFG in it")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def write_cfg(path: str | os.PathLike[str], dataset: Dataset, species: Sequence[int | str]) -> None:
    """Write labelled frames for MLIP; numbers have 12 or more digits.

    Args:
        path: the file.
        dataset: frames with labels.
        species: the element of type 0, 1, …

    Raises:
        UnknownSpecies: a frame holds an element that is not among the species.
    """
    numbers = species_numbers(species)
    write_text(Path(path), "".join(_text(item, numbers) for item in dataset))


def _text(item: LabelledFrame, numbers: NDArray[np.int64]) -> str:
    frame, labels = item.frame, item.labels
    lines = ["BEGIN_CFG", " Size", f"    {len(frame)}"]
    if frame.pbc.any():
        lines += [" Supercell", *(_row(vector) for vector in frame.cell)]
    lines += _atom_lines(frame, labels, _types(frame, numbers))
    lines += [" Energy", f"    {labels.energy:.12f}"]
    if labels.stress is not None:
        names = "".join(f"{name:>20s}" for name in _STRESS_ORDER)
        plus_stress = matrix_to_voigt(labels.stress) * -frame.volume
        lines += [f" PlusStress: {names}", _row(plus_stress)]
    if labels.level:
        lines.append(f" Feature   EFS_by\t{labels.level}")
    return "\n".join([*lines, "END_CFG", "", ""])


def _types(frame: Frame, numbers: NDArray[np.int64]) -> list[int]:
    places = {int(z): index for index, z in enumerate(numbers)}
    missing = sorted(
        {s for s, z in zip(frame.symbols, frame.numbers, strict=True) if z not in places}
    )
    if missing:
        raise UnknownSpecies(f"species {', '.join(missing)} occur but were not named")
    return [places[int(z)] for z in frame.numbers]


def _atom_lines(frame: Frame, labels: Labels, types: list[int]) -> list[str]:
    columns = ["cartes_x", "cartes_y", "cartes_z"]
    arrays = [frame.positions]
    if labels.forces is not None:
        columns += ["fx", "fy", "fz"]
        arrays.append(labels.forces)
    if labels.charges is not None:
        columns.append("charge")
        arrays.append(labels.charges[:, None])
    table = np.hstack(arrays)
    head = f" AtomData:  id type{''.join(f'{name:>20s}' for name in columns)}"
    rows = zip(types, table, strict=True)
    return [head, *(f"  {i:12d} {kind:4d}{_row(row)}" for i, (kind, row) in enumerate(rows, 1))]


def _row(values: NDArray[np.float64]) -> str:
    return "".join(f" {x:20.12f}" for x in values)
