"""One entry of a ledger against all its hashes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from elyte.core.errors import DamagedData
from elyte.core.frame import Frame
from elyte.workflow.arrays import load_arrays
from elyte.workflow.database import Entry

KeyOf = Callable[[Entry, Frame], "str | None"]
"""Computes the key of an entry from its provenance; None where that does not suffice."""


def find_damage(path: Path, entry: Entry, key_of: KeyOf | None = None) -> str | None:
    """Return what is wrong with an entry, or None.

    Compared are the SHA-256 of the array file, the hash of the structure, the energy, and the key.

    Args:
        path: its array file.
        entry: its row.
        key_of: computes the key; without it the key is not compared.
    """
    try:
        frame, labels = load_arrays(path, entry.content)
    except DamagedData as error:
        return str(error)
    if frame.digest() != entry.digest:
        return f"{path}: the structure is not that of the hash in the database"
    if (None if labels is None else labels.energy) != entry.energy:
        return f"{path}: its energy is not that in the database"
    key = None if key_of is None else key_of(entry, frame)
    if key not in (None, entry.key):
        return f"{path}: the key is not the hash of its structure, engine and settings"
    return None
