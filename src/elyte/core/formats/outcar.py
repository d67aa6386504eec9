"""VASP's OUTCAR: every ionic step whose self-consistent field converged.

Energy: the free energy TOTEN, of which the forces are the derivatives; the energy without
entropy and the one extrapolated to σ → 0 are there by name. Stress: "in kB" is in kbar, in the
order xx yy zz xy yz zx, positive in compression, without the kinetic part; σ = −value (ASE's
sign). An OUTCAR without it gives frames without stress.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from elyte.core.errors import FormatError
from elyte.core.formats.text import floats, read_text, voigt_to_matrix
from elyte.core.frame import Dataset, Frame, LabelledFrame, Labels
from elyte.core.units import GPA

ENERGIES = {
    "free_energy": re.compile(r"free  energy   TOTEN\s*=\s*(\S+) eV"),
    "energy_without_entropy": re.compile(r"energy  without entropy=\s*(\S+)"),
    "energy_sigma_0": re.compile(r"energy  without entropy=.*energy\(sigma->0\)\s*=\s*(\S+)"),
}
_KBAR = 0.1 * GPA
_NUMBER = re.compile(r"-?\d+\.\d+")  # wide columns run into each other
_CONVERGED = "aborting loop because EDIFF is reached"
_STEP = re.compile(r"- Iteration\s+(\d+)\(\s*(\d+)\)")


def read_outcar(
    path: str | os.PathLike[str], energy: str = "free_energy", config_type: str = ""
) -> Dataset:
    """Read all ionic steps.

    Args:
        path: the file.
        energy: "free_energy" (consistent with the forces), "energy_without_entropy" or
            "energy_sigma_0".
        config_type: for all frames.

    Raises:
        FormatError: not an OUTCAR, no finished step in it, or a step whose self-consistent
            field stopped before it converged (the message has its number).
    """
    if energy not in ENERGIES:
        raise FormatError(f"an OUTCAR has no '{energy}': use one of {', '.join(ENERGIES)}")
    lines = read_text(path).splitlines()
    numbers = _elements(lines, path)
    steps = [
        _step(part, numbers, energy, f"{path}, ionic step {index}", config_type)
        for index, part in enumerate(_parts(lines), 1)
    ]
    found = [step for step in steps if step is not None]
    if not found:
        raise FormatError(f"{path}: no ionic step has energy and forces; the run did not finish")
    return Dataset(found)


def _elements(lines: list[str], path: str | os.PathLike[str]) -> NDArray[np.int64]:
    symbols = [line.split("=")[1].split(":")[0].strip() for line in lines if "VRHFIN" in line]
    counts = next((line.split("=")[1].split() for line in lines if "ions per type" in line), [])
    if not symbols or len(symbols) != len(counts):
        raise FormatError(f"{path}: no VASP output with elements (VRHFIN) and ions per type")
    if unknown := [symbol for symbol in symbols if symbol not in atomic_numbers]:
        raise FormatError(f"{path}: unknown element '{unknown[0]}' in VRHFIN")
    kinds = [atomic_numbers[symbol] for symbol in symbols]
    return np.repeat(kinds, [int(count) for count in counts])


def _parts(lines: list[str]) -> Iterator[list[str]]:
    """Cut the file at the first electronic iteration of each ionic step."""
    starts = [
        index
        for index, line in enumerate(lines)
        if (found := _STEP.search(line)) and found.group(2) == "1"
    ]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield lines[start:end]


def _step(
    lines: list[str], numbers: NDArray[np.int64], energy: str, where: str, config_type: str
) -> LabelledFrame | None:
    """Return one ionic step, or None for a step that was cut off before its forces."""
    table = _find(lines, "TOTAL-FORCE (eV/Angst)")
    toten = _find(lines, "FREE ENERGIE OF THE ION-ELECTRON SYSTEM")
    if table is None or toten is None:
        return None
    if not any(_CONVERGED in line for line in lines):
        raise FormatError(
            f"{where}: the self-consistent field stopped before it converged (NELM reached); "
            "its forces cannot be trusted"
        )
    n = len(numbers)
    rows = [_NUMBER.findall(line) for line in lines[table + 2 : table + 2 + n]]
    if len(rows) < n or any(len(row) != 6 for row in rows):
        raise FormatError(f"{where}: the table of positions and forces is not whole")
    values = np.array(rows, dtype=float)
    cell = _cell(lines, where)
    frame = Frame(numbers, values[:, :3], cell, np.ones(3, dtype=bool))
    value = _energy(lines[toten:], energy, where)
    labels = Labels(value, values[:, 3:], _stress(lines, where), level="VASP")
    return LabelledFrame(frame, labels, config_type)


def _find(lines: list[str], text: str) -> int | None:
    return next((index for index, line in enumerate(lines) if text in line), None)


def _cell(lines: list[str], where: str) -> NDArray[np.float64]:
    start = _find(lines, "direct lattice vectors")
    if start is None:
        raise FormatError(f"{where}: no lattice vectors")
    rows = [_NUMBER.findall(line)[:3] for line in lines[start + 1 : start + 4]]
    return np.array([floats(row, where) for row in rows])


def _energy(lines: list[str], name: str, where: str) -> float:
    found = (ENERGIES[name].search(line) for line in lines)
    match = next((m for m in found if m), None)
    if match is None:
        raise FormatError(f"{where}: no {name}")
    return float(floats([match.group(1)], where)[0])


def _stress(lines: list[str], where: str) -> NDArray[np.float64] | None:
    index = next((i for i, line in enumerate(lines) if line.strip().startswith("in kB")), None)
    if index is None:
        return None
    xx, yy, zz, xy, yz, zx = floats(_NUMBER.findall(lines[index])[:6], where)
    return voigt_to_matrix(-_KBAR * np.array([xx, yy, zz, yz, zx, xy]), where)
