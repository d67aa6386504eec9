"""Collective transport: conductivity, Onsager coefficients, transference numbers.

All follow from the covariance of species displacements ΔR_i = Σ_α Δr_α in one stated frame,

    L_ij = 1/(6 V k_B T) lim d⟨ΔR_i · ΔR_j⟩/dt,   σ = Σ_ij z_i z_j e² L_ij,
    t_i = z_i Σ_j z_j L_ij / Σ_ij z_i z_j L_ij      (doi:10.1021/acs.macromol.0c02001)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from elyte.analysis.correlation import cross_displacement, mean_squared_displacement
from elyte.analysis.curve import Curve
from elyte.analysis.intervals import ONE_SIGMA, with_intervals
from elyte.analysis.transport.diffusion import fit_details, integrated, pooled
from elyte.analysis.walk import Slope, fit_slope
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.core.units import BOLTZMANN, CONDUCTIVITY_TO_S_PER_M

Array = NDArray[np.float64]

_EINSTEIN = "Einstein, generalised least squares with the covariance of the displacement"
_GREEN_KUBO = "Green–Kubo in Helfand's form: displacement of the integrated current"


@dataclass(frozen=True, eq=False)
class Collective:
    """The diffusion of the collective dipole P = Σ z_i R_i.

    Args:
        slope: of ⟨ΔP²⟩ of one component, (e Å)² per frame.
        msd: ⟨|ΔP|²⟩, (e Å)², (lags,).
        factor: from a slope to S/m.
        frames: length of each run.
    """

    slope: Slope
    msd: Array
    factor: float
    frames: tuple[int, ...]


def collective(
    dipoles: Sequence[ArrayLike],
    timestep: float,
    volume: float,
    temperature: float,
    least: float = 0.0,
) -> Collective:
    """Fit the displacement of the collective dipole.

    Args:
        dipoles: P(t) = Σ q r from unwrapped positions, e Å, (T, 3) each run.
        timestep: fs.
        volume: Å³.
        temperature: K.
        least: ⟨|ΔP|²⟩ from which a line may be fitted, (e Å)².
    """
    _positive(timestep=timestep, volume=volume, temperature=temperature)
    walks = [_series(p) for p in dipoles]
    frames = tuple(len(w) for w in walks)
    msd = pooled([mean_squared_displacement(w) for w in walks], frames)
    return collective_from_displacement(msd, frames, timestep, volume, temperature, least)


def collective_from_displacement(
    msd: Array,
    frames: tuple[int, ...],
    timestep: float,
    volume: float,
    temperature: float,
    least: float = 0.0,
) -> Collective:
    """Fit ⟨|ΔP|²⟩, (e Å)², (lags,), of runs of some lengths; the rest as in `collective`."""
    slope = fit_slope(msd / 3, frames, 3, least=least / 3)
    factor = CONDUCTIVITY_TO_S_PER_M / (2 * volume * BOLTZMANN * temperature * timestep)
    return Collective(slope, msd, factor, frames)


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{name} is {value}; it must be a positive number")


def _series(values: ArrayLike) -> Array:
    array = np.asarray(values, dtype=float)
    if array.ndim != 2 or array.shape[1] != 3:
        raise InputError(f"a current or dipole series has shape {array.shape}, expected (T, 3)")
    if not np.isfinite(array).all():
        raise InputError("a current or dipole series holds values that are not finite")
    return array


def conductivity(
    dipoles: Sequence[ArrayLike],
    timestep: float,
    volume: float,
    temperature: float,
    least: float = 0.0,
) -> tuple[Quantity, Curve]:
    """Return the ionic conductivity (S/m) from collective dipoles, and their displacement.

        σ = lim d⟨|P(t) − P(0)|²⟩/dt / (6 V k_B T)

    Arguments as in `collective`.
    """
    result = collective(dipoles, timestep, volume, temperature, least)
    fields: dict[str, Any] = {"method": _EINSTEIN, "temperature": temperature}
    return _sigma(result, timestep, fields), collective_curve(result, timestep)


def conductivity_from_current(
    current: ArrayLike | Sequence[ArrayLike],
    timestep: float,
    volume: float,
    temperature: float,
) -> Quantity:
    """Return the ionic conductivity with its error from a bare series of currents.

        σ = 1/(3 V k_B T) ∫₀^∞ ⟨J(0)·J(t)⟩ dt,   J = Σ q v

    Args:
        current: e Å/fs, (T, 3), or one such array for each independent run.
        timestep: fs between values, short against the decay of the correlation.
        volume: Å³.
        temperature: K.

    Returns:
        S/m; withheld with a reason when the series is too short.

    Raises:
        InputError: a series of another shape, or a parameter that is not positive.
    """
    _positive(timestep=timestep)
    dipoles = [integrated(_series(c), timestep) for c in _current_runs(current)]
    result = collective(dipoles, timestep, volume, temperature)
    return _sigma(result, timestep, {"method": _GREEN_KUBO, "temperature": temperature})


def _current_runs(current: ArrayLike | Sequence[ArrayLike]) -> list[ArrayLike]:
    if isinstance(current, list | tuple) and np.ndim(current[0]) == 2:
        return list(current)
    array = np.asarray(current, dtype=float)
    return list(array) if array.ndim == 3 else [array]


def conductivity_of_current(
    result: Collective, timestep: float, temperature: float
) -> tuple[Quantity, Curve]:
    """Return the conductivity of a fitted displacement of integrated currents, and its curve."""
    fields = {"method": _GREEN_KUBO, "temperature": temperature}
    return _sigma(result, timestep, fields), collective_curve(result, timestep)


def _sigma(result: Collective, timestep: float, fields: dict[str, Any]) -> Quantity:
    slope, f = result.slope, result.factor
    if slope.reason:
        return Quantity.withhold("ionic conductivity", "S/m", slope.reason, **fields)
    low, high = slope.interval(ONE_SIGMA), slope.interval(0.95)
    return with_intervals(
        "ionic conductivity",
        slope.value * f,
        (low[0] * f, low[1] * f),
        (high[0] * f, high[1] * f),
        "S/m",
        details=fit_details(slope, timestep),
        n_effective=slope.degrees_of_freedom / 3,
        **fields,
    )


def collective_curve(result: Collective, timestep: float) -> Curve:
    """Return ⟨|ΔP|²⟩ to half its lags for a plot."""
    k = np.arange(max(len(result.msd) // 2, 1))
    details: dict[str, object] = {}
    if len(result.slope.lags):
        details["window"] = tuple(float(i) * timestep / 1000 for i in result.slope.lags[[0, -1]])
    name = "collective dipole displacement"
    return Curve(
        name,
        k * timestep / 1000,
        result.msd[k],
        None,
        "ps",
        "e²Å²",
        details=details,
        group="collective-msd",
    )


@dataclass(frozen=True, eq=False)
class Onsager:
    """Onsager coefficients of the charged species, as parts of the conductivity.

    Args:
        names: the species.
        matrix: σ_ij = z_i z_j e² L_ij, S/m, (s, s); sums to σ.
        errors: standard errors, S/m, (s, s).
        transference: t_i = Σ_j σ_ij / σ, (s,).
        transference_errors: (s,).
        windows: effective number of independent windows behind the errors.
        reason: why there are no values, or "".
    """

    names: tuple[str, ...]
    matrix: Array
    errors: Array
    transference: Array
    transference_errors: Array
    windows: float
    reason: str = ""


def onsager(
    walks: Sequence[Sequence[ArrayLike]],
    names: Sequence[str],
    timestep: float,
    volume: float,
    temperature: float,
    total: Collective,
) -> Onsager:
    """Return σ_ij between species and transference numbers, all from one fit window.

    The weights of the fit to the total dipole are used for every pair, so that the parts sum to
    σ. With ν windows' worth of information (from the error of σ) the displacements of species
    are draws of a multivariate normal distribution with covariance σ_ij:

        var σ_ij = (σ_ii σ_jj + σ_ij²)/ν',   var t_i = (σ_ii^res / σ)/ν'

    with σ_ii^res = σ_ii − t_i² σ what remains of species i when the total current is given.

    Args:
        walks: for each run, the dipoles z_i R_i(t) of each species, e Å, (T, 3).
        names: the species.
        timestep: fs.
        volume: Å³.
        temperature: K.
        total: of the sum of these dipoles.
    """
    slope = total.slope

    def displacement(i: int, j: int) -> Array:
        curves = [_pair_displacement(run[i], run[j], slope, i == j) for run in walks]
        return pooled(curves, total.frames)

    return onsager_from_displacements(displacement, names, total)


def onsager_from_displacements(
    displacement: Callable[[int, int], Array], names: Sequence[str], total: Collective
) -> Onsager:
    """Return σ_ij and transference numbers as `onsager` does.

    Args:
        displacement: of i and j, ⟨ΔP_i·ΔP_j⟩ at least to the last lag of the fit, (e Å)².
        names: the species.
        total: of the sum of their dipoles.
    """
    s, slope = len(names), total.slope
    blank = np.full((s, s), np.nan)
    if slope.reason:
        return Onsager(tuple(names), blank, blank, blank[0], blank[0], np.nan, slope.reason)
    matrix = np.zeros((s, s))
    for i in range(s):
        for j in range(i + 1):
            msd = displacement(i, j)[slope.lags]
            matrix[i, j] = matrix[j, i] = float(slope.weights @ msd) / 3 * total.factor
    sigma = float(matrix.sum())
    nu = 2 * (slope.value / slope.standard_error) ** 2
    diagonal = np.diag(matrix)
    errors = np.sqrt(np.clip(np.outer(diagonal, diagonal) + matrix**2, 0, None) / nu)
    transference = matrix.sum(axis=1) / sigma
    residual = np.clip(diagonal / sigma - transference**2, 0, None)
    return Onsager(tuple(names), matrix, errors, transference, np.sqrt(residual / nu), nu / 3)


def _pair_displacement(a: ArrayLike, b: ArrayLike, slope: Slope, same: bool) -> Array:
    lags = int(slope.lags[-1]) + 1
    return mean_squared_displacement(a, lags) if same else cross_displacement(a, b, lags)


def student_interval(value: float, error: float, nu: float, level: float) -> tuple[float, float]:
    """Return value ± t·error with ν degrees of freedom."""
    half = float(stats.t.ppf(0.5 + level / 2, max(nu, 1.0))) * error
    return value - half, value + half


def onsager_quantities(result: Onsager, temperature: float | None, frame: str) -> list[Quantity]:
    """Return σ_ij and transference numbers as quantities, the frame in their method."""
    method = f"Einstein, one fit window for all pairs; {frame} frame"
    fields: dict[str, Any] = {"temperature": temperature, "method": method}
    listed: list[Quantity] = []
    s = len(result.names)
    for i in range(s):
        for j in range(i, s):
            species = f"{result.names[i]}, {result.names[j]}"
            value, error = float(result.matrix[i, j]), float(result.errors[i, j])
            listed.append(
                _student(
                    "Onsager conductivity z_i z_j e² L_ij",
                    value,
                    error,
                    "S/m",
                    result,
                    species,
                    fields,
                )
            )
    for name, t, error in zip(
        result.names, result.transference, result.transference_errors, strict=True
    ):
        listed.append(_student("transference number", t, error, "1", result, name, fields))
    return listed


def _student(
    name: str,
    value: float,
    error: float,
    unit: str,
    result: Onsager,
    species: str,
    fields: dict[str, Any],
) -> Quantity:
    if result.reason:
        return Quantity.withhold(name, unit, result.reason, species=species, **fields)
    nu = 3 * result.windows
    return with_intervals(
        name,
        float(value),
        student_interval(value, error, nu, ONE_SIGMA),
        student_interval(value, error, nu, 0.95),
        unit,
        species=species,
        n_effective=result.windows,
        **fields,
    )
