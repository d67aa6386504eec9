"""`GradeWatch`: looks at extrapolation grades while a run goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import InputError, Outcome
from elyte.core.frame import Frame
from elyte.dynamics.stops import Moment, StopRule

Grade = Callable[[Frame], NDArray[np.float64]]
"""Frame → grades. One with `maps` and `potential` is carried out along with the forces of that
potential (`elyte.selection.GradeFunction`)."""

_REMEMBERED = 1000  # steps looked at, so that none is looked at twice; longer than a run's history


@dataclass
class GradeWatch(StopRule):
    """Keep frames whose extrapolation grade is high, and stop when it is too high.

    Grades that come with the forces of a run are watched at every step: of all atoms at the first
    two steps of each hundred, then of each atom every `rotation` steps and of those that may have
    the largest grade at every step (docs/theory/selection.md). Frames that are kept or end the run
    are graded in full. A run makes the grades of one watch with its forces, the first that it can;
    others evaluate the frames that they look at.

    Args:
        grade: frame → extrapolation grade of each atom, (n,).
        save: frames above this grade are kept …
        stop: … and a run above this one ends as "extrapolating".
        every: steps between two looks, of all atoms if more than one; 0 is every step where grades
            come with the forces, and every `spacing` steps where each look costs an evaluation.
        limit: most frames kept; then every other one is dropped and the spacing doubles.
        spacing: of each stretch of so many steps only the largest grade is recorded, and only the
            frame that has it is kept.
        rotation: steps in which each atom is graded once at least, where all steps are watched.
        margin: an atom is graded when its last grade and so many times the change that its rate
            foretells reach the largest.
        saved, saved_atoms, saved_steps: frames kept, with their largest grades and whose they are.
        records: step, largest grade and its atom, of each stretch.
        looks, high_looks: how many steps were looked at, and at how many it was above `save`.
    """

    grade: Grade
    save: float = 2.0
    stop: float = 10.0
    every: int = 0
    limit: int = 400
    spacing: int = 10
    rotation: int = 8
    margin: float = 4.0
    saved: list[tuple[Frame, float]] = field(default_factory=list)
    saved_atoms: list[int] = field(default_factory=list)
    saved_steps: list[int] = field(default_factory=list)
    records: list[tuple[int, float, int]] = field(default_factory=list)
    looks: int = 0
    high_looks: int = 0
    _stride: int = 1
    _seen: int = 0
    _stretch: int = -1  # that of the last frame above `save`
    _followed: tuple[int, float, int] | None = None  # step, grade and atom of the last in a run
    _looked: deque[int] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _roughly: set[int] = field(default_factory=set)  # steps of kept frames not graded in full

    def __post_init__(self) -> None:
        if not 0 < self.save < self.stop:
            raise InputError(f"grades must meet 0 < save < stop, not {self.save}, {self.stop}")
        if self.every < 0 or self.spacing < 1 or self.rotation < 1 or not self.margin >= 0:
            raise InputError("every and margin must not be negative, spacing and rotation positive")

    def interval(self, followed: bool) -> int:
        """Return the steps between two looks; `followed`: grades come with the forces."""
        return self.every or (1 if followed else self.spacing)

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
        known = set(self._looked)
        for step, frame in frames:
            if step not in known:
                self._look(frame, step)

    # ---- grades that come with the forces ---------------------------------------------------

    def maps_for(self, potential: Any) -> dict[str, Any]:
        """Return what makes grades of rows along with the forces; nothing where that cannot be."""
        if getattr(self.grade, "potential", None) is not potential:
            return {}
        return dict(getattr(self.grade, "maps", {}))

    def pause_above(self, step: int) -> float:
        """Return the largest grade that is no news in the steps after `step`."""
        if (step + 1) // self.spacing != self._stretch:
            return self.save
        best = self._best_of_stretch()
        return self.stop if best is None else best

    def steps_to_news(self, step: int) -> int | None:
        """Return for how many steps that holds; None if for all that come."""
        if (step + 1) // self.spacing != self._stretch:
            return None
        return (self._stretch + 1) * self.spacing - 1 - step

    def follow(self, step: int, grades: NDArray[np.float64]) -> None:
        """Note the largest grades, and their atoms, of the looks after `step`, (looks, 2)."""
        every = self.interval(followed=True)
        for look, (value, atom) in enumerate(grades.tolist(), step // every + 1):
            self._followed = look * every, value, int(atom)
            self._note(*self._followed)

    def settle(self) -> None:
        """Grade in full what was kept by grades that came with the forces."""
        exact: dict[int, tuple[float, int]] = {}
        for place, step in enumerate(self.saved_steps):
            if step not in self._roughly:
                continue
            grades = _finite(self.grade(self.saved[place][0]))
            atom = int(grades.argmax())
            exact[step] = float(grades[atom]), atom
            self.saved[place] = self.saved[place][0], exact[step][0]
            self.saved_atoms[place] = atom
        self._roughly.clear()
        self.records = [(s, *exact.get(s, (value, atom))) for s, value, atom in self.records]
        for place in reversed(range(len(self.saved))):
            if self.saved[place][1] > self.stop:
                self._drop(place)

    # ---- what is kept -----------------------------------------------------------------------

    def _look(self, frame: Frame, step: int, moving: bool = False) -> tuple[float, int]:
        if moving and self._followed is not None and self._followed[0] == step:
            _, value, atom = self._followed
            if self.save < value <= self.stop:
                self._roughly.add(step)
                self._keep(frame, value, atom, step)
                return value, atom
        grades = _finite(self.grade(frame))
        atom = int(grades.argmax())
        value = float(grades[atom])
        self._note(step, value, atom)
        if self.save < value <= self.stop:
            self._keep(frame, value, atom, step)
        return value, atom

    def _note(self, step: int, value: float, atom: int) -> None:
        """Record the grade of a step, unless there is a larger one in its stretch."""
        if not self._looked or self._looked[-1] != step:
            self._looked.append(step)
            self.looks += 1
            self.high_looks += not value <= self.save
        last = self.records[-1] if self.records else None
        if last is not None and last[0] // self.spacing == step // self.spacing:
            if step != last[0] and value <= last[1]:
                return
            self.records.pop()
        self.records.append((step, value, atom))

    def _keep(self, frame: Frame, value: float, atom: int, step: int) -> None:
        stretch = step // self.spacing
        again, self._stretch = stretch == self._stretch, stretch
        if again:
            best = self._best_of_stretch()
            if best is None or value <= best:
                return
            self._drop(-1)
        else:
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

    def _best_of_stretch(self) -> float | None:
        """Return the grade of the frame kept of the present stretch, if one is."""
        if self.saved_steps and self.saved_steps[-1] // self.spacing == self._stretch:
            return self.saved[-1][1]
        return None

    def _drop(self, place: int) -> None:
        for kept in (self.saved, self.saved_atoms, self.saved_steps):
            del kept[place]


def _finite(grades: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return grades with infinity for what is no number."""
    return np.where(np.isfinite(grades), grades, np.inf)
