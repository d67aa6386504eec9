"""Shear viscosity from the fluctuations of the pressure tensor.

In an isotropic liquid the traceless part of the tensor has five independent components of one
variance, P_xy, P_xz, P_yz, (P_xx − P_yy)/2 and (P_xx + P_yy − 2 P_zz)/(2√3)
(doi:10.1063/1.466970). They are five walkers of one Helfand moment,

    G_k(t) = ∫₀^t P_k ds,   η = V/(2 k_B T) lim d⟨ΔG_k²⟩/dt = V/(k_B T) ∫₀^∞ ⟨P_k(0) P_k(t)⟩ dt

so that the viscosity is the slope of a displacement, with the error that such slopes have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.checks import positive, runs_of
from elyte.analysis.correlation import autocorrelation, mean_squared_displacement
from elyte.analysis.curve import Curve
from elyte.analysis.intervals import ONE_SIGMA, with_intervals
from elyte.analysis.transport.diffusion import fit_details, integrated, pooled
from elyte.analysis.walk import Slope, fit_slope
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.core.units import BOLTZMANN, GPA

Array = NDArray[np.float64]

TO_PASCAL_SECOND = 1e9 / GPA * 1e-15
"""(eV/Å³) fs in Pa s."""
_COMPONENTS = 5
_GREEN_KUBO = "Green–Kubo in Helfand's form, five components of the pressure tensor"
_HELFAND = "Einstein–Helfand, five components of the integrated pressure tensor"


def shear_components(tensors: ArrayLike) -> Array:
    """Return the five independent traceless components of tensors (T, 3, 3), as (T, 5).

    Each has the variance of P_xy in an isotropic liquid.
    """
    p = np.asarray(tensors, dtype=float)
    p = (p + p.transpose(0, 2, 1)) / 2
    xx, yy, zz = p[:, 0, 0], p[:, 1, 1], p[:, 2, 2]
    last = (xx + yy - 2 * zz) / (2 * np.sqrt(3))
    return np.stack([p[:, 0, 1], p[:, 0, 2], p[:, 1, 2], (xx - yy) / 2, last], axis=1)


def viscosity(
    pressures: Sequence[ArrayLike], timestep: float, volume: float, temperature: float
) -> tuple[Quantity, Curve]:
    """Return the shear viscosity from the pressure tensor, and its running integral.

        η = V/(k_B T) ∫₀^∞ ⟨P_xy(0) P_xy(t)⟩ dt      (doi:10.1021/acs.jctc.5b00351)

    Args:
        pressures: full pressure tensor with its kinetic part, or stress: the sign does not
            matter; eV/Å³, (T, 3, 3) each run.
        timestep: fs between values, short against the decay of the correlation (a few fs).
        volume: Å³.
        temperature: K.

    Returns:
        Quantity in Pa s, withheld with a reason when the run is too short, and Curve in Pa s.

    Raises:
        InputError: another shape, values that are not finite, a parameter that is not positive.
    """
    positive(timestep=timestep, volume=volume, temperature=temperature)
    series = [shear_components(p) for p in runs_of(pressures, (3, 3), "pressure tensor")]
    if any(not s.any() for s in series):
        raise InputError("the pressure tensor has no shear part: give the whole tensor, not P")
    walks = [integrated(s, timestep) for s in series]
    quantity = _from_walks(walks, timestep, volume, temperature, _GREEN_KUBO)
    return quantity, _running(series, timestep, volume, temperature)


def viscosity_from_moments(
    moments: Sequence[ArrayLike], timestep: float, volume: float, temperature: float
) -> Quantity:
    """Return the shear viscosity (Pa s) from the time integral of the pressure tensor.

        η = V/(2 k_B T) lim d⟨[G_xy(t) − G_xy(0)]²⟩/dt      (doi:10.1103/PhysRev.119.1)

    For programs that add up the tensor while they run, at every step, and write the sum rarely.

    Args:
        moments: G = ∫P dt, eV fs/Å³, (T, 3, 3) each run.
        timestep: fs between values.
        volume: Å³.
        temperature: K.

    Raises:
        InputError: as for `viscosity`.
    """
    positive(timestep=timestep, volume=volume, temperature=temperature)
    walks = [shear_components(g) for g in runs_of(moments, (3, 3), "integrated pressure tensor")]
    return _from_walks(walks, timestep, volume, temperature, _HELFAND)


def _from_walks(
    walks: list[Array], timestep: float, volume: float, temperature: float, method: str
) -> Quantity:
    frames = [len(w) for w in walks]
    msd = pooled([mean_squared_displacement(w) for w in walks], frames)
    slope = fit_slope(msd / _COMPONENTS, frames, _COMPONENTS)
    factor = volume / (2 * BOLTZMANN * temperature * timestep) * TO_PASCAL_SECOND
    return _quantity(slope, factor, timestep, temperature, method)


def _quantity(
    slope: Slope, factor: float, timestep: float, temperature: float, method: str
) -> Quantity:
    fields: dict[str, Any] = {"method": method, "temperature": temperature}
    if slope.reason:
        reason = slope.reason.replace("the displacements", "the Helfand moments")
        return Quantity.withhold("shear viscosity", "Pa s", reason, **fields)
    (a, b), (c, d) = slope.interval(ONE_SIGMA), slope.interval(0.95)
    return with_intervals(
        "shear viscosity",
        slope.value * factor,
        (a * factor, b * factor),
        (c * factor, d * factor),
        "Pa s",
        details=fit_details(slope, timestep),
        n_effective=slope.degrees_of_freedom / _COMPONENTS,
        **fields,
    )


def _running(series: list[Array], timestep: float, volume: float, temperature: float) -> Curve:
    """Return the running Green–Kubo integral to a tenth of the run, its error that of √t noise."""
    frames = [len(s) for s in series]
    lags = min(max(max(frames) // 10, 10), max(frames))
    curves = [autocorrelation(s, lags) for s in series]
    correlation = pooled(curves, frames) / _COMPONENTS
    factor = volume / (BOLTZMANN * temperature) * TO_PASCAL_SECOND
    running = integrated(correlation[:, None], timestep)[:, 0] * factor
    time = np.arange(len(running)) * timestep
    error = np.abs(running) * np.sqrt(4 * time / (_COMPONENTS * sum(frames) * timestep))
    name = "shear viscosity, running integral"
    return Curve(name, time / 1000, running, error, "ps", "Pa s", group="viscosity")
