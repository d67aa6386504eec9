"""Compressibility from densities over pressures, by the Tait equation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.intervals import with_intervals
from elyte.analysis.profile import Profile, solve_profile
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]

_LEAST_PRESSURES = 4
_POINTS = 1500  # values of B that are tried
_STIFFEST = 50.0  # GPa
_SOFTEST = 1e-3  # GPa beyond the lowest pressure


def tait_compressibility(
    pressures: ArrayLike, densities: Sequence[Quantity], at: float = 1.01325e-4
) -> tuple[Quantity, Curve]:
    """Return the isothermal compressibility at a pressure, and the fitted density.

        v(P) = v₀ [1 − C ln((B + P)/(B + P₀))],   β_T(P) = −(∂ ln v/∂P)_T = v₀ C/((B + P) v(P))

    (doi:10.1007/BF01133262), v = 1/ρ, P₀ = `at`, weighted by the errors of the densities. v₀ and
    v₀C are solved for at each of many B; the interval of β_T comes from the profile of χ² over all
    B, since B and C are hardly known apart where β_T is well known.

    Args:
        pressures: GPa (10⁴ bar), (k,), of the densities.
        densities: at one temperature, from runs at constant pressure; withheld ones are left out.
        at: pressure at which β_T is wanted, GPa, within the range of the densities or near.

    Returns:
        Quantity in 1/GPa with B (GPa) and C in its details, withheld below four pressures or when
        the volume does not fall with pressure beyond its errors; and Curve over GPa.

    Raises:
        InputError: lengths that differ, densities of several temperatures, without error or not
            positive, or a pressure `at` beyond the range by more than half of it.
    """
    p, v, errors = _table(pressures, densities)
    name, unit = "isothermal compressibility", "1/GPa"
    fields: dict[str, Any] = {
        "temperature": densities[0].temperature,
        "method": "Tait equation, interval from the profile of χ²",
    }
    blank = np.zeros(0)
    if len(np.unique(p)) < _LEAST_PRESSURES:
        reason = f"fewer than {_LEAST_PRESSURES} pressures with a density"
        return Quantity.withhold(name, unit, reason, **fields), _curve(blank, blank)
    _within(at, p)
    start = max(-float(p.min()), -at) + _SOFTEST
    grid = start - _SOFTEST + np.geomspace(_SOFTEST, _STIFFEST, _POINTS)

    def design(b: float, x: Array = p) -> Array:
        return np.stack([np.ones_like(x), -np.log((b + x) / (b + at))], axis=1)

    profile = solve_profile(design, grid, v, errors)
    best, b = profile.parameters[profile.best], float(grid[profile.best])
    points = np.linspace(p.min(), p.max(), 50)
    curve = _curve(points, 1 / (design(b, points) @ best))
    value, narrow, wide = _compressibility(profile, at)
    if not wide[0] > 0:
        reason = "the volume does not fall with pressure beyond its errors"
        return Quantity.withhold(name, unit, reason, **fields), curve
    details = {
        "pressure_GPa": at,
        "B_GPa": b,
        "B_interval_95_GPa": list(profile.interval(0.95)),
        "C": float(best[1] / best[0]),
        "p_value": profile.p_value,
    }
    return with_intervals(name, value, narrow, wide, unit, details=details, **fields), curve


def _compressibility(
    profile: Profile, at: float
) -> tuple[float, tuple[float, float], tuple[float, float]]:
    """β = (v₀C)/v₀/(B + P₀): v₀ is so well known that it counts as exact in the interval."""
    weights = np.zeros_like(profile.parameters)
    weights[:, 1] = 1 / (profile.parameters[:, 0] * (profile.grid + at))
    return profile.combination(weights)


def _within(at: float, p: Array) -> None:
    room = (p.max() - p.min()) / 2
    if not p.min() - room <= at <= p.max() + room:
        raise InputError(
            f"compressibility at {at} GPa: the densities reach from {p.min():g} to {p.max():g} GPa"
        )


def _table(pressures: ArrayLike, densities: Sequence[Quantity]) -> tuple[Array, Array, Array]:
    p = np.asarray(pressures, dtype=float)
    if p.shape != (len(densities),) or not len(p) or not np.isfinite(p).all():
        raise InputError(f"{p.size} pressures for {len(densities)} densities; one each is needed")
    if len({q.temperature for q in densities}) > 1:
        raise InputError("the Tait equation is fitted at one temperature; there are several")
    rows = []
    for pressure, q in zip(p.tolist(), densities, strict=True):
        if q.withheld:
            continue
        if not (q.value > 0 and np.isfinite(q.error) and q.error > 0):
            raise InputError(
                f"the density at {pressure:g} GPa is {q.value} ± {q.error}; it must be positive, "
                "with the error of a run at constant pressure"
            )
        rows.append((pressure, 1 / q.value, q.error / q.value**2))
    table = np.array(sorted(rows), dtype=float).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _curve(x: Array, y: Array) -> Curve:
    return Curve("density", x, y, None, "GPa", "g/cm³", "Tait", group="Tait equation")
