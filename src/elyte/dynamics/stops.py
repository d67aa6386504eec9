"""What ends a run by itself: extrapolation, bond changes, heat, voids, a collapsing box."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import InputError, Outcome
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


Grade = Callable[[Frame], NDArray[np.float64]]
"""Frame → grades; one with `of_rows(numbers, rows, kind)`, `rows` (the kind, "atoms" or "species")
and `potential` is given the rows of that potential, which come with the forces."""


@dataclass
class GradeWatch(StopRule):
    """Keep frames whose extrapolation grade is high, and stop when it is too high.

    Args:
        grade: frame → extrapolation grade of each atom, (n,).
        save: frames above this grade are kept …
        stop: … and a run above this one ends as "extrapolating".
        every: steps between two evaluations.
        limit: most frames kept; then every other one is dropped and the spacing doubles.
    """

    grade: Grade
    save: float = 2.0
    stop: float = 10.0
    every: int = 10
    limit: int = 400
    saved: list[tuple[Frame, float]] = field(default_factory=list)
    saved_atoms: list[int] = field(default_factory=list)
    saved_steps: list[int] = field(default_factory=list)
    records: list[tuple[int, float, int]] = field(default_factory=list)
    _stride: int = 1
    _seen: int = 0
    _known: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.save < self.stop:
            raise InputError(f"grades must meet 0 < save < stop, not {self.save}, {self.stop}")

    def check(self, moment: Moment) -> Outcome | None:
        """Grade the frame."""
        value, atom = self._look(moment.frame, moment.step, moving=True)
        if np.isfinite(value) and value <= self.stop:
            return None
        element = moment.frame.symbols[atom]
        reason = f"extrapolation grade {value:.3g} at atom {atom} ({element}), step {moment.step}"
        details = {"grade": value, "atom": atom, "step": moment.step}
        return Outcome("extrapolating", reason, details)

    def look_back(self, frames: Sequence[tuple[int, Frame]]) -> None:
        """Grade the last frames before the end, which often hold the onset of the trouble."""
        known = {step for step, _, _ in self.records}
        for step, frame in frames:
            if step not in known:
                self._look(frame, step)

    def wants_rows_of(self, potential: Any) -> str:
        """Return of what rows that come with the forces the grade can be made.

        Those of "atoms", their sums over the atoms of a "species", or "" if of none.
        """
        own = getattr(self.grade, "potential", None)
        if own is None or own is not potential:
            return ""
        return str(getattr(self.grade, "rows", ""))

    def passes(
        self, numbers: NDArray[np.int64], rows: NDArray[np.float64] | None, kind: str, step: int
    ) -> bool:
        """Return whether the rows of a step show that there is nothing to keep, and note its grade.

        What takes longer, to make a frame and look at it, is for the steps that do not pass.
        """
        self._known = None
        of_rows = getattr(self.grade, "of_rows", None)
        if rows is None or of_rows is None:
            return False
        self._known = of_rows(numbers, rows, kind)
        if self._known is None:
            return False
        atom = int(self._known.argmax())
        value = float(self._known[atom])
        if not value <= self.save:  # nan is no number that passes
            return False
        self.records.append((step, value, atom))
        return True

    def _look(self, frame: Frame, step: int, moving: bool = False) -> tuple[float, int]:
        known = self._known if moving else None
        grades = np.asarray(self.grade(frame) if known is None else known)
        grades = np.where(np.isfinite(grades), grades, np.inf)
        atom = int(grades.argmax())
        value = float(grades[atom])
        self.records.append((step, value, atom))
        if self.save < value <= self.stop:
            self._keep(frame, value, atom, step)
        return value, atom

    def _keep(self, frame: Frame, value: float, atom: int, step: int) -> None:
        self._seen += 1
        if (self._seen - 1) % self._stride:
            return
        self.saved.append((frame, value))
        self.saved_atoms.append(atom)
        self.saved_steps.append(step)
        if len(self.saved) > self.limit:
            self._stride *= 2
            for kept in (self.saved, self.saved_atoms, self.saved_steps):
                del kept[1::2]


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
