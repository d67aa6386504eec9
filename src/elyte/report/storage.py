"""Dataclasses to JSON and npz and back, without pickle.

Arrays go into one npz file whose name holds its hash; the JSON names that file and is put in
place last, so that a save that is interrupted leaves the older one whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import DamagedData, FormatError, InputError
from elyte.workflow.store import write_whole

JSON_NAME = "data.json"
FORMAT = 1
Arrays = dict[str, NDArray[Any]]


def save(instance: Any, folder: Path) -> Path:
    """Write a dataclass instance into `folder`; return the path of the JSON file."""
    arrays: Arrays = {}
    content = _pack(instance, arrays)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    name = f"data-{digest[:16]}.npz"
    write_whole(folder / name, buffer.getvalue())
    document = {"format": FORMAT, "arrays": name, "sha256": digest, "content": content}
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    write_whole(folder / JSON_NAME, text.encode())
    for old in folder.glob("data-*.npz"):
        if old.name != name:
            old.unlink()
    return folder / JSON_NAME


def load(folder: Path) -> dict[str, Any]:
    """Return the fields of the dataclass instance that was saved in `folder`.

    Raises:
        InputError: nothing is saved there.
        FormatError: the file is not one that this version reads.
        DamagedData: the arrays are missing or not those that were saved.
    """
    path = folder / JSON_NAME
    if not path.is_file():
        raise InputError(f"no saved report data in {folder}: expected the file {JSON_NAME}")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        name, digest, content = (document[key] for key in ("arrays", "sha256", "content"))
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{path} is not saved report data ({error})") from error
    if document.get("format") != FORMAT:
        raise FormatError(
            f"{path} has format {document.get('format')}, this version reads {FORMAT}; "
            "make the report again with `elyte run`"
        )
    file = folder / Path(name).name
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
        raise DamagedData(f"{file} is missing or not what was saved; run `elyte run` again")
    with np.load(file, allow_pickle=False) as arrays:
        fields_: dict[str, Any] = _unpack(content, {key: arrays[key] for key in arrays.files})
    return fields_


def _pack(value: Any, arrays: Arrays) -> Any:
    if isinstance(value, np.ndarray):
        key = f"a{len(arrays)}"
        arrays[key] = value
        return {"$array": key}
    if isinstance(value, np.generic):
        return _pack(value.item(), arrays)
    if is_dataclass(value):
        return {f.name: _pack(getattr(value, f.name), arrays) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): _pack(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_pack(item, arrays) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value)}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _unpack(value: Any, arrays: Arrays) -> Any:
    if isinstance(value, list):
        return tuple(_unpack(item, arrays) for item in value)
    if not isinstance(value, dict):
        return value
    if set(value) == {"$array"}:
        return arrays[value["$array"]]
    if set(value) == {"$float"}:
        return float(value["$float"])
    return {key: _unpack(item, arrays) for key, item in value.items()}
