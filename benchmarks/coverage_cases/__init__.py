"""Synthetic runs with a known answer, for every quantity that has an error bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

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
