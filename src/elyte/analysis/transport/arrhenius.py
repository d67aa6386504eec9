"""Temperature dependence of a property: Arrhenius and Vogel–Fulcher–Tammann fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.curve import Curve
from elyte.analysis.intervals import ONE_SIGMA, with_intervals
from elyte.analysis.profile import goodness, solve_profile, weighted_fit, widening
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.core.units import AVOGADRO, BOLTZMANN, ELEMENTARY_CHARGE

Array = NDArray[np.float64]

EV_TO_KJ_PER_MOL = ELEMENTARY_CHARGE * AVOGADRO / 1000
_TWO_SIGMA = 1.959963984540054  # 95 % of a normal distribution
_GRID = 2000  # values of T₀ that are tried
_NEAREST = 0.995  # the largest of them, in units of the lowest temperature


def logarithms(quantities: Sequence[Quantity]) -> tuple[Array, Array, Array, list[str]]:
    """Return temperatures, ln x, the errors of ln x, and the reasons of what was left out.

    The error is half of the logarithm of the 68 % interval where one is kept, else error/value.

    Raises:
        InputError: a quantity without temperature or error, not positive, or of another unit.
    """
    if not quantities:
        raise InputError("a fit over temperatures needs quantities; none was given")
    used = [q for q in quantities if not q.withheld]
    left_out = [f"{q.temperature} K: {q.withheld}" for q in quantities if q.withheld]
    if len({(q.name, q.unit, q.species) for q in quantities}) > 1:
        raise InputError("a fit over temperatures needs one property in one unit of one species")
    rows = sorted(_row(q) for q in used)
    table = np.array(rows, dtype=float).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2], left_out


def _row(q: Quantity) -> tuple[float, float, float]:
    if q.temperature is None or not q.temperature > 0:
        raise InputError(f"{q.name}: a value without a temperature; give its temperature in K")
    if not q.value > 0:
        raise InputError(f"{q.name} at {q.temperature} K is {q.value}; its logarithm is needed")
    if not (np.isfinite(q.error) and q.error > 0):
        raise InputError(f"{q.name} at {q.temperature} K has no error; a fit weights by errors")
    low, high = q.details.get("interval_68", (0.0, 0.0))
    error = np.log(high / low) / 2 if 0 < low < high else q.error / q.value
    return float(q.temperature), float(np.log(q.value)), float(error)


def arrhenius(quantities: Sequence[Quantity], rises: bool = True) -> tuple[Quantity, Curve]:
    """Return the activation energy of a property, and the fitted line.

        ln x = ln A ∓ E_a/(k_B T)      (doi:10.1515/zpch-1889-0416)

    weighted by the errors of ln x. Errors are widened by √(χ²/ν) where the line does not describe
    the values (p < 0.05); a curved plot shows as a small `details["p_value"]`.

    Args:
        quantities: the property at several temperatures; withheld ones are left out.
        rises: whether the property rises with temperature (diffusion, conductivity) or falls
            (viscosity, lifetimes).

    Returns:
        Quantity in kJ/mol with `details["ln_prefactor"]`, withheld below two temperatures; Curve
        of the property over 1000/T with the error of the line.

    Raises:
        InputError: as for `logarithms`.
    """
    temperatures, values, errors, left_out = logarithms(quantities)
    name, unit = "activation energy", "kJ/mol"
    fields: dict[str, Any] = {"species": quantities[0].species, "method": "Arrhenius fit"}
    if len(np.unique(temperatures)) < 2:
        reason = "fewer than two temperatures with a value"
        empty = _curve(quantities[0], np.zeros(0), np.zeros(0), np.zeros(0))
        return Quantity.withhold(name, unit, reason, **fields), empty
    design = _arrhenius_design(temperatures)
    parameters, covariance, chi2 = weighted_fit(design, values, errors)
    freedom = len(values) - 2
    covariance *= widening(chi2, freedom) ** 2
    factor = EV_TO_KJ_PER_MOL * BOLTZMANN * 1000 * (1 if rises else -1)
    energy = float(parameters[1] * factor)
    error = float(np.sqrt(covariance[1, 1]) * abs(factor))
    quantity = with_intervals(
        name,
        energy,
        (energy - error, energy + error),
        (energy - _TWO_SIGMA * error, energy + _TWO_SIGMA * error),
        unit,
        details={
            "ln_prefactor": float(parameters[0]),
            "ln_prefactor_error": float(np.sqrt(covariance[0, 0])),
            "p_value": goodness(chi2, freedom),
            "temperatures": temperatures.tolist(),
            "left_out": left_out,
        },
        **fields,
    )
    grid = np.linspace(temperatures[0], temperatures[-1], 50)
    line = _arrhenius_design(grid)
    spread = np.sqrt(np.einsum("ij,jk,ik->i", line, covariance, line))
    return quantity, _curve(quantities[0], grid, np.exp(line @ parameters), spread)


def _arrhenius_design(temperatures: ArrayLike) -> Array:
    t = np.asarray(temperatures, dtype=float)
    return np.stack([np.ones_like(t), -1000 / t], axis=1)  # in 1/kK: well conditioned


def _curve(of: Quantity, temperatures: Array, y: Array, relative: Array) -> Curve:
    x = 1000 / temperatures[::-1]
    y, error = y[::-1], (y * relative)[::-1]
    return Curve(of.name, x, y, error, "1000 K/T", of.unit, "fit", of.species, group="arrhenius")


def vogel_fulcher_tammann(
    quantities: Sequence[Quantity], rises: bool = True
) -> tuple[Quantity, Quantity, Curve]:
    """Return B and T₀ of a property of a glass-forming liquid, and the fitted line.

        ln x = ln A ∓ B/(T − T₀)      (doi:10.1002/zaac.19261560121)

    T₀ is searched between 0, where the fit is Arrhenius', and the lowest temperature; intervals
    come from the profile of χ², since B and T₀ are strongly correlated.

    Args:
        quantities: the property at four or more temperatures; withheld ones are left out.
        rises: whether the property rises with temperature or falls.

    Returns:
        B in K, T₀ in K, and Curve over 1000/T; B and T₀ are withheld when the values cannot tell
        them from Arrhenius' (T₀ = 0 within 95 %) or when T₀ has no upper bound.

    Raises:
        InputError: as for `logarithms`.
    """
    temperatures, values, errors, left_out = logarithms(quantities)
    fields: dict[str, Any] = {
        "species": quantities[0].species,
        "method": "Vogel–Fulcher–Tammann fit, intervals from the profile of χ²",
    }
    few = len(np.unique(temperatures)) < 4
    if few:
        return _withheld("fewer than four temperatures with a value", quantities[0], fields)
    grid = np.linspace(0.0, _NEAREST * temperatures[0], _GRID)
    sign = 1.0 if rises else -1.0

    def design(t0: float, t: Array = temperatures) -> Array:
        return np.stack([np.ones_like(t), -sign / (t - t0)], axis=1)

    profile = solve_profile(design, grid, values, errors)
    wide = profile.interval(0.95)
    if wide[0] == grid[0] or wide[1] == grid[-1]:
        which = "an Arrhenius line describes them as well" if wide[0] == grid[0] else "no bound"
        reason = f"the values do not determine T₀ ({which}): more temperatures are needed"
        return _withheld(reason, quantities[0], fields)
    details = {"p_value": profile.p_value, "left_out": left_out}
    value, narrow, broad = profile.combination(np.tile([0.0, 1.0], (_GRID, 1)))
    b = with_intervals("VFT parameter B", value, narrow, broad, "K", details=details, **fields)
    best = float(grid[profile.best])
    narrow = profile.interval(ONE_SIGMA)
    t0 = with_intervals("VFT temperature", best, narrow, wide, "K", details=details, **fields)
    points = np.linspace(temperatures[0], temperatures[-1], 50)
    line = design(best, points) @ profile.parameters[profile.best]
    return b, t0, _curve(quantities[0], points, np.exp(line), _spread(profile, design, points))


def _spread(profile: Any, design: Any, points: Array) -> Array:
    """Return the error of ln x at each point, from its own profile."""
    rows = np.array([design(float(t0), points) for t0 in profile.grid])
    intervals = [profile.combination(rows[:, k])[1] for k in range(len(points))]
    return np.array([(high - low) / 2 for low, high in intervals])


def _withheld(
    reason: str, of: Quantity, fields: dict[str, Any]
) -> tuple[Quantity, Quantity, Curve]:
    blank = np.zeros(0)
    return (
        Quantity.withhold("VFT parameter B", "K", reason, **fields),
        Quantity.withhold("VFT temperature", "K", reason, **fields),
        _curve(of, blank, blank, blank),
    )
