"""How a target changes over a run: constant, a ramp, or a modifier with a sine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import InputError
from elyte.core.units import DENSITY_TO_G_PER_CM3


@dataclass(frozen=True)
class Ramp:
    """Q(s) = start + s (end − start), where s runs from 0 to 1 over the run."""

    start: float
    end: float

    def values(self, fractions: NDArray[np.float64], duration: float) -> NDArray[np.float64]:
        """Return the target at each fraction of the run, (k,)."""
        return self.start + fractions * (self.end - self.start)

    @property
    def lowest(self) -> float:
        """The smallest target that occurs."""
        return min(self.start, self.end)


@dataclass(frozen=True)
class Modifier:
    """Q(t) = Q₀ + (t/t_end)(Q_end − Q₀) + Q_amp sin(t/t_per).

    Args:
        start: Q₀.
        end: Q_end.
        amplitude: Q_amp.
        period: t_per, fs (the sine repeats after 2π t_per).
    """

    start: float
    end: float
    amplitude: float
    period: float

    def __post_init__(self) -> None:
        if not self.period > 0:
            raise InputError(f"a modifier needs a positive period, not {self.period} fs")

    def values(self, fractions: NDArray[np.float64], duration: float) -> NDArray[np.float64]:
        """Return the target at each fraction of a run of `duration` fs, (k,)."""
        line = self.start + fractions * (self.end - self.start)
        return line + self.amplitude * np.sin(fractions * duration / self.period)

    @property
    def lowest(self) -> float:
        """A bound below every target that occurs."""
        return min(self.start, self.end) - abs(self.amplitude)


@dataclass(frozen=True)
class VolumeOfDensity:
    """V(t) = M / ρ(t): the schedule of a density as one of the volume.

    Args:
        density: schedule of the density, g/cm³.
        mass: M of the whole box, u.
    """

    density: Ramp | Modifier
    mass: float

    def __post_init__(self) -> None:
        if not self.density.lowest > 0:
            raise InputError("a density must stay above zero")

    def values(self, fractions: NDArray[np.float64], duration: float) -> NDArray[np.float64]:
        """Return the volume, Å³, at each fraction of a run of `duration` fs, (k,)."""
        densities = self.density.values(fractions, duration)
        return np.asarray(self.mass * DENSITY_TO_G_PER_CM3 / densities, dtype=float)

    @property
    def lowest(self) -> float:
        """A bound below every volume that occurs."""
        return 0.0


Schedule = float | Ramp | Modifier | VolumeOfDensity


def as_schedule(value: Schedule | tuple[float, float]) -> Ramp | Modifier | VolumeOfDensity:
    """Return a number or (start, end) as a schedule."""
    if isinstance(value, Ramp | Modifier | VolumeOfDensity):
        return value
    if isinstance(value, tuple | list):
        return Ramp(float(value[0]), float(value[1]))
    return Ramp(float(value), float(value))
