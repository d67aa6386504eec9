"""A labelled frame as one `.npz` file (no pickle), and the hash of its bytes."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import DamagedData
from elyte.core.frame import Frame, Labels
from elyte.workflow.store import write_whole

_FRAME = ("numbers", "positions", "cell", "pbc", "molecules")
_CURE = "'elyte ledger repair' forgets such labels, and they are made again"
_LABELS = ("forces", "stress", "charges")


def gather(frame: Frame, labels: Labels | None) -> dict[str, NDArray[Any]]:
    """Return all arrays of a frame and its labels by name; the energy is one of them."""
    arrays = {name: getattr(frame, name) for name in _FRAME}
    if labels is not None:
        arrays.update({name: getattr(labels, name) for name in _LABELS})
        arrays["energy"] = np.array(labels.energy)
    return {name: np.asarray(array) for name, array in arrays.items() if array is not None}


def save_arrays(path: Path, frame: Frame, labels: Labels | None) -> str:
    """Write the file whole or not at all, and return the SHA-256 of its bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **gather(frame, labels))  # type: ignore[arg-type]
    content = buffer.getvalue()
    write_whole(path, content)
    return hashlib.sha256(content).hexdigest()


def load_arrays(path: Path, expected: str, level: str = "") -> tuple[Frame, Labels | None]:
    """Read a file that `save_arrays` wrote and compare it with its hash.

    Raises:
        DamagedData: the file is missing, cannot be read, or is not what was written.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DamagedData(f"{path} is missing: {_CURE}") from None
    except OSError as error:
        raise DamagedData(f"{path} cannot be read ({error.strerror})") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise DamagedData(f"{path} does not match its hash: {_CURE}")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    frame = Frame(**{name: arrays.get(name) for name in _FRAME})  # type: ignore[arg-type]
    if "energy" not in arrays:
        return frame, None
    labels = {name: arrays.get(name) for name in _LABELS}
    return frame, Labels(energy=float(arrays["energy"]), level=level, **labels)
