"""Series that a simulation wrote while it ran: volume, energy, stress and current from a table.

A table has a header with units, "time (fs),volume (Å3),pxy (bar),…"; separated by commas or
blanks, or an npz file with the same names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import FormatError, InputError
from elyte.core.units import AVOGADRO, ELEMENTARY_CHARGE, GPA

Array = NDArray[np.float64]

_KJ = 1000 / (ELEMENTARY_CHARGE * AVOGADRO)
_UNITS: dict[str, dict[str, float]] = {
    "time": {"fs": 1.0, "ps": 1e3, "ns": 1e6},
    "volume": {"å3": 1.0, "å³": 1.0, "a3": 1.0, "nm3": 1e3, "nm³": 1e3},
    "energy": {"ev": 1.0, "kj/mol": _KJ, "kcal/mol": 4.184 * _KJ, "hartree": 27.211386245988},
    "pressure": {
        "ev/å3": 1.0, "ev/å³": 1.0, "ev/a3": 1.0, "gpa": GPA, "mpa": GPA * 1e-3,
        "bar": GPA * 1e-4, "atm": GPA * 1.01325e-4, "pa": GPA * 1e-9,
    },
    "current": {"e å/fs": 1.0, "e a/fs": 1.0, "e nm/ps": 1e-2},
}  # fmt: skip
_TENSOR = {"xx": (0, 0), "yy": (1, 1), "zz": (2, 2), "xy": (0, 1), "xz": (0, 2), "yz": (1, 2)}
_KINDS = {"time": "time", "volume": "volume", "energy": "energy", "enthalpy": "energy"}
_KINDS |= {f"{letter}{ij}": "pressure" for letter in "ps" for ij in _TENSOR}
_KINDS |= {f"j{x}": "current" for x in "xyz"}


def read_series(path: str | Path) -> dict[str, Array]:
    """Read what was recorded with a run.

    Args:
        path: CSV, table with blanks, or npz; columns time, volume, energy, enthalpy, pxx … pyz
            (or sxx …), jx, jy, jz, each with its unit in brackets.

    Returns:
        "timestep" (fs), and what is there of "volume" (Å³), "energy", "enthalpy" (eV), "stress"
        (eV/Å³, (T, 3, 3)) and "current" (e Å/fs, (T, 3)).

    Raises:
        FormatError: a file that is no such table.
        InputError: no equal time steps, or a unit that is not known.
    """
    file = Path(path)
    columns = {}
    for name, values in _columns(file).items():
        key, factor = _key(name, file)
        if key:
            columns[key] = np.asarray(values, dtype=float) * factor
    if "time" not in columns:
        raise FormatError(f"{file}: there is no column 'time (fs)'")
    result: dict[str, Array] = {"timestep": np.asarray(_step(columns.pop("time"), file))}
    result |= {k: v for k, v in columns.items() if k in ("volume", "energy", "enthalpy")}
    parts = {k[1:]: v for k, v in columns.items() if _KINDS[k] == "pressure"}
    if parts:
        missing = [k for k in _TENSOR if k not in parts]
        if missing:
            raise InputError(f"{file}: the stress lacks {', '.join('p' + k for k in missing)}")
        result["stress"] = symmetric_tensor(parts)
    if any(f"j{x}" in columns for x in "xyz"):
        result["current"] = _vector(columns, file)
    return result


def _columns(file: Path) -> dict[str, Array]:
    if not file.exists():
        raise FormatError(f"{file}: no such file")
    try:
        if file.suffix == ".npz":
            with np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        if len(lines) < 2:
            raise FormatError(f"{file}: not a table: no rows below a header")
        header = lines[0].lstrip("# ")
        comma = "," in header
        names = header.split(",") if comma else re.findall(r"\S+(?:\s*\([^)]*\))?", header)
        table = np.loadtxt(lines[1:], delimiter="," if comma else None, ndmin=2)
    except FormatError:
        raise
    except (ValueError, IndexError, OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{file}: not a table of numbers with a header ({error})") from error
    if table.shape[1] != len(names):
        raise FormatError(f"{file}: {len(names)} names for {table.shape[1]} columns")
    return {name.strip(): table[:, k] for k, name in enumerate(names)}


def _key(name: str, file: Path) -> tuple[str, float]:
    """Return the name of a column and the factor to our units; "" for what is not used."""
    found = re.match(r"^\s*([A-Za-z]+)\s*(?:\(([^)]*)\))?\s*$", name)
    key = found[1].lower() if found else ""
    if key not in _KINDS or found is None:
        return "", 1.0
    units = _UNITS[_KINDS[key]]
    unit = (found[2] or "").strip().lower()
    if unit not in units:
        raise InputError(
            f"{file}: the column '{name}' needs a unit in brackets, one of {', '.join(units)}"
        )
    return key, units[unit]


def _step(times: Array, file: Path) -> float:
    steps = np.diff(times)
    if len(times) < 2 or not np.isfinite(times).all() or not steps[0] > 0:
        raise InputError(f"{file}: times do not grow from row to row")
    if np.abs(steps - steps.mean()).max() > 1e-3 * steps.mean():
        raise InputError(f"{file}: rows at unequal times; a correlation needs equal ones")
    return float(steps.mean())


def symmetric_tensor(parts: Mapping[str, Array], prefix: str = "") -> Array:
    """Return the series of a symmetric tensor, (T, 3, 3), from those of its six components.

    Args:
        parts: by name, "xx" … "yz" after the prefix, (T,) each; others are left alone.
        prefix: "p" for "pxx" …
    """
    parts = {key: parts[prefix + key] for key in _TENSOR}
    tensor = np.empty((len(parts["xx"]), 3, 3))
    for key, (i, j) in _TENSOR.items():
        tensor[:, i, j] = tensor[:, j, i] = parts[key]
    return tensor


def _vector(columns: dict[str, Array], file: Path) -> Array:
    try:
        return np.stack([columns[f"j{x}"] for x in "xyz"], axis=1)
    except KeyError as error:
        raise InputError(f"{file}: the current lacks {error}") from error
