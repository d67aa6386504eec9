"""Numbers as a table prints them: one power of ten for a group, digits that follow the error."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from elyte.core.quantity import Quantity

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Group:
    """Quantities of one name and unit, and the power of ten that their values share."""

    name: str
    unit: str
    exponent: int
    quantities: tuple[Quantity, ...]

    @property
    def printed_unit(self) -> str:
        """The unit with the power of ten in front ("10⁻¹¹ m²/s"); "" for a pure number."""
        unit = "" if self.unit in ("", "1") else self.unit
        return " ".join(part for part in (power_of_ten(self.exponent), unit) if part)


@dataclass(frozen=True)
class Number:
    """A value and its error as text, split at the decimal point for alignment."""

    whole: str
    fraction: str
    error: str

    def __str__(self) -> str:
        return f"{self.whole}{self.fraction}" + (f" ± {self.error}" if self.error else "")


def power_of_ten(exponent: int) -> str:
    """Return "10⁻¹¹", or "" for the exponent 0."""
    return "10" + str(exponent).translate(_SUPERSCRIPTS) if exponent else ""


def group_quantities(quantities: Sequence[Quantity]) -> list[Group]:
    """Gather quantities by name and unit, in the order in which they first occur."""
    gathered: dict[tuple[str, str], list[Quantity]] = {}
    for quantity in quantities:
        gathered.setdefault((quantity.name, quantity.unit), []).append(quantity)
    return [
        Group(name, unit, _shared_exponent(members), tuple(members))
        for (name, unit), members in gathered.items()
    ]


def _shared_exponent(quantities: Sequence[Quantity]) -> int:
    sizes = [abs(q.value) for q in quantities if math.isfinite(q.value) and q.value]
    if not sizes or 1e-2 <= max(sizes) < 1e5:
        return 0
    return math.floor(math.log10(statistics.median(sizes)))


def format_number(value: float, error: float, exponent: int = 0) -> Number:
    """Write `value` ± `error` in units of 10^`exponent`.

    The error has two significant digits and the value stops where the error does; without an
    error the value has four significant digits.
    """
    if not math.isfinite(value):
        return Number("–", "", "")
    scaled = value / 10.0**exponent
    known = math.isfinite(error) and error > 0
    spread = error / 10.0**exponent if known else 0.0
    reach = spread if known else abs(scaled) / 100 or 1.0
    digits = min(12, max(0, 1 - math.floor(math.log10(reach))))
    whole, dot, fraction = f"{scaled:.{digits}f}".replace("-", "−").partition(".")
    return Number(whole, dot + fraction, f"{spread:.{digits}f}" if known else "")


def format_samples(n_effective: float) -> str:
    """Return the number of effective samples, "–" when it is not known."""
    if not math.isfinite(n_effective):
        return "–"
    return f"{n_effective:.1f}" if n_effective < 10 and n_effective % 1 else f"{n_effective:.0f}"


def format_temperature(temperature: float | None) -> str:
    """Return a temperature without its unit, "–" when there is none."""
    return "–" if temperature is None else f"{temperature:.2f}".rstrip("0").rstrip(".")


def format_duration(seconds: float) -> str:
    """Return a time as "42 s", "3 min 05 s" or "1 h 20 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if 0 < seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
