"""Thermal expansion from densities at several temperatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.intervals import with_intervals
from elyte.analysis.profile import goodness, weighted_fit, widening
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]

_TWO_SIGMA = 1.959963984540054  # 95 % of a normal distribution


def thermal_expansion(
    densities: Sequence[Quantity], at: float | None = None, quadratic: bool = False
) -> tuple[Quantity, Curve]:
    """Return the isobaric thermal expansion coefficient, and the fitted density.

        α = −(∂ ln ρ/∂T)_P,   ln ρ = a − α (T − T₀) + ½ c (T − T₀)²

    (doi:10.1093/oso/9780198803195.001.0001), weighted by the errors of ln ρ. Errors are
    widened by √(χ²/ν) where the fit does not describe the densities (p < 0.05).

    Args:
        densities: at several temperatures and one pressure; withheld ones are left out.
        at: T₀, where α is wanted, K; None: the mean temperature.
        quadratic: whether to fit c; otherwise α does not depend on T.

    Returns:
        Quantity in 1/K, withheld below two temperatures (three with c), and Curve over K.

    Raises:
        InputError: a density without temperature, not positive, or without an error, as it has
            when the volume was imposed.
    """
    if not densities:
        raise InputError("thermal expansion needs densities; none was given")
    used = [q for q in densities if not q.withheld]
    table = np.array(sorted(_row(q) for q in used), dtype=float).reshape(-1, 3)
    t, values, errors = table.T
    order = 2 if quadratic else 1
    origin = float(at if at is not None else (t.mean() if len(t) else 0.0))
    method = f"weighted fit of ln ρ(T), {'quadratic' if quadratic else 'linear'}"
    name, unit = "thermal expansion coefficient", "1/K"
    fields: dict[str, Any] = {"temperature": origin or None, "method": method}
    if len(np.unique(t)) < order + 1:
        reason = f"fewer than {order + 1} temperatures with a density"
        blank = np.zeros(0)
        return Quantity.withhold(name, unit, reason, **fields), _curve(densities[0], *[blank] * 3)
    parameters, covariance, chi2 = weighted_fit(_design(t, origin, order), values, errors)
    freedom = len(t) - order - 1
    covariance *= widening(chi2, freedom) ** 2
    alpha, error = float(-parameters[1]) / 100, float(np.sqrt(covariance[1, 1])) / 100
    wide = _TWO_SIGMA * error
    quantity = with_intervals(
        name,
        alpha,
        (alpha - error, alpha + error),
        (alpha - wide, alpha + wide),
        unit,
        details={"p_value": goodness(chi2, freedom), "temperatures": t.tolist()},
        **fields,
    )
    grid = np.linspace(t[0], t[-1], 50)
    rows = _design(grid, origin, order)
    spread = np.sqrt(np.einsum("ij,jk,ik->i", rows, covariance, rows))
    return quantity, _curve(densities[0], grid, np.exp(rows @ parameters), spread)


def _row(q: Quantity) -> tuple[float, float, float]:
    if q.temperature is None or not q.temperature > 0:
        raise InputError("a density without a temperature; give its temperature in K")
    if not (np.isfinite(q.value) and q.value > 0):
        raise InputError(f"a density of {q.value} at {q.temperature} K; it must be positive")
    if not (np.isfinite(q.error) and q.error > 0):
        raise InputError(
            f"the density at {q.temperature} K has no error; thermal expansion needs densities "
            "from runs at constant pressure, with their errors"
        )
    return float(q.temperature), float(np.log(q.value)), float(q.error / q.value)


def _design(temperatures: Array, origin: float, order: int) -> Array:
    x = (temperatures - origin) / 100  # of order one: well conditioned
    return np.stack([x**k / (1, 1, 2)[k] for k in range(order + 1)], axis=1)


def _curve(of: Quantity, x: Array, y: Array, relative: Array) -> Curve:
    return Curve(of.name, x, y, y * relative, "K", of.unit, "fit", group="thermal expansion")
