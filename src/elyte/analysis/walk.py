"""Slopes of mean squared displacements with honest errors, by generalised least squares.

The displacements of a diffusing particle, or of the collective dipole of an electrolyte, are
Gaussian with stationary increments; then the covariance of the *estimated* mean squared
displacement at two lags follows exactly from the displacement itself (Isserlis),

    C_mn(k) = ½ [M(k+m) + M(k−n) − M(k+m−n) − M(k)],   k = i − j
    cov(M̂_m, M̂_n) = 2 / (N_m N_n) Σ_ij C_mn(i − j)²

with M(k) the mean squared displacement of one component over k frames and N_m = T − m the number
of windows. The line a + b·t is fitted to M̂ at multiples of a first lag τ, where τ is the shortest
from which the line describes the data (χ² test): what happens before, ballistic or caged, only
enters the intercept a. The estimate of b has a scaled χ² distribution to good accuracy, whose
degrees of freedom follow from its relative variance.

Theory: doi:10.1063/5.0008312 (random walks); here for any Gaussian process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Lags = NDArray[np.int64]

MULTIPLES = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64])
EXPONENTS = (0.75, 1.33)
"""d ln M / d ln t at the first lag that still counts as diffusive; beyond, nothing is stated."""
_GROWTH = 1.3  # of the first lag from one trial to the next
_IMPROBABLE = 0.1  # p-value of a line that is refused
_UNSETTLED = 0.15  # error of the slope for an intercept a at first lag τ, in units of a/τ
_LEAST_WINDOWS = 5  # independent first lags that a run must hold
_LEAST_FREEDOM = 5.0  # a relative error of 63 %; more is no number


@dataclass(frozen=True, eq=False)
class Slope:
    """The long-time slope of a mean squared displacement of one Cartesian component.

    Args:
        value: per frame.
        standard_error: per frame.
        intercept: of the line.
        lags: frames, at which the line was fitted, (k,).
        weights: the slope is Σ weights · M̂(lags), (k,).
        degrees_of_freedom: of the scaled χ² distribution of `value`.
        p_value: of the line.
        exponent: d ln M / d ln t over the fitted lags.
        reason: why there is no slope, or "".
    """

    value: float
    standard_error: float
    intercept: float = 0.0
    lags: Lags = field(default_factory=lambda: np.zeros(0, np.int64))
    weights: Array = field(default_factory=lambda: np.zeros(0))
    degrees_of_freedom: float = np.nan
    p_value: float = np.nan
    exponent: float = np.nan
    reason: str = ""

    def interval(self, level: float) -> tuple[float, float]:
        """Return the interval that holds the true slope with probability `level`."""
        return chi_squared_interval(self.value, self.standard_error, level)


def chi_squared_interval(value: float, error: float, level: float) -> tuple[float, float]:
    """Return the interval of a positive estimate with a scaled χ² distribution.

    ν = 2 (value/error)²; the interval is [ν value/χ²_high, ν value/χ²_low].
    """
    nu = 2 * (value / error) ** 2
    low, high = stats.chi2.ppf([0.5 - level / 2, 0.5 + level / 2], nu)
    return float(value * nu / high), float(value * nu / low)


def window_counts(lag_a: int, lag_b: int, frames: int, reach: int) -> Array:
    """Return how many windows i of lag a and j of lag b lie at i − j = −reach … reach."""
    n_a, n_b = frames - lag_a, frames - lag_b
    k = np.arange(-reach, reach + 1)
    return (np.minimum(n_a, n_b + k) - np.maximum(k, 0)).clip(0).astype(float)


def increment_covariance(msd: Array, m: int, n: int, reach: int) -> Array:
    """Return ⟨[x(i+m) − x(i)] [x(j+n) − x(j)]⟩ for i − j = −reach … reach.

    Args:
        msd: M(k) of one component, at least to lag reach + max(m, n).
    """
    even = np.concatenate([msd[:0:-1], msd])  # M(|k|)
    centre = len(msd) - 1

    def shifted(by: int) -> Array:
        return even[centre + by - reach : centre + by + reach + 1]

    return 0.5 * (shifted(m) + shifted(-n) - shifted(m - n) - shifted(0))


def displacement_covariance(
    msd: Array, lags: Lags, frames: Sequence[int], memory: int, components: int
) -> Array:
    """Return cov(M̂_m, M̂_n) of the pooled estimate at some lags, (k, k).

    Args:
        msd: M(k) of one component to lag 3 max(lags) + memory, a line beyond `memory`.
        lags: frames, (k,).
        frames: length of each run.
        memory: frames.
        components: independent walks in each run (Cartesian components × particles).
    """
    result = np.zeros((len(lags), len(lags)))
    windows = np.sum([np.clip(t - lags, 0, None) for t in frames], axis=0).astype(float)
    for p, m in enumerate(lags.tolist()):
        for q, n in enumerate(lags[: p + 1].tolist()):
            reach = max(m, n) + memory
            squares = increment_covariance(msd, m, n, reach) ** 2
            total = sum(
                float(window_counts(m, n, t, reach) @ squares) for t in frames if t > max(m, n)
            )
            result[p, q] = result[q, p] = 2 * total / (windows[p] * windows[q] * components)
    return result


def generalised_least_squares(
    design: Array, values: Array, covariance: Array
) -> tuple[Array, Array, Array, float]:
    """Return parameters, their covariance, the linear map values → parameters, and χ²."""
    inverse = np.linalg.inv(covariance)
    information = design.T @ inverse @ design
    map_: Array = np.asarray(np.linalg.solve(information, design.T @ inverse))
    parameters = map_ @ values
    residual = values - design @ parameters
    return (
        parameters,
        np.asarray(np.linalg.inv(information)),
        map_,
        float(residual @ inverse @ residual),
    )


def first_lags(longest: int) -> Iterator[int]:
    """Yield trial first lags, growing geometrically, of which a run holds enough."""
    lag, last = 1.0, 0
    while lag <= longest / _LEAST_WINDOWS:
        if round(lag) != last:
            last = round(lag)
            yield last
        lag *= _GROWTH


def lags_from(first: int, longest: int) -> Lags:
    """Return the multiples of a first lag at which a line is fitted."""
    lags = first * MULTIPLES
    return lags[lags <= max(longest // 3, 3 * first)]


def _fit(
    msd: Array, frames: Sequence[int], components: int, lags: Lags
) -> tuple[Array, Array, Array, float]:
    times = lags.astype(float)
    design = np.stack([np.ones_like(times), times], axis=1)
    line = np.linalg.lstsq(design, msd[lags], rcond=None)[0]
    memory = int(lags[0])
    for _ in range(2):  # the covariance needs the line that it weights
        slope = max(line[1], 1e-3 * msd[lags[-1]] / times[-1])
        tail = np.arange(memory, 3 * lags[-1] + memory + 2)
        model = np.concatenate([msd[:memory], msd[memory] + slope * (tail - memory)])
        covariance = displacement_covariance(model, lags, frames, memory, components)
        line, errors, map_, chi2 = generalised_least_squares(design, msd[lags], covariance)
    return line, errors, map_, chi2


def _slope(msd: Array, frames: Sequence[int], components: int, first: int) -> Slope:
    lags = lags_from(first, max(frames))
    lags = lags[lags < len(msd)]
    try:
        line, errors, map_, chi2 = _fit(msd, frames, components, lags)
    except np.linalg.LinAlgError:
        return Slope(np.nan, np.nan, reason="the displacements do not vary")
    freedom = len(lags) - 2
    systematic = _UNSETTLED * line[0] / first
    error = float(np.sqrt(errors[1, 1] * max(1.0, chi2 / freedom) + systematic**2))
    exponent = float(line[1] * first / (line[0] + line[1] * first))
    return Slope(
        value=float(line[1]),
        standard_error=error,
        intercept=float(line[0]),
        lags=lags,
        weights=map_[1],
        degrees_of_freedom=float(2 * (line[1] / error) ** 2),
        p_value=float(stats.chi2.sf(chi2, freedom)),
        exponent=exponent,
    )


def fit_slope(
    msd: Array,
    frames: Sequence[int],
    components: int,
    first: int | None = None,
    least: float = 0.0,
) -> Slope:
    """Fit the long-time slope of a mean squared displacement.

    Args:
        msd: M(k) of one Cartesian component, pooled over particles and runs, (lags,), msd[0] = 0;
            all lags, or a window of them.
        frames: length of each run.
        components: independent walks in each run (3 × particles, or 3 for a collective dipole).
        first: first lag of the fit; None: found.
        least: M at the first lag must be at least this: a displacement beyond which nothing can
            be caged any more. Data alone cannot tell rattling in a cage, sampled for a short
            time, from slow diffusion.

    Returns:
        Slope: with a reason and no value where the diffusive regime is not reached.
    """
    longest = max(frames)
    if longest < 12:
        return Slope(np.nan, np.nan, reason=f"only {longest} frames of at least 12")
    if not msd[1 : max(longest // 2, 2)].any():
        return Slope(np.nan, np.nan, reason="nothing moves")
    if first is not None:
        return _slope(msd, frames, components, first)
    # A window of lags may be all that was kept: three times the first lag has to lie in it.
    reach = min(longest, 5 * (2 * len(msd) - 5) // 6)
    trials = [
        _slope(msd, frames, components, lag) for lag in first_lags(reach) if msd[lag] >= least
    ]
    good = [s for s in trials if not s.reason and s.p_value > _IMPROBABLE and _diffusive(s)]
    if not good:
        exponent = trials[-1].exponent if trials else log_slope(msd)
        return Slope(
            np.nan,
            np.nan,
            exponent=exponent,
            reason="no diffusive regime: the displacements are not yet a line in time "
            f"(log–log slope {exponent:.2f}); a longer run is needed",
        )
    return _checked(min(good, key=lambda s: s.standard_error / s.value))


def log_slope(msd: Array) -> float:
    """Return d ln M / d ln t between a twelfth and a sixth of the lags, for want of a fit."""
    k = max(len(msd) // 12, 1)
    low, high = msd[k], msd[2 * k]
    return float(np.log2(high / low)) if low > 0 and high > 0 else float("nan")


def _diffusive(slope: Slope) -> bool:
    low, high = EXPONENTS
    return slope.value > 0 and low < slope.exponent < high


def _checked(slope: Slope) -> Slope:
    if slope.degrees_of_freedom >= _LEAST_FREEDOM:
        return slope
    percent = 100 * slope.standard_error / slope.value
    return Slope(
        np.nan,
        np.nan,
        lags=slope.lags,
        exponent=slope.exponent,
        reason=f"too short: the relative error would be {percent:.0f} %",
    )
