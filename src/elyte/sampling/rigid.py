"""Frames by geometry alone: rigid molecules at other densities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elyte.chemistry import scaled_and_rattled
from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.core.units import DENSITY_TO_G_PER_CM3


def density_of(frame: Frame) -> float:
    """Return the density of a periodic frame, g/cm³.

    Raises:
        InputError: a frame without a box.
    """
    if not frame.pbc.all():
        raise InputError("a density needs a frame that is periodic in all directions")
    return float(frame.masses.sum()) / frame.volume * DENSITY_TO_G_PER_CM3


def at_density(frame: Frame, density: float, rattle: float = 0.0, seed: int = 0) -> Frame:
    """Return the frame at another density: the molecules stay rigid, their distances scale.

    Args:
        frame: periodic, molecules whole.
        density: g/cm³.
        rattle: standard deviation of a random displacement of each coordinate, Å.
        seed: of the displacements.

    Raises:
        InputError: a density that is not positive, or no box.
    """
    if not density > 0:
        raise InputError(f"a density of {density} g/cm³ is not positive")
    scale = (density_of(frame) / density) ** (1 / 3)
    return scaled_and_rattled(frame, scale, rattle, seed)


def volume_scan(
    frames: Sequence[Frame], densities: tuple[float, float], number: int, seed: int = 0
) -> list[Frame]:
    """Return frames over a range of densities, equally spaced, molecules rigid.

    Goodwin et al. (2024) scan 0.87–1.67 g/cm³, Zills et al. (2024) 0.15–1.66 g/cm³.

    Args:
        frames: to begin with; taken in turn.
        densities: lowest and highest, g/cm³.
        number: of frames to return.
        seed: of a displacement of 0.01 Å, so that no two molecules stay exact copies.

    Raises:
        InputError: no frame, or not a range.
    """
    low, high = densities
    if not frames or not 0 < low <= high or number < 1:
        raise InputError(
            f"a volume scan needs frames, a range of densities and a number: {low}–{high}, {number}"
        )
    return [
        at_density(frames[k % len(frames)], float(density), 0.01, seed + k)
        for k, density in enumerate(np.linspace(low, high, number))
    ]
