"""A number that can be believed: value, standard error, unit, effective samples, method."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Quantity:
    """A property with its standard error and how it was obtained.

    Args:
        name: standard term ("density", "self-diffusion coefficient", …).
        value: nan when withheld.
        error: standard error of `value` (one sigma), in the same unit.
        unit: as printed ("g/cm³", "m²/s", "S/m", "1").
        method: how value and error were obtained, in a few words.
        n_effective: number of effectively independent samples behind the error.
        species: what it belongs to ("Li", "Li–O(EC)"), or "".
        temperature: K, or None.
        source: file, run or citation, or "".
        withheld: the reason why there is no value, or "".
        samples: block or trajectory samples, (k,), where several quantities share a run.
        details: further plain values (a plateau window, a cutoff, …).
    """

    name: str
    value: float
    error: float
    unit: str
    method: str = ""
    n_effective: float = math.nan
    species: str = ""
    temperature: float | None = None
    source: str = ""
    withheld: str = ""
    samples: NDArray[np.float64] | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def withhold(cls, name: str, unit: str, reason: str, **fields: Any) -> Quantity:
        """Return a quantity without a value, with the reason for it."""
        return cls(name, math.nan, math.nan, unit, withheld=reason, **fields)

    def to_record(self) -> dict[str, Any]:
        """Return the fields that `properties.json` holds; nan becomes None."""

        def plain(x: float | None) -> float | None:
            return None if x is None or not math.isfinite(x) else float(x)

        record: dict[str, Any] = {
            "name": self.name,
            "species": self.species,
            "temperature": plain(self.temperature),
            "value": plain(self.value),
            "error": plain(self.error),
            "unit": self.unit,
            "n_effective": plain(self.n_effective),
            "method": self.method,
        }
        if self.withheld:
            record["withheld"] = self.withheld
        return record

    def __str__(self) -> str:
        of = f" of {self.species}" if self.species else ""
        if self.withheld:
            return f"{self.name}{of}: withheld ({self.withheld})"
        return f"{self.name}{of}: {format_value(self.value, self.error)} {self.unit}"


def format_value(value: float, error: float) -> str:
    """Return "1.234 ± 0.056": the error to two significant digits, the value to match it."""
    if not math.isfinite(value):
        return "–"
    if not (math.isfinite(error) and error > 0):
        return f"{value:.4g}"
    exponent = math.floor(math.log10(max(abs(value), error)))
    scale = 0 if -3 <= exponent < 5 else exponent
    digits = max(0, 1 - math.floor(math.log10(error / 10.0**scale)))
    text = f"{value / 10.0**scale:.{digits}f} ± {error / 10.0**scale:.{digits}f}"
    return f"({text})e{scale}" if scale else text
