"""n2p2's `input.data`: blocks from "begin" to "end", without a word about units.

The usual unit is Hartree and bohr (RuNNer's), which is what is assumed unless other units are
named. The format has no stress.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from elyte.core.errors import FormatError
from elyte.core.formats.text import floats, read_text, species_numbers
from elyte.core.frame import Dataset, Frame, LabelledFrame, Labels
from elyte.core.units import BOHR, HARTREE


def read_n2p2(
    path: str | os.PathLike[str],
    energy_unit: float = HARTREE,
    length_unit: float = BOHR,
    config_type: str = "",
) -> Dataset:
    """Read labelled frames.

    Args:
        path: the file.
        energy_unit: eV in one energy unit of the file.
        length_unit: Å in one length unit of the file.
        config_type: for all frames.

    Raises:
        FormatError: not this format, or a frame that is not whole.
    """
    items = []
    for index, lines in enumerate(_blocks(path)):
        where = f"{path}, frame {index}"
        items.append(_frame(lines, energy_unit, length_unit, where, config_type))
    if not items:
        raise FormatError(f"{path} has no 'begin' in it")
    return Dataset(items)


def _blocks(path: str | os.PathLike[str]) -> Iterator[list[list[str]]]:
    block: list[list[str]] | None = None
    for line in read_text(path).splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "begin":
            block = []
        elif words[0] == "end" and block is not None:
            yield block
            block = None
        elif block is not None:
            block.append(words)
    if block is not None:
        raise FormatError(f"{path}: the file ends in the middle of a frame")


def _frame(
    lines: list[list[str]], energy_unit: float, length_unit: float, where: str, config_type: str
) -> LabelledFrame:
    cell = [floats(words[1:4], where) for words in lines if words[0] == "lattice"]
    atoms = [words for words in lines if words[0] == "atom"]
    energies = [words[1] for words in lines if words[0] == "energy"]
    if len(cell) not in (0, 3) or not atoms or len(energies) != 1:
        raise FormatError(f"{where}: expected 0 or 3 lattice vectors, atoms and one energy")
    if any(len(words) != 10 for words in atoms):
        raise FormatError(f"{where}: an atom line has 10 words: x y z, element, charge, 0, forces")
    numbers = species_numbers([words[4] for words in atoms])
    values = np.array([floats(words[1:4] + words[5:], where) for words in atoms])
    frame = Frame(
        numbers,
        values[:, :3] * length_unit,
        np.array(cell) * length_unit if cell else np.zeros((3, 3)),
        np.full(3, bool(cell)),
    )
    labels = Labels(
        energy=float(floats(energies, where)[0]) * energy_unit,
        forces=values[:, 5:] * (energy_unit / length_unit),
        charges=values[:, 3] if values[:, 3].any() else None,
    )
    return LabelledFrame(frame, labels, config_type)
