"""Small helpers that the text formats share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from elyte.core.errors import FormatError, InputError, did_you_mean


def write_text(path: Path, text: str) -> None:
    """Write a file beside its place and rename it, so that nobody reads half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a file.

    Raises:
        FormatError: it is not there, or is not text.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FormatError(f"there is no file {path}") from None
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise FormatError(f"{path} is not a text file") from error


def voigt_to_matrix(values: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    """Return (3, 3) from six numbers (xx, yy, zz, yz, xz, xy, ASE's order) or nine.

    Raises:
        FormatError: another count of numbers.
    """
    if values.size == 6:
        xx, yy, zz, yz, xz, xy = values.ravel()
        return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    if values.size == 9:
        return values.reshape(3, 3)
    raise FormatError(f"{where}: a stress or virial has 6 or 9 numbers, not {values.size}")


def matrix_to_voigt(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return xx, yy, zz, yz, xz, xy of a symmetric (3, 3)."""
    return matrix.ravel()[[0, 4, 8, 5, 2, 1]]


def species_numbers(species: Sequence[int | str]) -> NDArray[np.int64]:
    """Return atomic numbers of elements given by number or symbol.

    Raises:
        InputError: something that is no element.
    """
    numbers = []
    for item in species:
        if isinstance(item, str) and not item.isdigit():
            if item not in atomic_numbers:
                known = [name for name in atomic_numbers if name != "X"]
                raise InputError(f"'{item}' is no element{did_you_mean(item, known)}")
            numbers.append(atomic_numbers[item])
        else:
            numbers.append(int(item))
    return np.array(numbers, dtype=np.int64)


def floats(words: Sequence[str], where: str) -> NDArray[np.float64]:
    """Return words as numbers.

    Raises:
        FormatError: a word that is none.
    """
    try:
        return np.array([float(word) for word in words])
    except ValueError:
        raise FormatError(f"{where}: expected numbers, found '{' '.join(words)}'") from None
