"""D3 as a part of a level of theory: its name, and its sum with a functional that has none."""

from __future__ import annotations

from typing import Any

from elyte.core.frame import Frame
from elyte.reference.dispersion import (
    METHODS,
    DispersionSettings,
    available,
    evaluate_dispersion,
)

REMEDY = "pip install 'elyte[dispersion]'"
CUTOFF = 20.0
"""Å, of pairs; their energy beyond is below 1 meV per molecule."""


def version() -> str:
    """Return the version of dftd3, or an empty string when it cannot be used."""
    return str(available().details.get("version", ""))


def suffix(dispersion: str, three_body: bool) -> str:
    """Return how a level of theory names it: "", "-D3(0)", "-D3(BJ)", "-D3(BJ)-C9"."""
    if dispersion == "none":
        return ""
    return f"-{METHODS[dispersion]}" + ("-C9" if three_body else "")


def add_d3(
    labels: dict[str, Any], frame: Frame, functional: str, dispersion: str, three_body: bool
) -> dict[str, Any]:
    """Return labels with D3 added to energy (eV), forces (eV/Å) and stress (eV/Å³).

    Args:
        labels: without dispersion.
        frame: periodic in all directions or in none.
        functional: as dftd3 names it ("PBE").
        dispersion: "none", "d3zero" or "d3bj".
        three_body: the Axilrod–Teller–Muto term, too.

    Raises:
        MissingDependency: dftd3 is not installed.
    """
    if dispersion == "none":
        return labels
    settings = DispersionSettings(functional, dispersion, CUTOFF, three_body=three_body)
    part = evaluate_dispersion(frame, settings)[0]
    stress = labels["stress"]
    return {
        **labels,
        "energy": labels["energy"] + part.energy,
        "forces": labels["forces"] + part.forces,
        "stress": None if stress is None else stress + part.stress,
    }
