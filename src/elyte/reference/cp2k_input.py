"""What CP2K is given: the input file, and basis sets and pseudopotentials by family."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from pathlib import Path
from shutil import which
from typing import Any

from elyte.chemistry.reference_settings import Cp2kSettings
from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.core.units import HARTREE

RYDBERG = 0.5 * HARTREE
INNER_ITERATIONS = 25
"""Steps of the orbital transformation between two new preconditioners."""

_BASIS_FILES = ("BASIS_MOLOPT_UZH", "BASIS_MOLOPT", "GTH_BASIS_SETS", "BASIS_MOLOPT_UCL")
_TAGS = {"PBE": "PBE", "r2SCAN": "SCAN", "B97-3c": "PBE"}
"""Functional that pseudopotentials and basis sets are made for; none is made for B97-3c."""
_REFERENCE = {"PBE": "PBE", "B97-3c": "B97-3c"}
_R2SCAN_D3BJ = "1.0 0.49484001 0.78981345 5.73083694"
"""s6, a1, s8, a2 of r2SCAN-D3(BJ), doi:10.1063/5.0041008; CP2K's own table has no r2SCAN."""


@dataclass(frozen=True)
class Kind:
    """What stands for an element: basis set and pseudopotential, with the files they are in."""

    basis: str
    basis_file: str
    potential: str
    potential_file: str


def data_folder() -> Path:
    """Return CP2K's folder of basis sets: `CP2K_DATA_DIR`, or beside the program.

    Raises:
        InputError: it cannot be found.
    """
    program = which("cp2k") or which("cp2k.psmp") or "/usr/bin/cp2k"
    share = Path(program).resolve().parent.parent / "share" / "cp2k"
    named = os.environ.get("CP2K_DATA_DIR", "")
    places = [Path(named)] if named else []
    places += [share, share / "data", Path("/usr/share/cp2k")]
    found = next((place for place in places if (place / "GTH_POTENTIALS").is_file()), None)
    if found is None:
        raise InputError("CP2K's folder of basis sets is not there: set CP2K_DATA_DIR")
    return found


def kinds(symbols: Iterable[str], options: Cp2kSettings) -> dict[str, Kind]:
    """Return basis set and pseudopotential of each element.

    Raises:
        InputError: the family has no basis set of an element.
    """
    folder = data_folder()
    return {symbol: _kind(symbol, options, folder) for symbol in sorted(set(symbols))}


def _kind(symbol: str, options: Cp2kSettings, folder: Path) -> Kind:
    tag = _TAGS[options.method]
    wanted = [f"{options.basis}-{tag}-GTH", f"{options.basis}-GTH", options.basis]
    for file in _BASIS_FILES:
        entries = _entries(folder / file).get(symbol, [])
        for family in wanted:
            found = [name for name in entries if re.fullmatch(rf"{re.escape(family)}-q\d+", name)]
            if options.basis in entries and re.search(r"-q\d+$", options.basis):
                found = [options.basis]
            if found:
                return _with_potential(symbol, max(found, key=_valence), file, tag, folder)
    raise InputError(
        f"CP2K has no basis set '{options.basis}' for {symbol} in {', '.join(_BASIS_FILES)} of "
        f"{folder}"
    )


def _with_potential(symbol: str, basis: str, file: str, tag: str, folder: Path) -> Kind:
    name = f"GTH-{tag}-q{_valence(basis)}"
    order = ("POTENTIAL_UZH", "GTH_POTENTIALS")
    for potentials in order if file == "BASIS_MOLOPT_UZH" else order[::-1]:
        if name in _entries(folder / potentials).get(symbol, []):
            return Kind(basis, file, name, potentials)
    raise InputError(f"CP2K has no pseudopotential {name} for {symbol}, which {basis} needs")


def _valence(name: str) -> int:
    return int(name.rpartition("-q")[2])


@lru_cache(maxsize=16)
def _entries(path: Path) -> dict[str, list[str]]:
    """Return the names that a file of basis sets or pseudopotentials has of each element."""
    found: dict[str, list[str]] = {}
    if path.is_file():
        for line in path.read_text(errors="replace").splitlines():
            if match := re.match(r"\s*([A-Z][a-z]?)\s+(\S*[A-Za-z]\S*.*)$", line):
                found.setdefault(match[1], []).extend(match[2].split())
    return found


