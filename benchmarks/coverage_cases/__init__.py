"""Synthetic runs with a known answer, for every quantity that has an error bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from elyte.analysis.curve import Curve
from elyte.analysis.intervals import with_intervals
from elyte.core.quantity import Quantity

Draw = Callable[[np.random.Generator], Quantity]


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Args:
        name: what the row says.
        draw: makes one run and returns what the analysis says of it.
        truth: the known value.
    """

    name: str
    draw: Draw
    truth: float


VOLUME, TEMPERATURE, STEP = 1e4, 300.0, 100.0
"""Å³, K, fs of all synthetic runs."""


def band(value: float, error: float) -> Quantity:
    """What a figure shows of one point: the band of one error, and that of two."""
    one, two = (value - error, value + error), (value - 2 * error, value + 2 * error)
    return with_intervals("point of a curve", value, one, two, "1")


def point(curve: Curve, k: int) -> Quantity:
    """The k-th point of a curve with its error."""
    if curve.y_error is None or not np.isfinite(curve.y_error[k]):
        return Quantity.withhold("point of a curve", "1", "no error")
    return band(float(curve.y[k]), float(curve.y_error[k]))
