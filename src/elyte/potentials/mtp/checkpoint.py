"""The state of a training on disk: arrays and JSON in one `.npz`, no pickle.

A training that is killed at any moment goes on from the last complete iteration, and ends with the
same bits as one that was never interrupted (same threads and instruction set).
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elyte.core.errors import FormatError, InputError, StorageError
from elyte.core.frame import LabelledFrame
from elyte.potentials.mtp.loss import Weights
from elyte.potentials.mtp.potential import MTP

VERSION = 1


@dataclass(frozen=True)
class Keeper:
    """Where the state of a training is kept, and which training it is of (`fingerprint`)."""

    path: Path
    of: str

    def save(self, state: Mapping[str, Any]) -> None:
        """See `save`."""
        save(self.path, self.of, state)

    def load(self) -> dict[str, Any] | None:
        """See `load`."""
        return load(self.path, self.of)


def fingerprint(
    potential: MTP, dataset: Sequence[LabelledFrame], weights: Weights | None, *options: Any
) -> str:
    """Return a hash of what a training begins with: structures, labels, start, options."""
    digest = hashlib.sha256()
    digest.update(potential.parameters.tobytes())
    plain = [asdict(weights or Weights()), list(potential.species), repr(options)]
    digest.update(json.dumps(plain, sort_keys=True, default=dict).encode())
    for item in dataset:
        frame, labels = item.frame, item.labels
        digest.update(item.config_type.encode())
        for array in (frame.numbers, frame.positions, frame.cell, frame.pbc, labels.energy):
            digest.update(np.ascontiguousarray(array).tobytes())
        for optional in (labels.forces, labels.stress):
            digest.update(b"-" if optional is None else np.ascontiguousarray(optional).tobytes())
    return digest.hexdigest()


def save(path: Path, of: str, state: Mapping[str, Any]) -> None:
    """Write a state; the file is the old one or the new one, never a part.

    Args:
        path: where.
        of: fingerprint of the training.
        state: arrays and values that JSON can hold.

    Raises:
        StorageError: the file cannot be written.
    """
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    plain = {name: value for name, value in state.items() if name not in arrays}
    text = json.dumps({"version": VERSION, "of": of, **plain})
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, plain=np.array(text), **arrays)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"the state of the training cannot be written: {error}") from error


def load(path: Path, of: str) -> dict[str, Any] | None:
    """Return the state of a training, or None where there is none yet.

    Raises:
        FormatError: a file that is no such state, or damaged.
        InputError: the state of another training.
    """
    if not path.exists():
        return None
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            state: dict[str, Any] = {name: file[name] for name in file.files if name != "plain"}
            state.update(json.loads(str(file["plain"])))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise FormatError(
            f"{path} is no state of a training, or it is damaged; remove it"
        ) from error
    if state.pop("version") != VERSION:
        raise FormatError(f"{path} was written by another version of elyte; remove it")
    if state.pop("of") != of:
        raise InputError(
            f"{path} belongs to another training (other frames, labels, weights, start or seed); "
            "name another file, or remove it"
        )
    return state
