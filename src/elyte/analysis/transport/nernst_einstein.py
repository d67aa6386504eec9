"""Conductivity of ions that move independently, and how far a liquid is from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from elyte.analysis.intervals import with_intervals
from elyte.core.quantity import Quantity
from elyte.core.units import BOLTZMANN, CONDUCTIVITY_TO_S_PER_M, DIFFUSION_TO_M2_PER_S

Ions = Sequence[tuple[str, int, float, Quantity]]
"""(species, number of ions, charge in e, self-diffusion coefficient) of each kind of ion."""


def _contributions(ions: Ions, volume: float, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    factor = CONDUCTIVITY_TO_S_PER_M / DIFFUSION_TO_M2_PER_S / (volume * BOLTZMANN * temperature)
    weights = np.array([count * charge**2 for _, count, charge, _ in ions]) * factor
    values = np.array([d.value for *_, d in ions])
    errors = np.array([d.error for *_, d in ions])
    return weights * values, weights * errors


def _normal(value: float, error: float) -> dict[str, Any]:
    return {
        "one_sigma": (value - error, value + error),
        "interval_95": (value - 1.96 * error, value + 1.96 * error),
    }


def _missing(ions: Ions) -> str:
    names = [f"D({name})" for name, _, _, d in ions if d.withheld]
    return f"needs {' and '.join(names)}: withheld" if names else ""


def nernst_einstein(ions: Ions, volume: float, temperature: float) -> Quantity:
    """Return σ_NE = e²/(V k_B T) Σ N_i z_i² D_i, S/m.

    Args:
        ions: each kind of ion.
        volume: Å³.
        temperature: K.
    """
    name, method = "Nernst–Einstein conductivity", "from self-diffusion coefficients"
    fields: dict[str, Any] = {"temperature": temperature, "method": method}
    if reason := _missing(ions):
        return Quantity.withhold(name, "S/m", reason, **fields)
    parts, errors = _contributions(ions, volume, temperature)
    n = float(min(d.n_effective for *_, d in ions))
    value, error = float(parts.sum()), float(np.hypot.reduce(errors))
    return with_intervals(name, value, unit="S/m", n_effective=n, **_normal(value, error), **fields)


def transport_numbers(ions: Ions, temperature: float | None = None) -> list[Quantity]:
    """Return t_i = N_i z_i² D_i / Σ N_j z_j² D_j of every ion: transport without correlations.

    For one monovalent salt this is D₊/(D₊ + D₋).
    """
    name, method = "transport number", "from self-diffusion coefficients"
    reason = _missing(ions)
    listed = []
    for i, (species, _, _, d) in enumerate(ions):
        fields: dict[str, Any] = {"species": species, "temperature": temperature, "method": method}
        if reason:
            listed.append(Quantity.withhold(name, "1", reason, **fields))
            continue
        parts, errors = _contributions(ions, 1.0, 1.0)
        total = parts.sum()
        t = float(parts[i] / total)
        gradient = np.full(len(parts), -parts[i] / total**2)
        gradient[i] += 1 / total
        error = float(np.sqrt(np.sum((gradient * errors) ** 2)))
        limits = _normal(t, error)
        listed.append(
            with_intervals(name, t, unit="1", n_effective=d.n_effective, **limits, **fields)
        )
    return listed


def ratio(
    name: str, above: Quantity, below: Quantity, method: str, temperature: float | None = None
) -> Quantity:
    """Return above/below with its error (relative errors in quadrature).

    The intervals are those of the logarithm, since a ratio of positive numbers is not symmetric.
    """
    fields: dict[str, Any] = {"temperature": temperature, "method": method}
    names = [f"the {q.name}" for q in (above, below) if q.withheld]
    missing = f"needs {' and '.join(names)}: withheld" if names else ""
    if missing:
        return Quantity.withhold(name, "1", missing, **fields)
    value = above.value / below.value
    limits: dict[str, Any] = {}
    for key, label in (("interval_68", "one_sigma"), ("interval_95", "interval_95")):
        logs = [np.log(np.clip(q.details[key], 1e-300, None)) for q in (above, below)]
        middle = [np.log(above.value), np.log(below.value)]
        low = np.hypot(middle[0] - logs[0][0], logs[1][1] - middle[1])
        high = np.hypot(logs[0][1] - middle[0], middle[1] - logs[1][0])
        limits[label] = (float(value * np.exp(-low)), float(value * np.exp(high)))
    n = min(above.n_effective, below.n_effective)
    return with_intervals(name, value, unit="1", n_effective=n, **limits, **fields)
