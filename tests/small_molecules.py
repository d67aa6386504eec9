"""Small molecules with known bonds, for tests of sites and shapes."""

from __future__ import annotations

import numpy as np
from ase.data import atomic_numbers

from elyte.analysis import SystemDescription

# element, neighbours placed before it; geometry does not matter for names
ACETAMIDE = ["C", "C", "O", "N", "H", "H", "H", "H", "H"], [
    (0, 1), (1, 2), (1, 3), (0, 4), (0, 5), (0, 6), (3, 7), (3, 8),
]  # fmt: skip
DMC = ["C", "O", "O", "O", "C", "C"] + ["H"] * 6, [
    (0, 1), (0, 2), (0, 3), (2, 4), (3, 5),
    (4, 6), (4, 7), (4, 8), (5, 9), (5, 10), (5, 11),
]  # fmt: skip
TFSI = ["C", "S", "N", "S", "C", "O", "O", "O", "O", "F", "F", "F", "F", "F", "F"], [
    (0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (1, 6), (3, 7), (3, 8),
    (0, 9), (0, 10), (0, 11), (4, 12), (4, 13), (4, 14),
]  # fmt: skip
BUTYRONITRILE = ["N", "C", "C", "C", "C"] + ["H"] * 7, [
    (0, 1), (1, 2), (2, 3), (3, 4), (2, 5), (2, 6), (3, 7), (3, 8), (4, 9), (4, 10), (4, 11),
]  # fmt: skip
LITHIUM = ["Li"], []

# Amide group flat in the plane: O and the first H on the same side of C–N (cis), the other trans.
ACETAMIDE_PLACES = np.array(
    [[-1.5, 0, 0], [0, 0, 0], [0.6, 1.07, 0], [0.7, -1.2, 0], [-1.9, 1, 0], [-1.9, -0.5, 0.9],
     [-1.9, -0.5, -0.9], [1.7, -1.15, 0], [0.2, -2.1, 0]]
)  # fmt: skip


def box(*molecules: tuple[list[str], list[tuple[int, int]]]) -> SystemDescription:
    """Return the description of these molecules."""
    numbers, owners, bonds = [], [], []
    for k, (symbols, links) in enumerate(molecules):
        bonds += [(i + len(numbers), j + len(numbers)) for i, j in links]
        numbers += [atomic_numbers[s] for s in symbols]
        owners += [k] * len(symbols)
    return SystemDescription.from_molecules(numbers, owners, bonds)
