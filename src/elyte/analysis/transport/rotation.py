"""Rotational relaxation of any vector that is fixed in a molecule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls

from elyte.analysis.checks import positive, runs_of
from elyte.analysis.correlation import autocorrelation
from elyte.analysis.curve import Curve
from elyte.analysis.intervals import ONE_SIGMA, t_factor
from elyte.analysis.jackknife import jackknife
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]

_END = 0.05  # the fit ends where the correlation has decayed to this
_LEAST_DECAY = 0.3  # a correlation that does not fall below this gives no time
_LONGEST = 0.25  # of the run: lags beyond have too few independent windows
_TIMES = 30  # relaxation times from which the sum of exponentials is made
_POINTS = 120  # lags that enter the fit
_LEAST_RUN = 20.0  # relaxation times that a run must hold


def unit_vectors(vectors: ArrayLike) -> Array:
    """Return vectors (T, n, 3) of length 1.

    Raises:
        InputError: a vector of no length, which has no direction.
    """
    v = np.asarray(vectors, dtype=float)
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    if not (length > 1e-8).all():
        raise InputError("a molecular vector has no length, hence no direction; choose other atoms")
    return np.asarray(v / length)


def legendre_form(units: Array, order: int) -> Array:
    """Return what has the dot product P_order(u·u′): u, or √(3/2) (uu − 1/3) with six components.

    Args:
        units: (T, n, 3).
        order: 1 or 2.
    """
    if order == 1:
        return units
    if order != 2:
        raise InputError(f"rotational relaxation has the orders 1 and 2, not {order}")
    x, y, z = np.moveaxis(units, -1, 0)
    squares = [x * x - 1 / 3, y * y - 1 / 3, z * z - 1 / 3]
    mixed = [np.sqrt(2) * p for p in (x * y, x * z, y * z)]
    return np.sqrt(1.5) * np.stack(squares + mixed, axis=-1)


def rotational_relaxation(
    vectors: Sequence[ArrayLike],
    timestep: float,
    order: int = 2,
    species: str = "",
    temperature: float | None = None,
) -> tuple[Quantity, Curve]:
    """Return the rotational relaxation time of a molecular vector, and its correlation.

        C_1(t) = ⟨u(0)·u(t)⟩,  C_2(t) = ⟨3 [u(0)·u(t)]² − 1⟩/2,  τ = ∫₀^∞ C dt

    The integral is that of a sum of exponentials of positive amplitude (doi:10.1021/ja00381a009),
    fitted until C has decayed; its error comes from the jackknife over molecules and runs, whose
    rotations are taken as independent.

    Args:
        vectors: from one atom of a molecule to another, or any vector fixed in it; minimum image
            already taken, any length, (T, n, 3) each run, n molecules.
        timestep: fs between frames.
        order: 1 (dielectric, infrared) or 2 (NMR, Raman).
        species: name of molecule and vector.
        temperature: K.

    Returns:
        Quantity in ps, withheld with a reason when the run is too short, and Curve over ps.

    Raises:
        InputError: another shape, a vector of no length, another order, a bad timestep.
    """
    positive(timestep=timestep)
    runs = [unit_vectors(v) for v in runs_of(vectors, (None, 3), "molecular vectors", least=2)]
    curves, weights = _molecule_curves([legendre_form(u, order) for u in runs])
    correlation = (weights * curves).sum(axis=0) / weights.sum(axis=0)
    curve = _curve(curves, weights, correlation, timestep, order, species)
    fields: dict[str, Any] = {
        "species": species,
        "temperature": temperature,
        "method": "integral of a multi-exponential fit, error by the jackknife over molecules",
        "details": {"order": order},
    }
    name = f"rotational relaxation time, order {order}"
    if correlation.min() > _LEAST_DECAY:
        reason = (
            f"too short: within a quarter of the run the correlation has only decayed to "
            f"{correlation.min():.2f}"
        )
        return Quantity.withhold(name, "ps", reason, **fields), curve
    lags = _fitted_lags(correlation)
    found = jackknife(
        curves[:, lags], lambda c: relaxation_integral(lags, c), weights[:, lags], corrected=False
    )
    held = max(map(len, runs)) / max(found.value, 1.0)
    if not found.reason and held < _LEAST_RUN:
        reason = f"too short: a run holds {held:.0f} relaxation times, {_LEAST_RUN:.0f} are needed"
        return Quantity.withhold(name, "ps", reason, **fields), curve
    fields["details"] = {"order": order, "fit_window_ps": [0.0, lags[-1] * timestep / 1000]}
    return _scaled(found, timestep / 1000).quantity(name, "ps", **fields), curve


def _scaled(mean: Any, factor: float) -> Any:
    scaled = {"value": mean.value * factor, "standard_error": mean.standard_error * factor}
    return type(mean)(**{**mean.__dict__, **scaled})


def _molecule_curves(runs: list[Array]) -> tuple[Array, Array]:
    """Return C of each molecule of each run, and the windows behind each value, (samples, lags)."""
    count = max(int(max(map(len, runs)) * _LONGEST), 2)
    curves, weights = [], []
    for run in runs:
        for k in range(run.shape[1]):
            curve = autocorrelation(run[:, k], count)
            curves.append(np.pad(curve, (0, count - len(curve))))
            weights.append(np.clip(len(run) - np.arange(count), 0, None) * (curves[-1] != 0))
    used = np.array(weights, dtype=float)
    return np.array(curves), used


def _fitted_lags(correlation: Array) -> NDArray[np.int64]:
    below = np.flatnonzero(correlation < _END)
    end = int(below[0]) if len(below) else len(correlation) - 1
    end = min(max(end, 4), len(correlation) - 1)
    return np.unique(np.linspace(0, end, _POINTS).astype(np.int64))


def relaxation_integral(lags: ArrayLike, correlation: ArrayLike) -> float:
    """Return ∫₀^∞ of a sum of decaying exponentials fitted to C, in frames.

    The times are a fixed geometric series up to the last lag, since slower ones would be fitted
    to noise; the amplitudes, which are not negative, are found by least squares with the sum bound
    to C(0): no start values, no failed fits.

    Args:
        lags: frames, (k,), the first 0.
        correlation: C at these, (k,).
    """
    t, c = np.asarray(lags, dtype=float), np.asarray(correlation, dtype=float)
    times = np.geomspace(0.3, max(t[-1], 1.0), _TIMES)
    design = np.exp(-t[:, None] / times)
    bound = 100.0 * len(t)
    amplitudes = nnls(np.vstack([design, bound * np.ones(_TIMES)]), np.append(c, bound * c[0]))[0]
    return float(amplitudes @ times)


def _curve(
    curves: Array, weights: Array, correlation: Array, timestep: float, order: int, species: str
) -> Curve:
    error = None
    if len(curves) > 4:
        scatter = np.sqrt(np.sum(weights * (curves - correlation) ** 2, axis=0))
        student = t_factor(ONE_SIGMA, len(curves) - 1)
        error = student * scatter / np.sqrt(weights.sum(axis=0) * (len(curves) - 1))
    x = np.arange(len(correlation)) * timestep / 1000
    name = f"rotational correlation C{order}(t)"
    return Curve(name, x, correlation, error, "ps", "1", species, species, group="rotation")
