"""Least squares with one nonlinear parameter, and intervals from the profile of χ².

A model that is linear in all parameters but one is solved on a grid of that one. The profile of
χ² of the nonlinear parameter, and of any linear combination of the linear ones, then follows
without further minimisation: at each grid point χ² is a parabola in the combination,

    χ²(c, θ) = χ²_min(θ) + (c − ĉ(θ))² / s²(θ)

so that the interval {c : min_θ χ²(c, θ) ≤ χ²_best + Δ} is a union of intervals. Such intervals
stay right where parameters are strongly correlated and a covariance matrix would lie.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from elyte.analysis.intervals import ONE_SIGMA

Array = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Profile:
    """Weighted least squares on a grid of one nonlinear parameter.

    Args:
        grid: values of the nonlinear parameter, increasing, (g,).
        chi2: smallest χ² at each, (g,).
        parameters: linear ones at each, (g, p).
        covariances: of the linear parameters at each, (g, p, p).
        freedom: degrees of freedom of the best fit.
    """

    grid: Array
    chi2: Array
    parameters: Array
    covariances: Array
    freedom: int

    @property
    def best(self) -> int:
        """Index of the best grid point."""
        return int(np.argmin(self.chi2))

    @property
    def p_value(self) -> float:
        """Probability of a χ² as large as the best if the model were right."""
        return goodness(float(self.chi2[self.best]), self.freedom)

    def _rise(self, level: float) -> float:
        scale = widening(float(self.chi2[self.best]), self.freedom) ** 2
        return float(stats.chi2.ppf(level, 1)) * scale

    def interval(self, level: float) -> Interval:
        """Return the interval of the nonlinear parameter; the ends of the grid mean unbounded."""
        inside = np.flatnonzero(self.chi2 <= self.chi2[self.best] + self._rise(level))
        return float(self.grid[inside[0]]), float(self.grid[inside[-1]])

    def combination(self, weights: Array) -> tuple[float, Interval, Interval]:
        """Return the best value of a combination of the linear parameters, 68 and 95 % intervals.

        Args:
            weights: at each grid point, (g, p).
        """
        values = np.einsum("gp,gp->g", weights, self.parameters)
        variances = np.einsum("gp,gpq,gq->g", weights, self.covariances, weights)
        intervals = []
        for level in (ONE_SIGMA, 0.95):
            room = self.chi2[self.best] + self._rise(level) - self.chi2
            kept = room >= 0
            half = np.sqrt(room[kept] * np.clip(variances[kept], 0, None))
            centre = values[kept]
            intervals.append((float((centre - half).min()), float((centre + half).max())))
        return float(values[self.best]), intervals[0], intervals[1]


def solve_profile(
    design: Callable[[float], Array], grid: Array, values: Array, errors: Array
) -> Profile:
    """Solve weighted linear least squares at each value of a nonlinear parameter.

    Args:
        design: from the nonlinear parameter to the design matrix (n, p).
        grid: of the nonlinear parameter, (g,).
        values: (n,).
        errors: standard errors, (n,).
    """
    designs = np.array([design(float(theta)) for theta in grid]) / errors[:, None]
    inverse = np.linalg.pinv(designs)
    parameters = inverse @ (values / errors)
    residuals = values / errors - np.einsum("gnp,gp->gn", designs, parameters)
    covariances = inverse @ inverse.transpose(0, 2, 1)
    chi2 = np.einsum("gn,gn->g", residuals, residuals)
    freedom = len(values) - parameters.shape[1] - 1
    return Profile(grid, chi2, parameters, covariances, freedom)


def weighted_fit(design: Array, values: Array, errors: Array) -> tuple[Array, Array, float]:
    """Return parameters, their covariance and χ² of a fit to values with known errors."""
    scaled = design / errors[:, None]
    inverse = np.linalg.pinv(scaled)
    parameters = inverse @ (values / errors)
    residual = values / errors - scaled @ parameters
    return parameters, inverse @ inverse.T, float(residual @ residual)


def goodness(chi2: float, freedom: int) -> float:
    """Return the probability of a χ² as large if the model were right; 1 for an exact fit."""
    return float(stats.chi2.sf(chi2, freedom)) if freedom > 0 else 1.0


def widening(chi2: float, freedom: int) -> float:
    """Return √(χ²/ν) where χ² is improbable (p < 0.05), otherwise 1.

    The errors of the values are known, and a fit that happens to scatter little must not narrow
    them, nor one that scatters as much as it should widen them.
    """
    if goodness(chi2, freedom) >= 0.05:
        return 1.0
    return float(np.sqrt(chi2 / freedom))
