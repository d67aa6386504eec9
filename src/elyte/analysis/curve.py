"""A line of a figure: x, y, error, units and what it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Curve:
    """A property as a function of one variable.

    Args:
        name: what is on the vertical axis ("g(r)", "mean squared displacement", …).
        x: (k,), in `x_unit`.
        y: (k,), in `y_unit`.
        y_error: half of the 68 % interval of y, (k,), or None; nan where it is not known.
        x_unit: as printed ("Å", "ps").
        y_unit: likewise.
        label: what a legend says.
        species: what it belongs to ("Li+", "Li+–O(EC)").
        details: further plain values; "window" is the interval of x that a fit used.
        group: the figure it belongs to: "rdf", "coordination", "speciation", "msd",
            "collective-msd", "conductivity", or the title of another figure.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    y_error: NDArray[np.float64] | None = None
    x_unit: str = ""
    y_unit: str = ""
    label: str = ""
    species: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    group: str = ""
