"""Quantities with units as they stand in recipes: "330 K", "1.0 mol/L", "100 ps", "5 Å"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import Any

from elyte.core.errors import RecipeError
from elyte.core.units import HARTREE

_NUMBER = re.compile(r"^\s*([-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*$")


@dataclass(frozen=True)
class Dimension:
    """What may be measured how: unit name → (factor, offset) into the internal unit."""

    name: str
    units: dict[str, tuple[float, float]]
    example: str

    @property
    def named(self) -> str:
        """The name with its article."""
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name}"

    @property
    def listed(self) -> str:
        """The units that a person may write."""
        return ", ".join(self.units)


def _dimension(name: str, example: str, /, **factors: float) -> Dimension:
    return Dimension(name, {u: (f, 0.0) for u, f in factors.items()}, example)


TEMPERATURE = Dimension("temperature", {"K": (1.0, 0.0), "°C": (1.0, 273.15)}, "330 K")
PRESSURE = _dimension("pressure", "1 bar", bar=1.0, atm=1.01325, kPa=0.01, MPa=10.0, GPa=1e4)
TIME = _dimension("time", "100 ps", fs=1.0, ps=1e3, ns=1e6)
LENGTH = Dimension("length", {"Å": (1.0, 0.0), "A": (1.0, 0.0), "nm": (10.0, 0.0)}, "5 Å")
FORCE = Dimension("force", {"eV/Å": (1.0, 0.0), "meV/Å": (1e-3, 0.0)}, "120 meV/Å")
ENERGY = _dimension("energy", "400 eV", eV=1.0, Ry=0.5 * HARTREE, Ha=HARTREE)
DENSITY = Dimension("density", {"g/cm³": (1.0, 0.0), "kg/m³": (1e-3, 0.0)}, "1.25 g/cm³")
DURATION = Dimension("duration", {"s": (1.0, 0.0), "min": (60.0, 0.0), "h": (3600.0, 0.0)}, "5 min")
SIZE = Dimension("box size", {"atoms": (1.0, 0.0), "molecules": (1.0, 0.0)}, "400 atoms")
AMOUNT = Dimension(
    "amount",
    {
        "mol/L": (1.0, 0.0),
        "mol/kg": (1.0, 0.0),
        "mol%": (0.01, 0.0),
        "wt%": (0.01, 0.0),
        "vol%": (0.01, 0.0),
        "molecules": (1.0, 0.0),
    },
    "1.0 mol/L",
)

_SPELLINGS = {
    "M": "mol/L",
    "mol/l": "mol/L",
    "mol/dm3": "mol/L",
    "mol/dm³": "mol/L",
    "C": "°C",
    "degC": "°C",
    "ev/Å": "eV/Å",
    "eV/A": "eV/Å",
    "meV/A": "meV/Å",
    "g/cm3": "g/cm³",
    "g/cm^3": "g/cm³",
    "g/mL": "g/cm³",
    "kg/m3": "kg/m³",
    "mol %": "mol%",
    "wt %": "wt%",
    "vol %": "vol%",
    "atom": "atoms",
    "molecule": "molecules",
    "Angstrom": "Å",
    "angstrom": "Å",
    "\u212b": "Å",  # the Ångström sign
}


def spellings(dimension: Dimension) -> list[str]:
    """Return every way in which the units of a dimension may be written."""
    return [*dimension.units, *(s for s, u in _SPELLINGS.items() if u in dimension.units)]


def split(text: Any, dimension: Dimension) -> tuple[float, str]:
    """Return (number, unit) of a quantity, unconverted.

    Raises:
        RecipeError: no number, no unit, or a unit of another dimension.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise RecipeError(f"{text!r} is not {dimension.named} such as '{dimension.example}'")
    match = _NUMBER.match(str(text))
    if match is None:
        raise RecipeError(f"'{text}' is not {dimension.named} such as '{dimension.example}'")
    unit = _SPELLINGS.get(match[2], match[2])
    if not unit:
        raise RecipeError(
            f"'{text}' has no unit; write {dimension.named} such as '{dimension.example}' "
            f"({dimension.listed})"
        )
    if unit not in dimension.units:
        raise RecipeError(
            f"'{text}' is not {dimension.named}: unit '{unit}' is none of {dimension.listed}"
        )
    value = float(match[1].replace("−", "-"))
    if not isfinite(value):
        raise RecipeError(f"'{text}' is not a finite {dimension.name}")
    return value, unit


def parse(text: Any, dimension: Dimension) -> float:
    """Return a quantity in the internal unit of its dimension (K, bar, fs, Å, eV, eV/Å, g/cm³, s).

    Raises:
        RecipeError: as `split`.
    """
    value, unit = split(text, dimension)
    factor, offset = dimension.units[unit]
    return value * factor + offset


def format_time(fs: float) -> str:
    """Return a time as a person writes it."""
    for unit, factor in (("ns", 1e6), ("ps", 1e3)):
        if fs >= factor:
            return f"{fs / factor:g} {unit}"
    return f"{fs:g} fs"
