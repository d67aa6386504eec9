"""Means and variances of correlated series, equilibration cuts.

The variance of a mean is taken from an autoregressive model of the series, whose order is chosen
by Akaike's criterion: unlike blocks or a truncated sum of the autocovariance it stays right when
the series is only some correlation times long. The bias that comes from subtracting the sample
mean is put back by iteration. See docs/theory/statistics.md, where the coverage is measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal, stats

from elyte.analysis.intervals import Mean, as_normal_level, t_factor
from elyte.core.errors import InputError

Array = NDArray[np.float64]

_POINTS = 2000  # a longer series is averaged over equal pieces first; the mean stays what it is
_LEAST_EFFECTIVE = 3.0
_CUT = 0.9876  # level at which a start counts as different: 2.5 standard errors


def autocovariance(series: ArrayLike, lags: int) -> Array:
    """Return Σ_t x(t) x(t+k) / T for k = 0 … lags of a series of mean zero, (lags + 1,)."""
    x = np.asarray(series, dtype=float)
    spectrum = np.fft.rfft(x, 2 * len(x))
    return np.fft.irfft(np.abs(spectrum) ** 2)[: lags + 1] / len(x)


def _coarse(series: Array, points: int) -> Array:
    size = -(-len(series) // points)
    return series[len(series) % size :].reshape(-1, size).mean(axis=1)


def _autoregressive(covariance: Array) -> Iterator[tuple[Array, float]]:
    """Yield the solutions of the Yule–Walker equations of order 0, 1, … by Levinson's recursion.

    Coefficients (order,) and variance of the noise; it ends where the noise would not be positive.
    """
    coefficients, noise = np.zeros(0), float(covariance[0])
    for k in range(1, len(covariance) + 1):
        if noise <= 0:
            return
        yield coefficients, noise
        if k < len(covariance):
            last = float(covariance[k] - coefficients @ covariance[k - 1 : 0 : -1]) / noise
            coefficients = np.append(coefficients - last * coefficients[::-1], last)
            noise *= 1 - last**2


def _best_model(covariance: Array, samples: int) -> tuple[Array, float]:
    best: tuple[float, Array, float] | None = None
    for order, (coefficients, noise) in enumerate(_autoregressive(covariance)):
        penalty = 2 * (order + 1) * samples / max(samples - order - 2, 1)
        score = samples * math.log(noise) + penalty
        if best is None or score < best[0]:
            best = (score, coefficients, noise)
    assert best is not None  # order 0 has the variance, which is positive
    return best[1], best[2]


def _extended(covariance: Array, coefficients: Array, length: int) -> Array:
    """Continue an autocovariance by its autoregressive model to `length` lags."""
    order = len(coefficients)
    result = np.zeros(max(length, order + 1))
    result[: order + 1] = covariance[: order + 1]
    if order and length > order + 1:
        filter_ = np.r_[1.0, -coefficients]
        state = signal.lfiltic([1.0], filter_, result[order::-1][:order])
        blank = np.zeros(length - order - 1)
        result[order + 1 : length] = signal.lfilter([1.0], filter_, blank, zi=state)[0]
    return result


def _variance_of_mean(lengths: Sequence[int], covariance: Array) -> float:
    total = 0.0
    for n in lengths:
        k = np.arange(1, n)
        total += n * covariance[0] + 2 * float(np.sum((n - k) * covariance[1:n]))
    return total / sum(lengths) ** 2


def mean(series: ArrayLike | Sequence[ArrayLike]) -> Mean:
    """Return the mean of one stationary series, or of several independent ones, with its error.

        var(x̄) = T⁻² Σ_ij γ(i − j),  γ from the autoregressive model of the pooled series

    Args:
        series: (T,), or a sequence of such; equal time steps.

    Returns:
        Mean: with degrees of freedom n_effective/2 − 1, the precision of a spectral density at
        frequency zero that an autoregressive fit has.
    """
    runs = _as_runs(series)
    spread = _pooled_variance(runs)
    per_run = max(_POINTS // len(runs), 10)
    runs = [_coarse(x, per_run) if len(x) > per_run else x for x in runs]
    lengths = [len(x) for x in runs]
    samples = sum(lengths)
    value = float(np.average([x.mean() for x in runs], weights=lengths))
    raw = _pooled_covariance(runs, value)
    if raw[0] <= 1e-28 * max(value**2, 1e-300):
        return Mean(value, 0.0, float(samples), float(max(samples - 1, 1)))
    if samples < 8:
        return Mean(value, np.nan, np.nan, 1.0, f"only {samples} values of at least 8")
    variance, _ = _modelled(raw, lengths)
    effective = float((spread + variance) / variance)
    reason = ""
    if effective < _LEAST_EFFECTIVE:
        reason = f"too short: {effective:.1f} independent samples of at least 3"
    freedom = max(min(effective, samples) / 2 - 1, 1.0)
    return Mean(value, float(np.sqrt(variance)), effective, freedom, reason)


def standard_errors(series: Sequence[Array]) -> Array:
    """Return the standard error of the mean of each column of stationary series, (k,).

    The columns (bins of a histogram, say) share one shape of the autocovariance: only together
    do short series tell it. Where blocks of frames are independent this is s/√T.

    Args:
        series: (T, k) of each independent run.
    """
    lengths = [len(x) for x in series]
    average = np.average([x.mean(axis=0) for x in series], axis=0, weights=lengths)
    deviations = [x - average for x in series]
    squares = np.asarray(sum((x**2).sum(axis=0) for x in deviations)) / sum(lengths)
    if not squares.any():
        return np.zeros(len(squares))
    scaled = [x / np.sqrt(np.where(squares > 0, squares, 1.0)) for x in deviations]
    lags = max(0, min(int(10 * np.log10(sum(lengths))), min(lengths) // 4))
    raw = np.zeros(lags + 1)
    for x in scaled:
        spectrum = np.fft.rfft(x, 2 * len(x), axis=0)
        raw += np.fft.irfft((np.abs(spectrum) ** 2).sum(axis=1))[: lags + 1]
    raw /= sum(lengths) * np.count_nonzero(squares)
    if lags == 0:
        return np.sqrt(squares / max(sum(lengths) - 1, 1))
    variance, _ = _modelled(raw, lengths)
    return np.sqrt(squares * variance)


def _modelled(raw: Array, lengths: Sequence[int]) -> tuple[float, Array]:
    """Return the variance of the mean and the autocovariance to all lags, from a fitted model.

    The sample mean lies nearer to the values than the true one: its variance is added back to the
    sample autocovariance until both agree.
    """
    variance, samples = 0.0, sum(lengths)
    for _ in range(30):
        corrected = raw + variance
        coefficients, _noise = _best_model(corrected, samples)
        extended = _extended(corrected, coefficients, max(lengths))
        updated = min(max(_variance_of_mean(lengths, extended), 1e-300), corrected[0])
        converged = abs(updated - variance) <= 1e-3 * updated
        variance = float(updated)
        if converged:
            break
    return variance, extended


@dataclass(frozen=True)
class Variance:
    """The variance of a stationary Gaussian series, with a scaled χ² distribution.

    Args:
        value: of the series, corrected for the sample mean.
        degrees_of_freedom: 2 (value/standard error)².
        mean: of the series.
        certainty: effective samples behind the autocovariance itself.
    """

    value: float
    degrees_of_freedom: float
    mean: float
    certainty: float

    def interval(self, level: float) -> tuple[float, float]:
        """Return the interval that holds the true variance with probability `level`."""
        nu = self.degrees_of_freedom
        tail = 0.5 - as_normal_level(level, max(self.certainty / 3 - 1, 1.0)) / 2
        low, high = stats.chi2.ppf([tail, 1 - tail], nu)
        return float(self.value * nu / high), float(self.value * nu / low)


def variance(series: ArrayLike | Sequence[ArrayLike]) -> Variance:
    """Return the variance of one stationary Gaussian series or of several, with its uncertainty.

        var(s²) = 2 T⁻² Σ_ij γ(i − j)²

    Args:
        series: (T,), or a sequence of such.
    """
    runs = _as_runs(series)
    stride = -(-max(map(len, runs)) // (10 * _POINTS))
    runs = [x[::stride] for x in runs]
    lengths = [len(x) for x in runs]
    average = float(np.average([x.mean() for x in runs], weights=lengths))
    raw = _pooled_covariance(runs, average)
    if raw[0] <= 1e-28 * average**2 or sum(lengths) < 8:
        return Variance(float(raw[0]), 0.0, average, 0.0)
    of_mean, extended = _modelled(raw, lengths)
    spread = 2 * _variance_of_mean(lengths, extended**2)
    value = float(extended[0])
    return Variance(value, float(2 * value**2 / spread), average, value / of_mean)


def _as_runs(series: ArrayLike | Sequence[ArrayLike]) -> list[Array]:
    values: Any = series
    first = values[0] if len(values) else 0.0
    runs = [np.asarray(x, dtype=float) for x in (values if np.ndim(first) else [values])]
    if not runs or any(x.ndim != 1 or not len(x) for x in runs):
        raise InputError("a mean needs one or more series of at least one value")
    if any(not np.isfinite(x).all() for x in runs):
        raise InputError("a series holds values that are not finite")
    return runs


def _pooled_variance(runs: list[Array]) -> float:
    return float(np.concatenate(runs).var())


def _pooled_covariance(runs: list[Array], value: float) -> Array:
    samples, shortest = sum(map(len, runs)), min(map(len, runs))
    lags = max(0, min(int(10 * np.log10(samples)), shortest // 4))
    pooled = sum(len(x) * autocovariance(x - value, lags) for x in runs)
    return np.asarray(pooled) / samples


def equilibration_cut(series: ArrayLike) -> int:
    """Return the index from which a series counts as stationary (at most half of it).

    The cut minimises Σ_{t≥d} (x − x̄_d)² / (T − d)² over d: the marginal standard error rule,
    doi:10.1177/003754979706900601.
    """
    x = np.asarray(series, dtype=float)
    pieces = min(len(x), 100)
    if pieces < 8:
        return 0
    size = len(x) // pieces
    coarse = x[: size * pieces].reshape(pieces, size).mean(axis=1)
    left = np.arange(pieces, 0, -1)
    totals = np.cumsum(coarse[::-1])[::-1]
    squares = np.cumsum(((coarse - coarse.mean()) ** 2)[::-1])[::-1]
    centred = squares - left * (totals / left - coarse.mean()) ** 2
    score = centred / left**2
    cut = int(np.argmin(score[: pieces // 2 + 1]))
    return cut * size if _differs(coarse, cut) else 0


def _differs(coarse: Array, cut: int) -> bool:
    """Whether what comes before a cut has another mean than what follows, beyond its error.

    Without this a stationary series would be cut where it happens to scatter least. What a short
    rest says of its own error is uncertain, so the bound is Student's.
    """
    if cut == 0:
        return False
    rest = mean(coarse[cut:])
    if rest.reason or rest.standard_error == 0:
        return True
    per_piece = rest.standard_error * np.sqrt(len(coarse) - cut)
    error = per_piece * np.sqrt(1 / cut + 1 / (len(coarse) - cut))
    return bool(
        abs(coarse[:cut].mean() - rest.value) > t_factor(_CUT, rest.degrees_of_freedom) * error
    )


def block_curve(series: ArrayLike) -> tuple[NDArray[np.int64], Array]:
    """Return block lengths and the naive standard error of the mean from blocks of each length.

    The curve of Flyvbjerg and Petersen, doi:10.1063/1.457480: it rises to a plateau where blocks
    are independent.
    """
    x = np.asarray(series, dtype=float)
    sizes = np.unique(np.geomspace(1, max(len(x) // 4, 1), 30).astype(np.int64))
    errors = []
    for size in sizes:
        blocks = x[: len(x) // size * size].reshape(-1, size).mean(axis=1)
        errors.append(blocks.std(ddof=1) / np.sqrt(len(blocks)) if len(blocks) > 1 else np.nan)
    return sizes, np.array(errors)