def write_input(
    box: Frame, options: Cp2kSettings, charge: int, unpaired: int, periodic: bool, minimizer: str
) -> str:
    """Return the text of an input file for energy, forces, charges and (in a box) stress.

    Args:
        box: the frame, in a box.
        options: settings of the engine.
        charge: e.
        unpaired: number of unpaired electrons; the calculation is spin-polarised when there are.
        periodic: False for a molecule, whose images are then cut off (Martyna and Tuckerman).
        minimizer: of the orbital transformation, "DIIS" or "CG".
    """
    chosen = kinds(box.symbols, options)
    dft: dict[str, Any] = {
        "BASIS_SET_FILE_NAME": sorted({kind.basis_file for kind in chosen.values()}),
        "POTENTIAL_FILE_NAME": sorted({kind.potential_file for kind in chosen.values()}),
        "CHARGE": charge,
        "MULTIPLICITY": unpaired + 1,
        "UKS": "T" if unpaired else "F",
        "&MGRID": {
            "CUTOFF": f"{options.cutoff / RYDBERG:.10g}",
            "REL_CUTOFF": f"{options.relative_cutoff / RYDBERG:.10g}",
        },
        "&QS": {"EPS_DEFAULT": f"{min(1e-12, options.convergence**2):.3g}"},
        "&POISSON": {"PERIODIC": "XYZ"} if periodic else {"PERIODIC": "NONE", "PSOLVER": "MT"},
        "&SCF": _scf(options, minimizer),
        "&XC": {**_functional(options.method), **_dispersion(options)},
        "&PRINT": {"&HIRSHFELD ON": {}, "&MULLIKEN OFF": {}},
    }
    force_eval = {
        "METHOD": "QS",
        "STRESS_TENSOR": "ANALYTICAL" if periodic else "NONE",
        "&DFT": dft,
        "&SUBSYS": _structure(box, chosen, periodic),
        "&PRINT": {
            "&FORCES ON": {"NDIGITS": 12},
            **({"&STRESS_TENSOR ON": {}} if periodic else {}),
        },
    }
    start = {"PROJECT": "elyte", "RUN_TYPE": "ENERGY_FORCE", "PRINT_LEVEL": "LOW"}
    return _text({"&GLOBAL": start, "&FORCE_EVAL": force_eval})


def _scf(options: Cp2kSettings, minimizer: str) -> dict[str, Any]:
    precision = f"{options.convergence:.3g}"
    rounds = ceil(options.max_iterations / INNER_ITERATIONS)
    return {
        "SCF_GUESS": "ATOMIC",
        "EPS_SCF": precision,
        "MAX_SCF": min(INNER_ITERATIONS, options.max_iterations),
        "&OT": {"MINIMIZER": minimizer, "PRECONDITIONER": "FULL_SINGLE_INVERSE"},
        "&OUTER_SCF": {"EPS_SCF": precision, "MAX_SCF": rounds},
        "&PRINT": {"&RESTART OFF": {}},
    }


def _functional(method: str) -> dict[str, Any]:
    sections: dict[str, dict[str, Any]] = {
        "PBE": {"&PBE": {}},
        "r2SCAN": {"&MGGA_X_R2SCAN": {}, "&MGGA_C_R2SCAN": {}},
        # without its scales said to be 1, CP2K refuses this parametrisation
        "B97-3c": {"&BECKE97": {"PARAMETRIZATION": "B97-3c", "SCALE_X": "1.0", "SCALE_C": "1.0"}},
    }
    return {"&XC_FUNCTIONAL": sections[method]}


def _dispersion(options: Cp2kSettings) -> dict[str, Any]:
    if options.dispersion == "none" and options.method != "B97-3c":
        return {}
    pair: dict[str, Any] = {
        "TYPE": "DFTD3(BJ)" if options.dispersion == "d3bj" else "DFTD3",
        "PARAMETER_FILE_NAME": "dftd3.dat",
        "CALCULATE_C9_TERM": "T" if options.three_body else "F",
        # CP2K takes pairs up to twice this value
        "R_CUTOFF": f"[angstrom] {options.dispersion_cutoff / 2:.10g}",
    }
    if options.method == "r2SCAN":
        pair["D3BJ_SCALING"] = _R2SCAN_D3BJ
    else:
        pair["REFERENCE_FUNCTIONAL"] = _REFERENCE[options.method]
    if options.method == "B97-3c":
        pair["SHORT_RANGE_CORRECTION"] = "T"
    return {"&VDW_POTENTIAL": {"POTENTIAL_TYPE": "PAIR_POTENTIAL", "&PAIR_POTENTIAL": pair}}


def _structure(box: Frame, chosen: dict[str, Kind], periodic: bool) -> dict[str, Any]:
    cell = {name: _numbers(row) for name, row in zip("ABC", box.cell, strict=True)}
    rows = [f"{s} {_numbers(r)}" for s, r in zip(box.symbols, box.positions, strict=True)]
    return {
        "&CELL": {**cell, "PERIODIC": "XYZ" if periodic else "NONE"},
        "&COORD": {"": rows},
        **{
            f"&KIND {symbol}": {"BASIS_SET": kind.basis, "POTENTIAL": kind.potential}
            for symbol, kind in chosen.items()
        },
    }


def _numbers(values: Iterable[float]) -> str:
    return " ".join(f"{value:.10f}" for value in values)


def _text(section: dict[str, Any], indent: int = 0) -> str:
    """Return nested sections ("&NAME": {…}) and keywords (a list repeats one) as CP2K's text."""
    space = "  " * indent
    lines = ""
    for name, value in section.items():
        if isinstance(value, dict):
            end = name.split()[0].replace("&", "&END ")
            lines += f"{space}{name}\n{_text(value, indent + 1)}{space}{end}\n"
        else:
            for item in value if isinstance(value, list) else [value]:
                lines += f"{space}{name} {item}\n" if name else f"{space}{item}\n"
    return lines
