"""The dispersion correction D3 that is added to a functional which has none, by `dftd3`.

D3 doi:10.1063/1.3382344 (zero damping), doi:10.1002/jcc.21759 (Becke and Johnson's damping).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from typing import Any

import numpy as np

from elyte.core.errors import MissingDependency
from elyte.core.frame import Frame
from elyte.core.units import BOHR, HARTREE

REMEDY = "pip install dftd3"


def version() -> str:
    """Return the version of dftd3, or an empty string when it is not installed."""
    if importlib.util.find_spec("dftd3") is None:
        return ""
    return importlib.metadata.version("dftd3")


def suffix(dispersion: str, three_body: bool) -> str:
    """Return how a level of theory names it: "", "-D3", "-D3(BJ)", "-D3(BJ)-C9"."""
    name = {"none": "", "d3": "-D3", "d3bj": "-D3(BJ)"}[dispersion]
    return f"{name}-C9" if name and three_body else name


def d3(frame: Frame, functional: str, dispersion: str, three_body: bool) -> dict[str, Any]:
    """Return energy (eV), forces (eV/Å, (n, 3)) and stress (eV/Å³, (3, 3), None without a box).

    Args:
        frame: periodic in all directions or in none.
        functional: as dftd3 names it ("PBE").
        dispersion: "d3" (zero damping) or "d3bj".
        three_body: the Axilrod–Teller–Muto term, too.

    Raises:
        MissingDependency: dftd3 is not installed.
    """
    try:
        from dftd3 import interface
    except ImportError as error:
        raise MissingDependency(f"D3 needs dftd3 ({error}): {REMEDY}") from error
    periodic = bool(frame.pbc.all())
    model = interface.DispersionModel(
        np.array(frame.numbers),
        np.array(frame.positions) / BOHR,
        np.array(frame.cell) / BOHR if periodic else None,
        np.array(frame.pbc) if periodic else None,
    )
    damping = interface.RationalDampingParam if dispersion == "d3bj" else interface.ZeroDampingParam
    found = model.get_dispersion(damping(method=functional.lower(), atm=three_body), grad=True)
    virial = 0.5 * (found["virial"] + found["virial"].T) * HARTREE
    return {
        "energy": float(found["energy"]) * HARTREE,
        "forces": -np.asarray(found["gradient"]) * (HARTREE / BOHR),
        "stress": virial / frame.volume if periodic else None,
    }


def add(labels: dict[str, Any], correction: dict[str, Any]) -> dict[str, Any]:
    """Return labels with a correction to energy, forces and stress added."""
    stress = labels["stress"]
    return {
        **labels,
        "energy": labels["energy"] + correction["energy"],
        "forces": labels["forces"] + correction["forces"],
        "stress": None if stress is None else stress + correction["stress"],
    }
