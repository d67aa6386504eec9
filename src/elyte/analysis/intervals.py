"""Intervals that hold the truth: of means, of proportions, of independent samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from elyte.core.errors import InputError
from elyte.core.quantity import Quantity

ONE_SIGMA = 0.6826894921370859
"""Probability within one standard deviation of a normal distribution."""


@dataclass(frozen=True)
class Mean:
    """A mean of correlated values.

    Args:
        value: the mean.
        standard_error: standard deviation of the mean.
        n_effective: independent samples with the same standard error.
        degrees_of_freedom: of Student's t, since the standard error is itself estimated.
        reason: why the error cannot be known, or "".
        proportion: whether it lies between 0 and 1, which shapes its interval.
        least: what it cannot be below; its distance from there shapes the interval: 0 of a mean
            number of things.
    """

    value: float
    standard_error: float
    n_effective: float
    degrees_of_freedom: float
    reason: str = ""
    proportion: bool = False
    least: float = -np.inf

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the interval that holds the truth with probability `level`.

        Value ± t·error; for a proportion Jeffreys' interval with the effective samples, for what
        has a least value that of a Poisson process with as many events as its relative error says;
        their level as wide as Student's t would make it.
        """
        number = self.value - self.least
        if 0 < number < np.inf and self.standard_error > 0:
            tail = 0.5 - as_normal_level(level, self.degrees_of_freedom) / 2
            events = (number / self.standard_error) ** 2
            low, high = stats.gamma.ppf([tail, 1 - tail], events + 0.5) * number / events
            return self.least + min(float(low), number), self.least + max(float(high), number)
        if self.proportion and self.n_effective > 0:
            tail = 0.5 - as_normal_level(level, self.degrees_of_freedom) / 2
            a = self.n_effective * self.value + 0.5
            b = self.n_effective * (1 - self.value) + 0.5
            low, high = stats.beta.ppf([tail, 1 - tail], a, b)
            return min(float(low), self.value), max(float(high), self.value)
        half = self.standard_error * t_factor(level, self.degrees_of_freedom)
        return self.value - half, self.value + half

    @property
    def error(self) -> float:
        """Half of the 68 % interval, what curves show; nan when it is not known."""
        low, high = self.interval(ONE_SIGMA) if not self.reason else (np.nan, np.nan)
        return (high - low) / 2

    def quantity(self, name: str, unit: str, method: str, **fields: Any) -> Quantity:
        """Return the mean as a `Quantity`, or withhold it with the reason."""
        if self.reason:
            return Quantity.withhold(name, unit, self.reason, method=method, **fields)
        return with_intervals(
            name,
            self.value,
            self.interval(ONE_SIGMA),
            self.interval(0.95),
            unit,
            method=method,
            n_effective=self.n_effective,
            **fields,
        )


_CHANCE = 0.9
"""Level below which a ratio of variances may be chance."""


def beyond_chance(ratio: ArrayLike, freedom: float) -> NDArray[np.bool_]:
    """Return whether an estimated variance over a known one, χ²/ν where they agree, is too large.

    Args:
        ratio: of the variances, any shape.
        freedom: ν of the estimate.
    """
    return np.asarray(np.asarray(ratio) > stats.chi2.ppf(_CHANCE, freedom) / freedom)


def widened_to(found: Mean, other: Mean) -> Mean:
    """Return a mean with the error that another estimate of it has, where that is larger.

    Larger by more than chance, that is: the larger of two uncertain errors would be too large.
    """
    if found.reason or other.reason or not found.standard_error > 0:
        return found
    ratio = (other.standard_error / found.standard_error) ** 2
    if not beyond_chance(ratio, other.degrees_of_freedom):
        return found
    return replace(
        found,
        standard_error=other.standard_error,
        n_effective=found.n_effective / ratio,
        degrees_of_freedom=other.degrees_of_freedom,
    )


def t_factor(level: float, degrees_of_freedom: float) -> float:
    """Return Student's t: the half-width of a two-sided interval in standard errors."""
    return float(stats.t.ppf(0.5 + level / 2, degrees_of_freedom))


def as_normal_level(level: float, degrees_of_freedom: float) -> float:
    """Return the level at which a normal interval is as wide as Student's t at `level`."""
    return float(2 * stats.norm.cdf(t_factor(level, degrees_of_freedom)) - 1)


