"""What pw.x is given and what it answers.

Energies in Ry, forces in Ry/bohr, stress in Ry/bohr³ with the sign of a pressure (positive in
compression): σ = −value (ASE's sign). Each unit is read where it stands; another one is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray

from elyte.chemistry.reference_settings import EspressoSettings
from elyte.core.errors import FormatError
from elyte.core.frame import Frame
from elyte.core.units import BOHR, BOLTZMANN, HARTREE
from elyte.reference import programs

RYDBERG = 0.5 * HARTREE
ENERGY_UNITS = {"Ry": RYDBERG}
FORCE_UNITS = {"Ry/au": RYDBERG / BOHR, "Ry/bohr": RYDBERG / BOHR}
STRESS_UNITS = {"Ry/bohr**3": RYDBERG / BOHR**3}

_FLOAT = r"([-+]?\d+\.\d*(?:[EeDd][-+]?\d+)?)"
_ENERGY = re.compile(rf"^!\s+total energy\s+=\s+{_FLOAT}\s+(\S+)", re.MULTILINE)
_FORCES = re.compile(r"Forces acting on atoms \(cartesian axes, (\S+?)\):")
_FORCE_ROW = re.compile(rf"^\s*atom\s+\d+\s+type\s+\d+\s+force =\s+{_FLOAT}\s+{_FLOAT}\s+{_FLOAT}")
_STRESS = re.compile(r"total\s+stress\s+\((\S+?)\)\s+\(kbar\)")
_NUMBER = re.compile(_FLOAT)


def write_input(
    box: Frame,
    options: EspressoSettings,
    files: Mapping[str, Path],
    charge: int,
    unpaired: int,
    periodic: bool,
) -> str:
    """Return the text of an input file for energy, forces and (in a box) stress.

    Args:
        box: the frame, in a box.
        options: settings of the engine.
        files: pseudopotential of each element; all in one folder.
        charge: e.
        unpaired: number of unpaired electrons.
        periodic: False for a molecule, whose images are then cut off (Martyna and Tuckerman).
    """
    folder = next(iter(files.values())).resolve().parent
    control = {
        "calculation": "scf",
        "prefix": "elyte",
        "outdir": "./",
        "pseudo_dir": f"{folder}/",
        "tprnfor": True,
        "tstress": periodic,
        "disk_io": "none",
    }
    system = {
        "ibrav": 0,
        "nat": len(box),
        "ntyp": len(files),
        "ecutwfc": options.cutoff / RYDBERG,
        "ecutrho": options.density_cutoff / RYDBERG,
        "input_dft": options.method,
        "tot_charge": float(charge),
        "nosym": True,
        **_occupations(options, unpaired),
        **_dispersion(options),
        **({} if periodic else {"assume_isolated": "mt"}),
    }
    electrons = {
        "conv_thr": options.convergence / RYDBERG,
        "electron_maxstep": options.max_iterations,
    }
    species = "".join(
        f"{symbol} {atomic_masses[atomic_numbers[symbol]]:.4f} {path.name}\n"
        for symbol, path in files.items()
    )
    cell = "".join(f"{_row(vector)}\n" for vector in box.cell)
    atoms = "".join(
        f"{symbol} {_row(place)}\n"
        for symbol, place in zip(box.symbols, box.positions, strict=True)
    )
    return (
        f"{_namelist('CONTROL', control)}{_namelist('SYSTEM', system)}"
        f"{_namelist('ELECTRONS', electrons)}ATOMIC_SPECIES\n{species}K_POINTS gamma\n"
        f"CELL_PARAMETERS angstrom\n{cell}ATOMIC_POSITIONS angstrom\n{atoms}"
    )


def _occupations(options: EspressoSettings, unpaired: int) -> dict[str, Any]:
    spin = {"nspin": 2, "tot_magnetization": float(unpaired)} if unpaired else {"nspin": 1}
    if options.electronic_temperature == 0:
        return {"occupations": "fixed", **spin}
    width = options.electronic_temperature * BOLTZMANN / RYDBERG
    return {"occupations": "smearing", "smearing": "fermi-dirac", "degauss": width, **spin}


def _dispersion(options: EspressoSettings) -> dict[str, Any]:
    if options.dispersion == "none":
        return {}
    return {
        "vdw_corr": "dft-d3",
        "dftd3_version": {"d3zero": 3, "d3bj": 4}[options.dispersion],
        "dftd3_threebody": options.three_body,
    }


def _namelist(name: str, values: Mapping[str, Any]) -> str:
    lines = "".join(f"  {key} = {_fortran(value)}\n" for key, value in values.items())
    return f"&{name}\n{lines}/\n"


def _fortran(value: Any) -> str:
    if isinstance(value, bool):
        return ".true." if value else ".false."
    if isinstance(value, float):
        return f"{value:.12g}".replace("e", "d") if "e" in f"{value:.12g}" else f"{value:.12g}d0"
    return f"'{value}'" if isinstance(value, str) else str(value)


def _row(values: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.10f}" for value in values)


def converged(text: str) -> bool:
    """Whether the self-consistent field did not give up."""
    return "convergence NOT achieved" not in text


def error_message(text: str) -> str:
    """Return what pw.x says between its lines of per cent signs, or an empty string."""
    match = re.search(r"%{20,}\s*\n(.*?)\n\s*%{20,}", text, re.DOTALL)
    return " ".join(match[1].split()) if match else ""


def read_output(text: str, atoms: int, stress: bool) -> dict[str, Any]:
    """Return energy (eV), forces (eV/Å) and stress (eV/Å³ or None) of an output.

    Args:
        text: standard output of an "scf" run.
        atoms: how many there are.
        stress: whether a stress must be there.

    Raises:
        FormatError: something is not there, not whole, or in a unit that is not known.
    """
    energy = _ENERGY.search(text)
    if energy is None:
        raise FormatError("the output of pw.x has no total energy")
    return {
        "energy": programs.number(energy[1])
        * programs.unit("pw.x", energy[2], ENERGY_UNITS, "energy"),
        "forces": _forces(text, atoms),
        "stress": _stress(text) if stress else None,
    }


def _forces(text: str, atoms: int) -> NDArray[np.float64]:
    head = _FORCES.search(text)
    if head is None:
        raise FormatError("the output of pw.x has no forces")
    factor = programs.unit("pw.x", head[1], FORCE_UNITS, "forces")
    rows = []
    for line in text[head.end() :].splitlines()[1:]:
        match = _FORCE_ROW.match(line)
        if match:
            rows.append([programs.number(match[i]) for i in (1, 2, 3)])
        elif rows:
            break  # with a high verbosity, contributions by term follow
    if len(rows) != atoms:
        raise FormatError(f"the output of pw.x has forces of {len(rows)} of {atoms} atoms")
    return np.array(rows) * factor


def _stress(text: str) -> NDArray[np.float64]:
    head = _STRESS.search(text)
    if head is None:
        raise FormatError("the output of pw.x has no stress")
    factor = programs.unit("pw.x", head[1], STRESS_UNITS, "stress")
    rows = [_NUMBER.findall(line) for line in text[head.end() :].splitlines()[1:4]]
    if any(len(row) != 6 for row in rows) or len(rows) != 3:  # three in Ry/bohr³, three in kbar
        raise FormatError("the stress in the output of pw.x is not whole")
    stress = -factor * np.array([[programs.number(x) for x in row[:3]] for row in rows])
    return 0.5 * (stress + stress.T)
