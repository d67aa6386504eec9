"""`elyte.load`: a potential from its file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from elyte.core.errors import FormatError
from elyte.potentials.mtp import MTP


def load(path: str | Path, species: Sequence[str | int] | None = None) -> MTP:
    """Read a potential; `.calculator()` of it is an ASE calculator.

    Args:
        path: an `.almtp` or `.mtp` file.
        species: elements in the order of the file's types; files written by elyte name them.

    Raises:
        FormatError: a file that is no potential, or cannot be read.
        UnknownSpecies: a name that is no element.
    """
    if Path(path).suffix not in (".almtp", ".mtp"):
        raise FormatError(f"{path} is no potential that elyte knows: it reads .almtp and .mtp")
    return MTP.load(path, species)
