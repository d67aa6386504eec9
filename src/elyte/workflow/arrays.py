"""A labelled frame as one `.npz` file (no pickle) with a hash of what it means."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import DamagedData, InputError
from elyte.core.frame import Frame, Labels
from elyte.workflow.codec import content_hash
from elyte.workflow.store import write_whole

_FRAME = ("numbers", "positions", "cell", "pbc", "molecules")
_LABELS = ("forces", "stress", "charges")


def gather(frame: Frame, labels: Labels | None) -> dict[str, NDArray[Any]]:
    """Return all arrays of a frame and its labels by name; the energy is one of them."""
    arrays = {name: getattr(frame, name) for name in _FRAME}
    if labels is not None:
        arrays.update({name: getattr(labels, name) for name in _LABELS})
        arrays["energy"] = np.array(labels.energy)
    return {name: np.asarray(array) for name, array in arrays.items() if array is not None}


def save_arrays(path: Path, frame: Frame, labels: Labels | None) -> str:
    """Write the file whole or not at all, and return the hash of its content."""
    arrays = gather(frame, labels)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_whole(path, buffer.getvalue())
    return content_hash(arrays)


def load_arrays(path: Path, expected: str, level: str = "") -> tuple[Frame, Labels | None]:
    """Read a file that `save_arrays` wrote and compare its content with the hash.

    Raises:
        DamagedData: the file is missing, cannot be read, or is not what was written.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        intact = content_hash(arrays) == expected
    except FileNotFoundError:
        raise DamagedData(f"{path} is missing: its label is lost, label the frame again") from None
    except (OSError, ValueError, KeyError, EOFError, InputError, zipfile.BadZipFile) as error:
        raise DamagedData(f"{path} cannot be read ({error}): label the frame again") from error
    if not intact:
        raise DamagedData(f"{path} does not match its hash: label the frame again")
    frame = Frame(**{name: arrays.get(name) for name in _FRAME})  # type: ignore[arg-type]
    if "energy" not in arrays:
        return frame, None
    labels = {name: arrays.get(name) for name in _LABELS}
    return frame, Labels(energy=float(arrays["energy"]), level=level, **labels)
