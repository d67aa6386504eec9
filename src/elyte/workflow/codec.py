"""Plain values and arrays as bytes and back, the same bytes on every machine; no pickle.

The bytes are `ELYTE1`, the length of a JSON header (little-endian, 8 bytes), the header, and
the arrays one after the other. In the header an array stands as `{"~array": index}`, a frame as
`{"~frame": fields}`, an outcome as `{"~outcome": fields}`.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import DamagedData, InputError, Outcome
from elyte.core.frame import Frame

MAGIC = b"ELYTE1"
_LENGTH = struct.Struct("<Q")
_KINDS = "biuf"  # bool, signed, unsigned, float: what has one meaning everywhere


def encode(value: Any) -> bytes:
    """Return the bytes of a plain value (None, bool, int, float, str, list, dict, array, Frame).

    Equal values give equal bytes: dictionaries are sorted, arrays are little-endian and in C
    order, lists and tuples are the same.

    Raises:
        InputError: a value of another type, or a dictionary with keys that are not strings.
    """
    arrays: list[NDArray[Any]] = []
    body = _to_plain(value, arrays)
    table = [[array.dtype.str, list(array.shape)] for array in arrays]
    header = json.dumps([body, table], sort_keys=True, separators=(",", ":")).encode()
    return b"".join([MAGIC, _LENGTH.pack(len(header)), header, *(a.tobytes() for a in arrays)])


def decode(data: bytes) -> Any:
    """Return the value that `encode` was given (tuples come back as lists).

    Raises:
        DamagedData: bytes that `encode` did not write, or not all of them.
    """
    start = len(MAGIC) + _LENGTH.size
    if data[: len(MAGIC)] != MAGIC or len(data) < start:
        raise DamagedData("not a value written by elyte: its first bytes are wrong")
    end = start + _LENGTH.unpack(data[len(MAGIC) : start])[0]
    try:
        body, table = json.loads(data[start:end])
        arrays = []
        for dtype, shape in table:
            count = int(np.prod(shape))
            array = np.frombuffer(data, dtype=dtype, count=count, offset=end).reshape(shape)
            arrays.append(array.copy())
            end += array.nbytes
        if end != len(data):
            raise ValueError(f"{len(data) - end} bytes are left over")
        return _from_plain(body, arrays)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise DamagedData(f"a stored value is damaged: {error}") from error


def content_hash(value: Any) -> str:
    """Return the SHA-256 of the canonical bytes of a value, as hexadecimal digits."""
    return hashlib.sha256(encode(value)).hexdigest()


def _to_plain(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return _to_plain(value.item(), arrays)
    if isinstance(value, (list, tuple)):
        return [_to_plain(item, arrays) for item in value]
    if isinstance(value, dict):
        return _dictionary(value, arrays)
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
        little_endian = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
        arrays.append(little_endian.reshape(value.shape))  # a 0-d array must stay one
        return {"~array": len(arrays) - 1}
    if isinstance(value, Frame):
        return {"~frame": _to_plain(_frame_fields(value), arrays)}
    if isinstance(value, Outcome):
        fields = {"kind": value.kind, "reason": value.reason, "details": value.details}
        return {"~outcome": _to_plain(fields, arrays)}
    raise InputError(
        f"a {type(value).__name__} cannot be stored or sent to a worker: use plain numbers, "
        "strings, lists, dictionaries, arrays or frames"
    )


def _dictionary(value: dict[Any, Any], arrays: list[NDArray[Any]]) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str) or key.startswith("~"):
            raise InputError(f"the dictionary key {key!r} cannot be stored: use plain strings")
    return {key: _to_plain(value[key], arrays) for key in sorted(value)}


def _frame_fields(frame: Frame) -> dict[str, Any]:
    return {
        "numbers": frame.numbers,
        "positions": frame.positions,
        "cell": frame.cell,
        "pbc": frame.pbc,
        "molecules": frame.molecules,
    }


def _from_plain(body: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(body, list):
        return [_from_plain(item, arrays) for item in body]
    if not isinstance(body, dict):
        return body
    if "~array" in body:
        return arrays[body["~array"]]
    if "~frame" in body:
        return Frame(**_from_plain(body["~frame"], arrays))
    if "~outcome" in body:
        return Outcome(**_from_plain(body["~outcome"], arrays))
    return {key: _from_plain(item, arrays) for key, item in body.items()}
