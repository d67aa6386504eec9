"""What VASP is given (INCAR, POSCAR, KPOINTS, POTCAR) and what it answers (OUTCAR, vasprun.xml)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.chemistry.reference_settings import VaspSettings
from elyte.core.errors import FormatError
from elyte.core.formats import ENERGIES, read_outcar
from elyte.core.frame import Frame
from elyte.core.units import GPA
from elyte.reference import pseudopotentials

_KBAR = 0.1 * GPA
_XML_ENERGIES = {
    "free_energy": "e_fr_energy",
    "energy_without_entropy": "e_wo_entrp",
    "energy_sigma_0": "e_0_energy",
}
_META = {"SCAN": "SCAN", "r2SCAN": "R2SCAN"}
_IVDW = {"d3zero": 11, "d3bj": 12}
_SMEARING = {"gaussian": 0, "fermi": -1}


def write_folder(
    folder: Path, box: Frame, options: VaspSettings, charge: int, unpaired: int
) -> NDArray[np.int64]:
    """Write the four input files and return the order of the atoms in them.

    VASP wants atoms sorted by element; `result[order] = values` brings what it answers back.

    Args:
        folder: is there.
        box: the frame, in a box.
        options: settings of the engine.
        charge: e.
        unpaired: number of unpaired electrons; the calculation is spin-polarised when there are.
    """
    symbols = sorted(set(box.symbols))
    order = np.argsort([symbols.index(symbol) for symbol in box.symbols], kind="stable")
    files = pseudopotentials.find("vasp", options.pseudopotentials, symbols)
    texts = [files[symbol].read_text(errors="replace") for symbol in symbols]
    electrons = sum(
        _valence(text) * box.symbols.count(symbol)
        for text, symbol in zip(texts, symbols, strict=True)
    )
    values = incar(options, electrons - charge if charge else None, unpaired, len(box))
    (folder / "INCAR").write_text("".join(f"{k} = {v}\n" for k, v in values.items()))
    (folder / "KPOINTS").write_text("Gamma\n0\nGamma\n1 1 1\n0 0 0\n")
    (folder / "POTCAR").write_text("".join(texts))
    (folder / "POSCAR").write_text(_poscar(box, symbols, order))
    return order


def incar(
    options: VaspSettings, electrons: float | None, unpaired: int, atoms: int
) -> dict[str, Any]:
    """Return the tags of the INCAR; `electrons` only for a charged cell."""
    tags: dict[str, Any] = {
        "SYSTEM": "elyte",
        "ENCUT": f"{options.cutoff:.10g}",
        "PREC": "Accurate",
        "EDIFF": f"{options.convergence:.3g}",
        "NELM": options.max_iterations,
        "ISMEAR": _SMEARING[options.smearing],
        "SIGMA": f"{options.smearing_width:.10g}",
        "NSW": 0,
        "IBRION": -1,
        "ISIF": 2,
        "ISYM": 0,
        "LREAL": ".FALSE.",
        "LASPH": ".TRUE.",
        "LWAVE": ".FALSE.",
        "LCHARG": ".FALSE.",
    }
    if options.method in _META:
        tags["METAGGA"] = _META[options.method]
        tags["ALGO"] = "All"
    else:
        tags["GGA"] = "PE"
    if options.dispersion != "none":
        tags["IVDW"] = _IVDW[options.dispersion]
    if electrons is not None:
        tags["NELECT"] = f"{electrons:.10g}"
    if unpaired:
        moment = f"{unpaired / atoms:.6g}"
        tags |= {"ISPIN": 2, "NUPDOWN": unpaired, "MAGMOM": f"{atoms}*{moment}"}
    return tags


def _valence(potcar: str) -> float:
    """Return the number of valence electrons: the second line of a POTCAR."""
    lines = potcar.splitlines()
    try:
        return float(lines[1])
    except (IndexError, ValueError):
        raise FormatError("a POTCAR does not begin with its title and its valence") from None


def _poscar(box: Frame, symbols: list[str], order: NDArray[np.int64]) -> str:
    counts = [box.symbols.count(symbol) for symbol in symbols]
    rows = [*box.cell, *box.positions[order]]
    lines = [" ".join(f"{value:.10f}" for value in row) for row in rows]
    head = ["elyte", "1.0", *lines[:3], " ".join(symbols), " ".join(map(str, counts))]
    return "\n".join([*head, "Cartesian", *lines[3:]]) + "\n"


def read_folder(folder: Path, order: NDArray[np.int64], energy: str) -> dict[str, Any]:
    """Return energy (eV), forces (eV/Å), stress (eV/Å³) and all three energies of a folder.

    The OUTCAR is read, or the vasprun.xml where there is none.

    Raises:
        FormatError: neither is there or whole, or the self-consistent field did not converge.
    """
    outcar, vasprun = folder / "OUTCAR", folder / "vasprun.xml"
    if outcar.is_file() and outcar.stat().st_size:
        found = {name: read_outcar(outcar, name)[-1].labels for name in ENERGIES}
        first = next(iter(found.values()))
        energies = {name: labels.energy for name, labels in found.items()}
        forces, stress = first.forces, first.stress
    elif vasprun.is_file():
        energies, forces, stress = read_vasprun(vasprun)
    else:
        raise FormatError("VASP left neither an OUTCAR nor a vasprun.xml")
    if forces is None or len(forces) != len(order):
        raise FormatError(f"VASP answers for {0 if forces is None else len(forces)} atoms")
    sorted_back = np.empty_like(forces)
    sorted_back[order] = forces
    return {
        "energy": energies[energy],
        "forces": sorted_back,
        "stress": stress,
        "energies": energies,
    }


def read_vasprun(
    path: Path,
) -> tuple[dict[str, float], NDArray[np.float64], NDArray[np.float64] | None]:
    """Return the energies by name (eV), forces (eV/Å) and stress (eV/Å³) of the last ionic step.

    Stress in the file: kbar, positive in compression; σ = −value (ASE's sign).

    Raises:
        FormatError: no whole vasprun.xml, or a self-consistent field that used all its steps.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise FormatError(f"{path}: not a whole vasprun.xml ({error})") from None
    steps = root.findall("calculation")
    if not steps:
        raise FormatError(f"{path}: no ionic step")
    step = steps[-1]
    limit = root.find(".//i[@name='NELM']")
    if limit is not None and len(step.findall("scstep")) >= int(limit.text or 0):
        raise FormatError(
            f"{path}: the self-consistent field stopped before it converged (NELM reached); its "
            "forces cannot be trusted"
        )
    forces, stress = _array(step, "forces"), _array(step, "stress")
    if forces is None:
        raise FormatError(f"{path}: no forces")
    return _energies(step, path), forces, None if stress is None else -_KBAR * stress


def _energies(step: ElementTree.Element, path: Path) -> dict[str, float]:
    # Dispersion is in the free energy of the ionic step alone; the other two of that block are
    # zero or wrong in some versions, so they are those of the last electronic step, shifted alike.
    blocks = step.findall("scstep/energy")
    last = {i.get("name", ""): i.text or "" for i in blocks[-1].iter("i")} if blocks else {}
    final = {i.get("name", ""): i.text or "" for i in step.findall("energy/i")}
    values = {}
    for name, tag in _XML_ENERGIES.items():
        text = final.get(tag) if tag == "e_fr_energy" and tag in final else last.get(tag)
        if text is None:
            raise FormatError(f"{path}: no {tag}")
        values[name] = float(text)
    electronic = last.get("e_fr_energy")
    shift = values["free_energy"] - float(electronic) if electronic is not None else 0.0
    return {n: v if n == "free_energy" else v + shift for n, v in values.items()}


def _array(step: ElementTree.Element, name: str) -> NDArray[np.float64] | None:
    block = step.find(f"varray[@name='{name}']")
    if block is None:
        return None
    return np.array([[float(x) for x in (v.text or "").split()] for v in block.findall("v")])
