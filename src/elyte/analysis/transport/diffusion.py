"""Mean squared displacements and self-diffusion coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.correlation import autocorrelation, mean_squared_displacement
from elyte.analysis.curve import Curve
from elyte.analysis.intervals import ONE_SIGMA, mean_of_independent, with_intervals
from elyte.analysis.walk import Slope, chi_squared_interval, fit_slope
from elyte.core.quantity import Quantity
from elyte.core.units import DIFFUSION_TO_M2_PER_S

Array = NDArray[np.float64]

LEAST_SQUARED_DISPLACEMENT = 2.0
"""Å²; the fit of a particle's displacement starts where it has left its cage."""
_SCATTER_SAMPLES = 20  # particles from which their scatter is believed
_METHOD = "Einstein, generalised least squares with the covariance of the displacement"


def pooled(curves: Sequence[Array], frames: Sequence[int]) -> Array:
    """Return the mean of curves over lags (k,) of several runs, weighted by their windows."""
    length = max(map(len, curves))
    total, weight = np.zeros(length), np.zeros(length)
    for curve, t in zip(curves, frames, strict=True):
        k = np.arange(len(curve))
        total[: len(curve)] += (t - k) * curve
        weight[: len(curve)] += t - k
    return np.asarray(total / weight)


def self_diffusion(
    runs: Sequence[ArrayLike],
    timestep: float,
    species: str = "",
    temperature: float | None = None,
    least: float = LEAST_SQUARED_DISPLACEMENT,
) -> tuple[Quantity, Curve]:
    """Return the self-diffusion coefficient and the mean squared displacement.

        D = lim d⟨|r(t) − r(0)|²⟩ / 6 dt

    Args:
        runs: unwrapped positions or centres of mass, Å, (T, n, 3) each.
        timestep: fs between frames.
        species: name.
        temperature: K.
        least: mean squared displacement (Å²) from which a line may be fitted.

    Returns:
        Quantity in m²/s, withheld with a reason when the diffusive regime is not reached, and
        Curve in Å² over ps.
    """
    walks = [np.asarray(run, dtype=float) for run in runs]
    frames = [len(walk) for walk in walks]
    msd = pooled([mean_squared_displacement(w, len(w)) for w in walks], frames)

    def particle_slopes(slope: Slope) -> Array:
        return np.concatenate([_particle_slopes(w, slope) for w in walks])

    return diffusion_from_displacement(
        msd, frames, walks[0].shape[1], particle_slopes, timestep, species, temperature, least
    )


def diffusion_from_displacement(
    msd: Array,
    frames: Sequence[int],
    particles: int,
    particle_slopes: Callable[[Slope], Array],
    timestep: float,
    species: str = "",
    temperature: float | None = None,
    least: float = LEAST_SQUARED_DISPLACEMENT,
) -> tuple[Quantity, Curve]:
    """Return the self-diffusion coefficient from a mean squared displacement.

    Args:
        msd: ⟨|Δr|²⟩ over all particles and origins, Å², (lags,).
        frames: length of each run.
        particles: of each run.
        particle_slopes: from the fit to the slope of each particle of all runs, (k,), Å²/frame.
        timestep, species, temperature, least: as in `self_diffusion`.
    """
    slope = fit_slope(msd / 3, frames, 3 * particles, least=least / 3)
    curve = msd_curve(msd, timestep, species, slope)
    name, unit = "self-diffusion coefficient", "m²/s"
    fields: dict[str, Any] = {"species": species, "temperature": temperature, "method": _METHOD}
    if slope.reason:
        return Quantity.withhold(name, unit, slope.reason, **fields), curve
    error = slope.standard_error * _scatter_factor(particle_slopes(slope), slope)
    factor = DIFFUSION_TO_M2_PER_S / (2 * timestep)
    intervals = [chi_squared_interval(slope.value, error, p) for p in (ONE_SIGMA, 0.95)]
    quantity = with_intervals(
        name,
        slope.value * factor,
        (intervals[0][0] * factor, intervals[0][1] * factor),
        (intervals[1][0] * factor, intervals[1][1] * factor),
        unit,
        details=fit_details(slope, timestep),
        n_effective=2 * (slope.value / error) ** 2 / 3,
        **fields,
    )
    return quantity, curve


