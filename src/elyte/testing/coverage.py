"""Do stated intervals hold the truth as often as they say? Many synthetic runs tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from elyte.analysis.intervals import interval
from elyte.core.quantity import Quantity


@dataclass(frozen=True)
class Coverage:
    """How often intervals held the truth, among runs for which a number was given.

    Args:
        inside_68: fraction for the 68 % interval.
        inside_95: fraction for the 95 % interval.
        bias: mean of (value − truth) in units of the mean error.
        spread: standard deviation of the values over the mean error: 1 when errors are right.
        relative_error: mean of error/|truth|.
        withheld: fraction of runs without a number.
        runs: number of runs.
    """

    inside_68: float
    inside_95: float
    bias: float
    spread: float
    relative_error: float
    withheld: float
    runs: int


def coverage(
    draw: Callable[[np.random.Generator], Quantity], truth: float, runs: int = 400, seed: int = 0
) -> Coverage:
    """Measure the coverage of the intervals of a quantity over synthetic runs.

    Args:
        draw: makes one run from a generator and returns what the analysis says of it.
        truth: the known value.
        runs: number of runs.
        seed: of the generators, one for each run.
    """
    inside = np.zeros(2)
    values, errors = [], []
    for generator in np.random.default_rng(seed).spawn(runs):
        quantity = draw(generator)
        if quantity.withheld:
            continue
        values.append(quantity.value)
        errors.append(quantity.error)
        for k, level in enumerate((0.68, 0.95)):
            low, high = interval(quantity, level)
            inside[k] += low <= truth <= high
    given = len(values)
    if not given:
        return Coverage(np.nan, np.nan, np.nan, np.nan, np.nan, 1.0, runs)
    error = float(np.mean(errors))
    scale = error or 1.0
    return Coverage(
        inside_68=float(inside[0] / given),
        inside_95=float(inside[1] / given),
        bias=float((np.mean(values) - truth) / scale),
        spread=float(np.std(values) / scale),
        relative_error=error / abs(truth) if truth else np.nan,
        withheld=1 - given / runs,
        runs=runs,
    )
