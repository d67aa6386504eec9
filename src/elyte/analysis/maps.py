"""Results on two axes, and densities in space: what is neither a number nor a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.analysis.structure.spatial import SpatialDistribution
from elyte.core.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Surface:
    """Values over two variables, and what a picture of them says.

    Args:
        name: what the colours say ("g(r, φ)").
        x: (k,), in `x_unit`.
        y: (m,), in `y_unit`.
        z: (k, m), in `z_unit`.
        x_name, y_name: what is on the axes.
        x_unit, y_unit, z_unit: as printed, "" or "1" for a pure number.
        label: what it belongs to.
        group: the figure it is in.
        centred: whether the colours are those of a value that is zero in the middle.
        categories: names along both axes (of states), or empty.

    Raises:
        InputError: arrays that do not fit together.
    """

    name: str
    x: Array
    y: Array
    z: Array
    x_name: str = ""
    y_name: str = ""
    x_unit: str = ""
    y_unit: str = ""
    z_unit: str = ""
    label: str = ""
    group: str = ""
    centred: bool = False
    categories: Sequence[str] = ()

    def __post_init__(self) -> None:
        if np.shape(self.z) != (len(self.x), len(self.y)):
            raise InputError(
                f"map '{self.name}' has shape {np.shape(self.z)} for axes of {len(self.x)} "
                f"and {len(self.y)} values"
            )


@dataclass(frozen=True, eq=False)
class Map(Surface):
    """A property as a function of two variables.

    Args:
        z_error: standard error of z, (k, m), or None.
        details: further plain values.
    """

    z_error: Array | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Cloud:
    """The density of one site around a molecule.

    Args:
        label: "Li+ around EC".
        molecule: name of the molecule.
        of: name of what is around it.
        found: the density on a grid.
    """

    label: str
    molecule: str
    of: str
    found: SpatialDistribution
