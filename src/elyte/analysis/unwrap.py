"""Unwrap trajectories of boxes whose size fluctuates.

Adding lattice vectors to wrapped positions makes displacements grow with the fluctuations of the
box once a particle is far from home. The toroidal-view-preserving scheme (TOR) adds minimum-image
displacements instead, which are right at any box, doi:10.1063/5.0008316, 10.1021/acs.jctc.3c00308.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.core.errors import InputError

Array = NDArray[np.float64]


def unwrap(positions: ArrayLike, cells: ArrayLike) -> Array:
    """Return unwrapped positions: r(t+1) = r(t) + minimum image of [w(t+1) − w(t)].

    Args:
        positions: wrapped, Å, (T, n, 3); particles move less than half a box between frames.
        cells: Å, (T, 3, 3).

    Raises:
        InputError: particles that moved so far between two frames that the image is a guess.
    """
    wrapped = np.asarray(positions, dtype=float)
    box = np.broadcast_to(np.asarray(cells, dtype=float), (len(wrapped), 3, 3))
    result = np.empty_like(wrapped)
    result[0] = wrapped[0]
    for t in range(1, len(wrapped)):
        fractional = (wrapped[t] - wrapped[t - 1]) @ np.linalg.inv(box[t])
        fractional -= np.round(fractional)
        if np.mean(np.abs(fractional) > 0.4) > 0.05:
            raise InputError(
                f"frame {t}: many atoms moved by about half the box since the frame before, so "
                "positions cannot be unwrapped; write frames more often, or unwrapped positions"
            )
        result[t] = result[t - 1] + fractional @ box[t]
    return result
