"""Self-diffusion in an infinite liquid: from the viscosity, or from boxes of several sizes.

D(L) = D_∞ − ξ k_B T / (6π η L),  ξ = 2.837297      (doi:10.1021/jp0477147)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from elyte.analysis.curve import Curve
from elyte.analysis.intervals import with_intervals
from elyte.analysis.profile import goodness, weighted_fit, widening
from elyte.analysis.transport.diffusion import yeh_hummer
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

NAME = "self-diffusion coefficient, infinite box"
_TWO_SIGMA = 1.959963984540054  # 95 % of a normal distribution
_XI = 2.837297


def corrected_for_size(diffusion: Quantity, viscosity: Quantity, length: float) -> Quantity:
    """Return a self-diffusion coefficient corrected by the viscosity of the same liquid, m²/s.

    Errors of both are taken as independent.

    Args:
        diffusion: in a cubic box, m²/s, with its temperature.
        viscosity: Pa s; an error that is not known counts as none.
        length: edge of the box, Å.

    Raises:
        InputError: no temperature, or a length or viscosity that is not positive.
    """
    fields: dict[str, Any] = {
        "species": diffusion.species,
        "temperature": diffusion.temperature,
        "method": f"Yeh–Hummer, L = {length:.4g} Å, with the viscosity of {viscosity.source}"
        if viscosity.source
        else f"Yeh–Hummer, L = {length:.4g} Å, with the run's own viscosity",
    }
    for part in (diffusion, viscosity):
        if part.withheld:
            return Quantity.withhold(NAME, "m²/s", f"needs the {part.name}: withheld", **fields)
    if diffusion.temperature is None or not viscosity.value > 0 or not length > 0:
        raise InputError("a correction for size needs a temperature, a viscosity and a length")
    value = yeh_hummer(diffusion.value, diffusion.temperature, viscosity.value, length)
    shift = value - diffusion.value
    low, high = diffusion.details.get("interval_68", _around(diffusion, 1.0))
    wide = diffusion.details.get("interval_95", _around(diffusion, _TWO_SIGMA))

    def bounds(a: float, b: float, times: float) -> tuple[float, float]:
        less, more = _shifts(shift, viscosity, times)
        below = np.hypot(diffusion.value - a, shift - less)
        above = np.hypot(b - diffusion.value, more - shift)
        return value - float(below), value + float(above)

    return with_intervals(
        NAME,
        value,
        bounds(low, high, 1.0),
        bounds(wide[0], wide[1], _TWO_SIGMA),
        "m²/s",
        details={"shift": shift, "length_angstrom": length},
        n_effective=diffusion.n_effective,
        **fields,
    )


def _shifts(shift: float, viscosity: Quantity, times: float) -> tuple[float, float]:
    """Return the shifts, proportional to 1/η, at both ends of the interval of the viscosity."""
    ends = viscosity.details.get("interval_68" if times == 1.0 else "interval_95")
    if ends is not None and ends[0] > 0:
        return shift * viscosity.value / ends[1], shift * viscosity.value / ends[0]
    spread = viscosity.error if np.isfinite(viscosity.error) else 0.0
    extra = times * shift * spread / viscosity.value
    return shift - extra, shift + extra


def _around(q: Quantity, times: float) -> tuple[float, float]:
    return q.value - times * q.error, q.value + times * q.error


def extrapolated_to_infinity(
    diffusions: Sequence[Quantity], lengths: Sequence[float]
) -> tuple[Quantity, Quantity, Curve]:
    """Return D_∞ (m²/s) and the viscosity (Pa s) from boxes of several sizes, and the line.

    Args:
        diffusions: of one species at one temperature; withheld ones are left out.
        lengths: edges of the cubic boxes, Å.

    Returns:
        D_∞, the viscosity that the slope over 1/L means, and Curve of D over 1/L; withheld below
        two sizes, the viscosity also where D does not rise with L beyond its error.

    Raises:
        InputError: several species or temperatures, or lengths that do not fit.
    """
    if len(lengths) != len(diffusions) or not lengths or not all(x > 0 for x in lengths):
        raise InputError("one positive length is needed for each self-diffusion coefficient")
    if len({(q.species, q.temperature) for q in diffusions}) > 1:
        raise InputError("sizes are compared for one species at one temperature")
    used = [(x, q) for x, q in zip(lengths, diffusions, strict=True) if not q.withheld]
    kelvin = diffusions[0].temperature
    fields: dict[str, Any] = {
        "species": diffusions[0].species,
        "temperature": kelvin,
        "method": f"line over 1/L through {len(used)} boxes (Yeh–Hummer)",
    }
    if len({round(x, 3) for x, _ in used}) < 2:
        reason = "fewer than two sizes of box with a value"
        blank = np.zeros(0)
        return (
            Quantity.withhold(NAME, "m²/s", reason, **fields),
            Quantity.withhold("shear viscosity", "Pa s", reason, **fields),
            _curve(diffusions[0], blank, blank, blank),
        )
    x = np.array([1 / length for length, _ in used])
    y = np.array([q.value for _, q in used])
    error = np.array([q.error for _, q in used])
    scale = float(y.max())
    design = np.stack([np.ones_like(x), x / x.max()], axis=1)
    parameters, covariance, chi2 = weighted_fit(design, y / scale, error / scale)
    covariance *= widening(chi2, len(x) - 2) ** 2
    intercept, slope = parameters * scale
    errors = np.sqrt(np.diag(covariance)) * scale
    details = {"p_value": goodness(chi2, len(x) - 2), "lengths_angstrom": [a for a, _ in used]}
    infinite = _normal(NAME, float(intercept), float(errors[0]), "m²/s", details, fields)
    eta = _viscosity(float(slope / x.max()), float(errors[1] / x.max()), kelvin, fields)
    return infinite, eta, _curve(diffusions[0], x, y, error)


def _normal(
    name: str, value: float, error: float, unit: str, details: dict[str, Any], fields: Any
) -> Quantity:
    narrow = (value - error, value + error)
    wide = (value - _TWO_SIGMA * error, value + _TWO_SIGMA * error)
    return with_intervals(name, value, narrow, wide, unit, details=details, **fields)


def _viscosity(slope: float, error: float, kelvin: float | None, fields: Any) -> Quantity:
    """η = −ξ k_B T/(6π slope), the slope in m²/s Å."""
    name = "shear viscosity"
    if kelvin is None:
        return Quantity.withhold(name, "Pa s", "the temperature is not known; give it", **fields)
    if not -slope > _TWO_SIGMA * error:
        reason = "diffusion does not depend on the size of the box beyond its error"
        return Quantity.withhold(name, "Pa s", reason, **fields)
    factor = _XI * 1.380649e-23 * kelvin / (6 * np.pi * 1e-10)
    ends = [factor / (-slope + s * k * error) for k in (1, _TWO_SIGMA) for s in (1, -1)]
    return with_intervals(
        name, factor / -slope, (ends[0], ends[1]), (ends[2], ends[3]), "Pa s", **fields
    )


def _curve(of: Quantity, x: np.ndarray, y: np.ndarray, error: np.ndarray) -> Curve:
    group = "Self-diffusion over the size of the box"
    return Curve(of.name, x, y, error, "1/Å", of.unit, of.species, of.species, {}, group)
