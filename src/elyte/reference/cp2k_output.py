"""What CP2K answers: energy, forces, stress and charges, each by the unit that stands beside it.

Formats: 8.1 to 2024 print `[a.u.]` for energy and forces and `[GPa]` for the stress, 2025 on
`[hartree]`, `[hartree/bohr]` and `[bar]`. A unit that is none of these is refused. The stress is
printed as pressure (positive in compression); σ = −value (ASE's sign).
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import FormatError
from elyte.core.units import BAR, BOHR, GPA, HARTREE
from elyte.reference import programs

ENERGY_UNITS = {"a.u.": HARTREE, "hartree": HARTREE}
FORCE_UNITS = {"a.u.": HARTREE / BOHR, "hartree/bohr": HARTREE / BOHR}
STRESS_UNITS = {"GPa": GPA, "kbar": 1e3 * BAR, "bar": BAR}

_FLOAT = r"([-+]?\d+\.\d*(?:[EeDd][-+]?\d+)?)"
_ENERGY = re.compile(
    rf"^ ENERGY\| Total FORCE_EVAL \( QS \) energy [\[(](.*?)[\])]:?\s+{_FLOAT}", re.MULTILINE
)
_FORCES = re.compile(r"^ (?:FORCES\| Atomic forces|ATOMIC FORCES in) \[(.*?)\]", re.MULTILINE)
_OLD_ROW = re.compile(rf"^\s*\d+\s+\d+\s+\w+\s+{_FLOAT}\s+{_FLOAT}\s+{_FLOAT}\s*$")
_NEW_ROW = re.compile(rf"^\s*FORCES\|\s+\d+\s+{_FLOAT}\s+{_FLOAT}\s+{_FLOAT}\s+{_FLOAT}\s*$")
_STRESS = re.compile(r"^ STRESS\| Analytical stress tensor \[(.*?)\]", re.MULTILINE)
_STRESS_ROW = re.compile(rf"^ STRESS\|\s+[xyz]\s+{_FLOAT}\s+{_FLOAT}\s+{_FLOAT}\s*$")
_CHARGE_ROW = re.compile(rf"^\s*\d+\s+[A-Z][a-z]?\s+\d+\s+{_FLOAT}.*\s{_FLOAT}\s*$")
_STEPS = re.compile(r"SCF run converged in\s+(\d+) steps")
NOT_CONVERGED = ("SCF run NOT converged", "outer SCF loop FAILED to converge")


def converged(text: str) -> bool:
    """Whether no self-consistent field ended before it converged."""
    return not any(words in text for words in NOT_CONVERGED)


def read_output(text: str, atoms: int, stress: bool) -> dict[str, Any]:
    """Return energy (eV), forces (eV/Å), stress (eV/Å³ or None) and charges (e) of an output.

    Args:
        text: standard output of a run of energy and forces.
        atoms: how many there are.
        stress: whether a stress must be there.

    Raises:
        FormatError: something is not there, not whole, or in a unit that is not known.
    """
    return {
        "energy": _energy(text),
        "forces": _forces(text, atoms),
        "stress": _stress(text) if stress else None,
        "charges": _charges(text, atoms),
    }


def abort_message(text: str) -> str:
    """Return what CP2K says in its box of asterisks when it aborts, or an empty string."""
    start = text.find("[ABORT]")
    if start < 0:
        return ""
    lines = re.findall(r"^ \*.{7,12}?\s{2,}(\S.*?)\s*\*$", text[start - 200 : start + 1500], re.M)
    words = [line for line in lines if "[ABORT]" not in line and not line.endswith(".F")]
    return " ".join(re.sub(r"\S+\.F:\d+", "", " ".join(words)).split())


def _energy(text: str) -> float:
    match = _ENERGY.search(text)
    if match is None:
        raise FormatError("the output of CP2K has no total energy")
    return programs.number(match[2]) * programs.unit("CP2K", match[1], ENERGY_UNITS, "energy")


def _forces(text: str, atoms: int) -> NDArray[np.float64]:
    head = _FORCES.search(text)
    if head is None:
        raise FormatError("the output of CP2K has no forces")
    factor = programs.unit("CP2K", head[1], FORCE_UNITS, "forces")
    rows = []
    for line in text[head.end() :].splitlines()[1:]:
        match = _OLD_ROW.match(line) or _NEW_ROW.match(line)
        if match:
            rows.append([programs.number(match[i]) for i in (1, 2, 3)])
        elif rows:
            break
    if len(rows) != atoms:
        raise FormatError(f"the output of CP2K has forces of {len(rows)} of {atoms} atoms")
    return np.array(rows) * factor


def _stress(text: str) -> NDArray[np.float64]:
    head = _STRESS.search(text)
    if head is None:
        raise FormatError("the output of CP2K has no stress")
    factor = programs.unit("CP2K", head[1], STRESS_UNITS, "stress")
    matches = map(_STRESS_ROW.match, text[head.end() :].splitlines()[1:5])
    rows = [[programs.number(m[i]) for i in (1, 2, 3)] for m in matches if m]
    if len(rows) != 3:
        raise FormatError("the stress in the output of CP2K is not whole")
    stress = -factor * np.array(rows)
    return 0.5 * (stress + stress.T)


def _charges(text: str, atoms: int) -> NDArray[np.float64] | None:
    """Return Hirshfeld's charges, or None: they are a check of the electrons, no label."""
    start = text.find("Hirshfeld Charges")
    if start < 0:
        return None
    rows = map(_CHARGE_ROW.match, text[start:].splitlines()[1:])
    charges = [programs.number(m[2]) for m in rows if m][:atoms]
    return np.array(charges) if len(charges) == atoms else None


def scf_steps(text: str) -> int:
    """Return the steps of the last self-consistent field, or 0."""
    found = _STEPS.findall(text)
    return int(found[-1]) if found else 0
