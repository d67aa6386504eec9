"""What files and foreign packages a label rests on, by content and version instead of by path."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from elyte.chemistry.reference_settings import (
    AseSettings,
    ClassicalSettings,
    EspressoSettings,
    FoundationSettings,
    ReferenceSettings,
    VaspSettings,
)
from elyte.core.frame import Frame
from elyte.reference import packages, pseudopotentials
from elyte.reference.classical.species import fingerprint

RESTING_ON_FILES = (EspressoSettings, VaspSettings, AseSettings, FoundationSettings)
"""Settings that stand for more than they hold."""


def fingerprints(frame: Frame, engine: str, options: ReferenceSettings) -> dict[str, Any]:
    """Return the settings that stand for files or packages, as they go into the key of a label.

    Pseudopotentials: the hash of the file of each element of the frame. A calculator: the version
    of its package. A checkpoint: the hash of its file, or its name and its package's version.
    Molecules that GAFF2 describes: the hash of their parameters.

    Raises:
        InputError: an element without a file, a calculator or checkpoint that is not there.
        MissingDependency: the package is not installed.
    """
    if isinstance(options, EspressoSettings | VaspSettings):
        files = pseudopotentials.find(engine, options.pseudopotentials, set(frame.symbols))
        return {"pseudopotentials": {symbol: file_hash(path) for symbol, path in files.items()}}
    if isinstance(options, ClassicalSettings) and options.molecules:
        return {"gaff2": fingerprint(options.molecules)}
    if isinstance(options, AseSettings):
        return {"package": packages.version_of(options.calculator)}
    if isinstance(options, FoundationSettings):
        found: dict[str, Any] = {"version": packages.version_elsewhere(options.package)}
        if Path(options.method).is_file():
            found["method"] = file_hash(Path(options.method))
        return found
    return {}


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file; an unchanged file is read once."""
    state = os.stat(path)
    return _hash(str(path), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=512)
def _hash(path: str, modified: int, size: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
