"""Pseudopotentials of a user's folder: one file for each element, all of one functional."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from elyte.core.errors import InputError

VARIABLES = {"espresso": "ESPRESSO_PSEUDO", "vasp": "VASP_PP_PATH"}
_UPF_FUNCTIONAL = re.compile(r"functional\s*=\s*\"([^\"]*)\"|^\s*(\S.*?)\s+Exchange-Correlation",
                             re.MULTILINE)  # fmt: skip
_UPF_ELEMENT = re.compile(r"element\s*=\s*\"\s*([A-Za-z]{1,2})\s*\"|^\s*([A-Z][a-z]?)\s+Element",
                          re.MULTILINE)  # fmt: skip
_PBE = {"SLA PW PBX PBC", "SLA PW PBE PBE", "PBE"}
_VASP_ORDER = ("{}", "{}_pv", "{}_sv", "{}_s", "{}_h")
"""Suffixes among which the plainest is taken when a folder has several of an element."""


def folder(engine: str, chosen: str) -> Path:
    """Return the folder of pseudopotentials that the settings, or the environment, name.

    Raises:
        InputError: none is named, or it is not there.
    """
    variable = VARIABLES[engine]
    name = chosen or os.environ.get(variable, "")
    if not name:
        raise InputError(
            f"the engine '{engine}' needs pseudopotentials: name their folder by "
            f"`pseudopotentials`, or by the variable {variable}"
        )
    path = Path(name).expanduser()
    if not path.is_dir():
        raise InputError(f"the folder of pseudopotentials '{path}' is not there")
    return path


def find(engine: str, chosen: str, symbols: Iterable[str]) -> dict[str, Path]:
    """Return the file of each element, sorted by symbol.

    Args:
        engine: "espresso" (files H.*.UPF) or "vasp" (folders H, H_pv, … with a POTCAR; POTCAR.H).
        chosen: the folder, or "" for the environment's.
        symbols: elements.

    Raises:
        InputError: no folder, or an element without a file or with several.
    """
    where = folder(engine, chosen)
    search = _upf_of if engine == "espresso" else _potcar_of
    return {symbol: search(where, symbol) for symbol in sorted(set(symbols))}


def _upf_of(where: Path, symbol: str) -> Path:
    found = [
        path
        for path in sorted(where.iterdir())
        if path.suffix.lower() == ".upf" and _named_after(path.name, symbol)
    ]
    if len(found) != 1:
        what = "no .UPF file" if not found else f"{len(found)} .UPF files"
        names = f" ({', '.join(path.name for path in found)})" if found else ""
        raise InputError(f"{where} has {what} for {symbol}{names}: there must be one, such as "
                         f"{symbol}.UPF")  # fmt: skip
    element = upf_element(found[0])
    if element != symbol:
        raise InputError(f"{found[0]} is a pseudopotential of {element or 'no element'}, not of "
                         f"{symbol}")  # fmt: skip
    return found[0]


def _named_after(name: str, symbol: str) -> bool:
    return re.match(rf"{symbol}(?![a-z])", name, re.IGNORECASE) is not None


def _potcar_of(where: Path, symbol: str) -> Path:
    names = [pattern.format(symbol) for pattern in _VASP_ORDER]
    candidates = [where / n / "POTCAR" for n in names] + [where / f"POTCAR.{n}" for n in names]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise InputError(f"{where} has no POTCAR for {symbol}: neither {symbol}/POTCAR nor "
                         f"POTCAR.{symbol}")  # fmt: skip
    return found


def check_functional(files: Mapping[str, Path], method: str, engine: str) -> None:
    """Refuse pseudopotentials of several functionals, or of another than the method's.

    Raises:
        InputError: with the functional of each element.
    """
    read = upf_functional if engine == "espresso" else potcar_functional
    found = {symbol: read(path) for symbol, path in files.items()}
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{symbol} {name}" for symbol, name in found.items())
        raise InputError(f"the pseudopotentials are of several functionals: {listed}")
    name = next(iter(found.values()), method)
    # meta-GGA calculations of VASP use the potentials of PBE
    expected = "PBE" if engine == "vasp" else method
    if name.upper() != expected.upper():
        raise InputError(f"the pseudopotentials are of {name}, but the method is {method}")


def _head(path: Path) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read(40_000)


def upf_element(path: Path) -> str:
    """Return the element of a UPF file, or an empty string."""
    match = _UPF_ELEMENT.search(_head(path))
    return (match[1] or match[2]) if match else ""


def upf_functional(path: Path) -> str:
    """Return the functional of a UPF file ("PBE" for its four-part name).

    Raises:
        InputError: the file does not say.
    """
    match = _UPF_FUNCTIONAL.search(_head(path))
    if match is None:
        raise InputError(f"{path} does not say of which functional it is")
    name = " ".join((match[1] or match[2]).replace("-", " ").split()).upper()
    return "PBE" if name in _PBE else name


def potcar_functional(path: Path) -> str:
    """Return the functional of a POTCAR: "PBE", "PW91" or "LDA".

    Raises:
        InputError: the file does not say.
    """
    match = re.search(r"LEXCH\s*=\s*(\S+)", _head(path))
    names = {"PE": "PBE", "91": "PW91", "CA": "LDA"}
    if match is None:
        raise InputError(f"{path} does not say of which functional it is (LEXCH)")
    return names.get(match[1], match[1])