def with_intervals(
    name: str,
    value: float,
    one_sigma: tuple[float, float],
    interval_95: tuple[float, float],
    unit: str,
    details: dict[str, Any] | None = None,
    **fields: Any,
) -> Quantity:
    """Return a `Quantity` whose error is half of its 68 % interval.

    Few samples widen the error (Student's t, χ²), so that value ± error holds the truth two times
    of three whatever the length of the run. `details["interval_95"]` is [low, high].
    """
    merged = {"interval_68": list(one_sigma), "interval_95": list(interval_95), **(details or {})}
    error = (one_sigma[1] - one_sigma[0]) / 2
    return Quantity(name, float(value), float(error), unit, details=merged, **fields)


def with_log_error(
    name: str, value: float, spread: float, freedom: float, unit: str, **fields: Any
) -> Quantity:
    """Return a positive `Quantity` known by a factor: value · exp(± t · spread).

    Args:
        name: of the quantity.
        value: above zero.
        spread: standard error of its logarithm.
        freedom: degrees of freedom of `spread`, for Student's t.
        unit: as printed.
        fields: further fields of the quantity.
    """

    def bounds(level: float) -> tuple[float, float]:
        factor = float(np.exp(t_factor(level, freedom) * spread))
        return value / factor, value * factor

    return with_intervals(name, value, bounds(ONE_SIGMA), bounds(0.95), unit, **fields)


def interval(quantity: Quantity, level: float = 0.95) -> tuple[float, float]:
    """Return the 68 % or 95 % interval of a quantity of this room.

    Raises:
        InputError: another level, or a quantity without a value.
    """
    keys = {0.95: "interval_95", 0.68: "interval_68"}
    key = keys.get(round(level, 2))
    if key is None or key not in quantity.details:
        raise InputError(f"{quantity.name}: intervals are kept for the levels 0.68 and 0.95 only")
    low, high = quantity.details[key]
    return float(low), float(high)


def mean_of_independent(samples: ArrayLike) -> Mean:
    """Return the mean of independent samples, x̄ ± s/√k with k − 1 degrees of freedom.

    Args:
        samples: (k,), one value for each independent run, particle or block.
    """
    x = np.asarray(samples, dtype=float)
    if len(x) < 2:
        return Mean(float(x.mean()) if len(x) else np.nan, np.nan, len(x), 1.0, "only one sample")
    error = float(x.std(ddof=1) / np.sqrt(len(x)))
    return Mean(float(x.mean()), error, float(len(x)), float(len(x) - 1))


def mean_number(samples: ArrayLike) -> Mean:
    """Return a mean number from independent samples of it (time averages of single particles).

    Where all agree, one of n particles with one more or less would have been missed with the
    odds of Jeffreys' prior: a number that is always the same is not exactly known.

    Args:
        samples: (k,), none negative.
    """
    found = mean_of_independent(samples)
    if found.reason or found.standard_error > 0:
        return found if found.reason else replace(found, least=0.0)
    n = found.n_effective
    other = 0.5 / (n + 1)
    return replace(found, standard_error=float(np.sqrt(other * (1 - other) / n)))


def fraction(samples: ArrayLike) -> Mean:
    """Return a proportion from independent samples of it (time averages of single particles).

        f = s²/(p (1 − p)) ≤ 1,   n_effective = n/f

    f is the share of the scatter that yes and no have: 1 for samples that are all 0 or 1, whose
    scatter follows from their mean and is not uncertain at all, small for samples that have changed
    often. Where all agree it is 1: "never seen" is not "certainly absent".

    Args:
        samples: (k,), each between 0 and 1.
    """
    x = np.asarray(samples, dtype=float)
    scatter = mean_of_independent(x)
    if scatter.reason:
        return scatter
    n, p = len(x), scatter.value
    if scatter.standard_error == 0:
        guarded = (n * p + 0.5) / (n + 1)
        error = float(np.sqrt(guarded * (1 - guarded) / n))
        return Mean(p, error, float(n), float(n - 1), proportion=True)
    share = 1 - float(np.mean(x * (1 - x))) / (p * (1 - p))
    unbiased = n * share / (n - 1 + share)  # the sample mean lies nearer to the samples than p
    effective = n / unbiased
    error = float(np.sqrt(p * (1 - p) / effective))
    return Mean(p, error, effective, max(_share_freedom(x, share), n - 1.0), proportion=True)


def _share_freedom(x: NDArray[np.float64], share: float) -> float:
    """Return 2 f²/var f of the share f of samples x: how well their scatter is known.

    f = 1 − u/(p (1 − p)) with u the mean of x (1 − x), by linear propagation.
    """
    p, u = x.mean(), x * (1 - x)
    q = p * (1 - p)
    part = (u - u.mean()) / q - u.mean() * (1 - 2 * p) * (x - p) / q**2
    variance = float(np.sum(part**2)) / (len(x) * (len(x) - 1))
    return 2 * share**2 / max(variance, 1e-9)
