"""Active sets on disk: a numpy archive of plain arrays and one JSON text."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.core import FormatError

_FORMAT = "elyte active set 1"
Arrays = dict[int, dict[str, NDArray[Any]]]


def write(
    path: str | PathLike[str],
    facts: Mapping[str, Any],
    pseudo: NDArray[np.float64],
    blocks: Mapping[int, Mapping[str, NDArray[Any]]],
) -> None:
    """Write facts, pseudo rows and the arrays of each block: a whole file or none."""
    header = json.dumps({"format": _FORMAT, "blocks": sorted(blocks), **facts})
    arrays: dict[str, Any] = {
        f"{block}/{name}": a for block, group in blocks.items() for name, a in group.items()
    }
    target = Path(path)
    partial = target.with_name(target.name + ".part")
    with partial.open("wb") as stream:
        np.savez_compressed(stream, header=np.array(header), pseudo=pseudo, **arrays)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(partial, target)


def read(path: str | PathLike[str]) -> tuple[dict[str, Any], NDArray[np.float64], Arrays]:
    """Return the facts, pseudo rows and arrays that `write` wrote.

    Raises:
        FormatError: not a file of this format.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            header = json.loads(str(archive["header"]))
            names = ("columns", "rows", "frames", "atoms")
            pseudo = archive["pseudo"]
            blocks = {
                int(b): {name: archive[f"{b}/{name}"] for name in names}
                for b in header.pop("blocks")
            }
    except OSError as error:
        raise FormatError(f"cannot read the active set {path}: {error.strerror}") from error
    except (ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise FormatError(f"{path} is not an active set saved by elyte: {error}") from error
    if header.pop("format", None) != _FORMAT:
        raise FormatError(f"{path} is not an active set of the format '{_FORMAT}'")
    return header, pseudo, blocks
