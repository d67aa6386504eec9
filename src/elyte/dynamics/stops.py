"""What ends a run by itself: bond changes, heat, voids, a collapsing box; see `GradeWatch` too."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from elyte.core.errors import Outcome
from elyte.core.frame import Frame
from elyte.dynamics.state import MDState
from elyte.dynamics.voids import largest_empty_sphere


@dataclass(frozen=True, eq=False)
class Moment:
    """What observers and stop rules see of a run.

    Args:
        state: everything the run needs to go on; frame, step, time and more are read from it.
        temperature: K, instantaneous.
        target: temperature that the thermostat aims at, K.
    """

    state: MDState
    temperature: float
    target: float

    @property
    def frame(self) -> Frame:
        """Atoms, unwrapped positions, cell."""
        return self.state.frame

    @property
    def step(self) -> int:
        """Steps since the beginning."""
        return self.state.step

    @property
    def time(self) -> float:
        """Time since the beginning, fs."""
        return self.state.time


class Observer(Protocol):
    """Called with the run's moment at every step that is a multiple of `every`."""

    every: int

    def __call__(self, moment: Moment) -> None:
        """Look at the run; what it finds it keeps itself."""


@dataclass
class Checkpoint:
    """An observer that writes the state to a file, from which the run goes on bit for bit.

    Args:
        path: the .npz file, replaced whole each time.
        every: steps; a multiple of `simulate`'s `renew_every`.
    """

    path: Path
    every: int = 5000

    def __call__(self, moment: Moment) -> None:
        """Save the state."""
        moment.state.save(self.path)


class StopRule(ABC):
    """Looks at a run at every step that is a multiple of `every`, and may end it."""

    every: int = 50

    @abstractmethod
    def check(self, moment: Moment) -> Outcome | None:
        """Return why the run is to end, or None."""

    def look_back(self, frames: Sequence[tuple[int, Frame]]) -> None:  # noqa: B027
        """Look at the (step, frame) pairs just before a run ended too early."""


class BondWatchLike(Protocol):
    """Knows the bonds of the first frame (`elyte.chemistry.BondWatch`)."""

    def changes(self, frame: Frame) -> Sequence[Any]:
        """Return what has changed, in words."""


@dataclass
class DecompositionWatch(StopRule):
    """End a run as "decomposed" when bond changes last for `patience` checks.

    Args:
        bonds: tells the changes against the first frame.
        every: steps between two checks.
        patience: checks in a row that must show a change.
    """

    bonds: BondWatchLike
    every: int = 50
    patience: int = 2
    _in_a_row: int = 0

    def check(self, moment: Moment) -> Outcome | None:
        """Compare the bonds."""
        changes = [str(change) for change in self.bonds.changes(moment.frame)]
        self._in_a_row = self._in_a_row + 1 if changes else 0
        if self._in_a_row < self.patience:
            return None
        more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
        reason = f"bonds changed by step {moment.step}: {', '.join(changes[:3])}{more}"
        return Outcome("decomposed", reason, {"changes": changes, "step": moment.step})


@dataclass
class HeatWatch(StopRule):
    """End a run as "too_hot" when the temperature runs away over its running mean.

    What a canonical ensemble of so few atoms reaches by itself (five standard deviations of
    χ² with its degrees of freedom, about sevenfold for three atoms) is not too hot.

    Args:
        factor: over the larger of running mean and target …
        margin: … plus this, K, is too hot.
        window: observations in the running mean.
        patience: observations in a row.
        every: steps between two observations.
    """

    factor: float = 1.5
    margin: float = 100.0
    window: int = 50
    patience: int = 3
    every: int = 20
    _past: deque[float] = field(default_factory=deque)
    _in_a_row: int = 0

    def check(self, moment: Moment) -> Outcome | None:
        """Compare with the running mean."""
        mean = float(np.mean(self._past)) if self._past else 0.0
        usual = max(mean, moment.target)
        freedoms = 3 * max(len(moment.frame) - 1, 1)
        bound = max(self.factor * usual + self.margin, _hottest_share(freedoms) * usual)
        hot = moment.temperature > bound
        self._in_a_row = self._in_a_row + 1 if hot else 0
        if self._in_a_row >= self.patience:
            reason = (
                f"{moment.temperature:.0f} K at step {moment.step}, "
                f"with {moment.target:.0f} K wanted and {mean:.0f} K before"
            )
            details = {"temperature": moment.temperature, "mean": mean, "step": moment.step}
            return Outcome("too_hot", reason, details)
        if not hot:
            self._past.append(moment.temperature)
            if len(self._past) > self.window:
                self._past.popleft()
        return None


def _hottest_share(freedoms: int) -> float:
    """Return T/⟨T⟩ five standard deviations out, by Wilson and Hilferty's cube root of χ²."""
    variance = 2.0 / (9.0 * freedoms)
    return float((1.0 - variance + 5.0 * np.sqrt(variance)) ** 3)


@dataclass
class VoidWatch(StopRule):
    """End a run as "void" when the box has an empty sphere of more than `radius` Å."""

    radius: float = 4.5
    every: int = 1000

    def check(self, moment: Moment) -> Outcome | None:
        """Look for the largest hole."""
        radius, centre = largest_empty_sphere(moment.frame)
        if radius <= self.radius:
            return None
        place = ", ".join(f"{x:.1f}" for x in centre)
        reason = f"an empty sphere of {radius:.1f} Å radius around ({place}) Å, step {moment.step}"
        details = {"radius": radius, "centre": centre.tolist(), "step": moment.step}
        return Outcome("void", reason, details)


@dataclass
class VolumeWatch(StopRule):
    """End a run as "collapsed" or "expanded" outside these bounds of the volume, Å³."""

    low: float
    high: float = np.inf
    every: int = 100

    def check(self, moment: Moment) -> Outcome | None:
        """Compare the volume."""
        volume = moment.frame.volume
        if self.low <= volume <= self.high:
            return None
        kind = "collapsed" if volume < self.low else "expanded"
        reason = (
            f"the volume is {volume:.0f} Å³ at step {moment.step}, "
            f"outside {self.low:.0f} to {self.high:.0f} Å³"
        )
        return Outcome(kind, reason, {"volume": volume, "step": moment.step})
