"""Colours of the elements, near those that chemists expect."""

from __future__ import annotations

from ase.data import chemical_symbols

_COLOURS = {
    "H": "#e8e8e8", "Li": "#8a4fd3", "B": "#e0a58f", "C": "#7d8288", "N": "#4a72d8",
    "O": "#d9453c", "F": "#6fbf4b", "Na": "#6f58c9", "Mg": "#4d9e4a", "Al": "#b5a5a5",
    "Si": "#d2b184", "P": "#e28a2b", "S": "#e3c53a", "Cl": "#3fae5a", "K": "#8f5bd6",
    "Ca": "#5cae5c", "Ti": "#a6a8ab", "Fe": "#c8663c", "Zn": "#7d80b0", "Br": "#a0482f",
    "I": "#7a3aa0",
}  # fmt: skip


def colour_of(number: int) -> str:
    """Return the colour of an element."""
    return _COLOURS.get(chemical_symbols[number], "#c58fb0")