def fit_details(slope: Slope, timestep: float) -> dict[str, object]:
    """Return what a reader needs to judge a fit: window in ps, p-value, log–log slope."""
    return {
        "fit_window_ps": [float(k) * timestep / 1000 for k in slope.lags[[0, -1]]],
        "log_log_slope": slope.exponent,
        "p_value": slope.p_value,
    }


def msd_curve(msd: Array, timestep: float, species: str, slope: Slope) -> Curve:
    """Return a mean squared displacement (Å², (lags,)) to half its lags for a plot."""
    k = np.arange(max(len(msd) // 2, 1))
    details: dict[str, object] = {}
    if len(slope.lags):
        details["window"] = tuple(float(i) * timestep / 1000 for i in slope.lags[[0, -1]])
    x = k * timestep / 1000
    name = "mean squared displacement"
    return Curve(name, x, msd[k], None, "ps", "Å²", species, species, details, "msd")


def _scatter_factor(slopes: Array, slope: Slope) -> float:
    """How much wider particles scatter than independent Gaussian walks would, at least 1.

    Particles that keep their surroundings for the whole run (bound and free ions, say) do.
    """
    if len(slopes) < _SCATTER_SAMPLES:
        return 1.0
    ratio = mean_of_independent(slopes).standard_error / slope.standard_error
    return ratio if ratio > 1 + 2 / np.sqrt(2 * len(slopes)) else 1.0


def _particle_slopes(walk: Array, slope: Slope) -> Array:
    result = np.zeros(walk.shape[1])
    for lag, weight in zip(slope.lags.tolist(), slope.weights.tolist(), strict=True):
        if lag < len(walk):
            squares = (walk[lag:] - walk[:-lag]) ** 2
            result += weight * squares.sum(axis=2).mean(axis=0) / 3
    return result


def green_kubo_diffusion(
    runs: Sequence[ArrayLike],
    timestep: float,
    species: str = "",
    temperature: float | None = None,
) -> tuple[Quantity, Curve]:
    """Return the self-diffusion coefficient from velocities, and its running integral.

        D = ⅓ ∫₀^∞ ⟨v(0)·v(t)⟩ dt

    The integral is read where the displacements that the velocities add up to have become
    diffusive, and has their error: both are one estimate in two forms.

    Args:
        runs: velocities, Å/fs, (T, n, 3) each.
        timestep: fs between frames, short against the decay of the correlation.
        species: name.
        temperature: K.
    """
    velocities = [np.asarray(run, dtype=float) for run in runs]
    walks = [integrated(v, timestep) for v in velocities]
    quantity, _ = self_diffusion(walks, timestep, species, temperature)
    frames = [len(v) for v in velocities]
    vacf = pooled([autocorrelation(v) for v in velocities], frames)
    running = integrated(vacf[:, None] / 3, timestep)[:, 0] * DIFFUSION_TO_M2_PER_S
    half = max(len(running) // 4, 2)
    x = np.arange(half) * timestep / 1000
    name = "self-diffusion coefficient, running integral"
    curve = Curve(name, x, running[:half], None, "ps", "m²/s", species, species)
    method = "Green–Kubo, integral of the velocity autocorrelation in Helfand's form"
    return _renamed(quantity, method), curve


def _renamed(quantity: Quantity, method: str) -> Quantity:
    return Quantity(**{**quantity.__dict__, "method": method})


def integrated(values: Array, timestep: float) -> Array:
    """Return the running integral over time by the trapezoidal rule, same shape, 0 at first."""
    steps = (values[1:] + values[:-1]) * (timestep / 2)
    return np.concatenate([np.zeros_like(values[:1]), np.cumsum(steps, axis=0)])


def yeh_hummer(diffusion: float, temperature: float, viscosity: float, length: float) -> float:
    """Return a self-diffusion coefficient corrected for the size of a cubic box, m²/s.

        D_∞ = D + ξ k_B T / (6π η L),  ξ = 2.837297   (doi:10.1021/jp0477147)

    Args:
        diffusion: m²/s.
        temperature: K.
        viscosity: Pa s.
        length: edge of the box, Å.
    """
    boltzmann = 1.380649e-23
    return diffusion + 2.837297 * boltzmann * temperature / (6 * np.pi * viscosity * length * 1e-10)
