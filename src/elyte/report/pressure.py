"""What an error of the potential's pressure does to its density.

On frames of the production the potential's pressure differs from the reference's by ΔP ± δP. To
first order the reference's liquid has at the wanted pressure the density ρ (1 + κ_T ΔP).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elyte.core.quantity import Quantity
from elyte.core.units import GPA

LEAST_SHIFT = 0.01  # of the density, from which on it is a warning


@dataclass(frozen=True)
class Shift:
    """Relative change of the density, κ_T ΔP.

    Args:
        pressure, pressure_error: ΔP ± δP, GPa.
        compressibility, compressibility_error: κ_T, 1/GPa.
    """

    pressure: float
    pressure_error: float
    compressibility: float
    compressibility_error: float

    @property
    def value(self) -> float:
        """κ_T ΔP."""
        return self.compressibility * self.pressure

    @property
    def error(self) -> float:
        """Standard error of κ_T ΔP."""
        return math.hypot(
            self.compressibility * self.pressure_error, self.compressibility_error * self.pressure
        )

    def warning(self) -> str:
        """Return words where the shift is worth them, else ""."""
        if not abs(self.value) > max(LEAST_SHIFT, 2 * self.compressibility * self.pressure_error):
            return ""
        return (
            "on frames of the production the potential's pressure is "
            f"{1000 * self.pressure:+.0f} ± {1000 * self.pressure_error:.0f} MPa from the "
            "reference's: by the compressibility the density is about "
            f"{abs(self.value):.1%} too {'low' if self.value > 0 else 'high'}"
        )

    def corrected(self, density: Quantity) -> Quantity:
        """Return the density that the reference would have, with the errors of both."""
        value = density.value * (1 + self.value)
        error = math.hypot(density.error * (1 + self.value), density.value * self.error)
        method = (
            "density × (1 + κ_T ΔP), ΔP: pressure error on labelled frames of the production; its "
            "error holds that of the potential"
        )
        return Quantity(
            "density, reference's pressure", value, error, density.unit, method,
            temperature=density.temperature,
        )  # fmt: skip


def shift_of(quantities: Sequence[Quantity], errors: Mapping[str, float]) -> Shift | None:
    """Return the shift, or None where the pressure error or the compressibility is not known.

    Args:
        quantities: of one temperature.
        errors: "pressure" and "pressure_error", eV/Å³, of frames of the production.
    """
    pressure, error = (errors.get(n, math.nan) / GPA for n in ("pressure", "pressure_error"))
    for q in quantities:
        if q.name == "isothermal compressibility" and q.unit == "1/GPa":
            shift = Shift(pressure, error, q.value, q.error)
            return shift if math.isfinite(shift.value) and math.isfinite(shift.error) else None
    return None
