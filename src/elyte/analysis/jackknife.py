"""Estimates from independent samples when the estimate is not a mean: delete-a-group jackknife."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from elyte.analysis.intervals import Mean

Array = NDArray[np.float64]


def jackknife(
    samples: Array,
    estimate: Callable[[Array], float],
    weights: Array,
    groups: int = 20,
    corrected: bool = True,
) -> Mean:
    """Return an estimate from a weighted mean of samples, with the error that the jackknife gives.

        θ = f(x̄),  var θ = (g − 1)/g Σ_k (θ_(k) − θ_(·))²      (doi:10.1214/aos/1176345462)

    Args:
        samples: one row for each independent sample, (k, m).
        estimate: f, of a mean row (m,).
        weights: of each entry of each sample (k, m), or of each sample (k, 1).
        groups: g; samples are dealt out to this many groups.
        corrected: whether to take the bias of order 1/g out, g θ − (g − 1) θ_(·). Only for
            smooth f: for one with kinks, as fits with bounds have, it costs more than it gains.

    Returns:
        Mean: with g − 1 degrees of freedom, or a reason with fewer than five samples.
    """
    count = min(groups, len(samples))
    whole = estimate((weights * samples).sum(axis=0) / weights.sum(axis=0))
    if count < 5:
        return Mean(whole, np.nan, count, 1.0, f"only {count} independent samples of at least 5")
    weighted, total = weights * samples, np.broadcast_to(weights, samples.shape)
    sums, norms = weighted.sum(axis=0), total.sum(axis=0)
    without = np.array(
        [
            estimate(
                (sums - weighted[k::count].sum(axis=0)) / (norms - total[k::count].sum(axis=0))
            )
            for k in range(count)
        ]
    )
    error = np.sqrt((count - 1) / count * np.sum((without - without.mean()) ** 2))
    value = count * whole - (count - 1) * without.mean() if corrected else whole
    return Mean(float(value), float(error), float(count), float(count - 1))
