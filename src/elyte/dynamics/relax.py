"""Bring a fresh packing to reasonable forces: FIRE on positions, and the volume if wanted.

Bitzek et al., doi:10.1103/PhysRevLett.97.170201.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from elyte.core.errors import InputError, Outcome
from elyte.core.frame import Frame
from elyte.core.progress import Progress, silent
from elyte.core.units import BAR
from elyte.dynamics.forcefield import Evaluator
from elyte.dynamics.grade_watch import Grade


class Relaxed(NamedTuple):
    """The last good frame, and how the relaxation ended (details: energy, largest force, …)."""

    frame: Frame
    outcome: Outcome


@dataclass
class _Fire:
    """Velocities and the adaptive step of FIRE, in units of mass 1."""

    velocities: NDArray[np.float64]
    max_step: float
    dt: float = 0.1
    alpha: float = 0.1
    uphill_free: int = 0

    def move(self, forces: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the displacement, (n, 3); no atom moves farther than `max_step`."""
        if (forces * self.velocities).sum() > 0:
            speed, force = np.linalg.norm(self.velocities), np.linalg.norm(forces)
            self.velocities *= 1 - self.alpha
            self.velocities += self.alpha * speed / max(float(force), 1e-300) * forces
            self.uphill_free += 1
            if self.uphill_free > 5:
                self.dt = min(1.1 * self.dt, 1.0)
                self.alpha *= 0.99
        else:
            self.velocities[:] = 0
            self.dt, self.alpha, self.uphill_free = 0.5 * self.dt, 0.1, 0
        self.velocities += self.dt * forces
        move = self.dt * self.velocities
        return move * min(1.0, self.max_step / max(_longest(move), 1e-300))


def relax(
    frame: Frame | Atoms,
    potential: Any,
    force_limit: float = 0.5,
    steps: int = 500,
    *,
    pressure_bar: float | None = None,
    pressure_tolerance: float = 500.0,
    max_step: float = 0.1,
    max_displacement: float = np.inf,
    max_force: float = np.inf,
    grade: Grade | None = None,
    grade_stop: float = 10.0,
    grade_every: int = 10,
    progress: Progress | None = None,
) -> Relaxed:
    """Move atoms downhill until the largest force is below a limit.

    Args:
        frame: where to begin.
        potential: as for `simulate`.
        force_limit: eV/Å, of the largest force on an atom.
        steps: at most.
        pressure_bar: target pressure, by isotropic changes of the volume; None keeps the cell.
        pressure_tolerance: bar.
        max_step: longest move of an atom in one step, Å.
        max_displacement: longest way of an atom from its beginning, Å; farther ends it.
        max_force: eV/Å; a larger force after the first 10 steps ends it as "exploded".
        grade: frame → extrapolation grades (n,); above `grade_stop` it ends as "extrapolating".
        grade_every: steps between two evaluations of the grade.
        progress: called with steps done, steps at most, largest force.

    Returns:
        Frame and outcome: "done", "not_converged", "exploded", "extrapolating", "moved_far".

    Raises:
        InputError: a pressure for a frame that is not periodic, or limits that are not positive.
    """
    frame = frame if isinstance(frame, Frame) else Frame.from_ase(frame)
    if pressure_bar is not None and not frame.pbc.all():
        raise InputError("a pressure needs a frame that is periodic in all directions")
    if not (force_limit > 0 and max_step > 0 and steps >= 0):
        raise InputError("force_limit and max_step must be positive")
    run = _Relaxation(frame, potential, pressure_bar, pressure_tolerance, max_step)
    report = progress or silent
    for step in range(steps + 1):
        kind = run.state(force_limit, max_displacement, max_force if step > 10 else np.inf)
        if grade is not None and not kind and step % grade_every == 0:
            worst = float(np.max(grade(run.frame)))
            kind = "" if worst <= grade_stop else "extrapolating"
        if kind:
            return run.end(kind, step)
        if step < steps:
            run.advance()
            report(step + 1, steps, f"largest force {run.force:.2f} eV/Å")
    return run.end("not_converged", steps)


class _Relaxation:
    def __init__(
        self,
        frame: Frame,
        potential: Any,
        pressure_bar: float | None,
        tolerance: float,
        max_step: float,
    ) -> None:
        self._evaluate = Evaluator(potential, frame)
        self._first = frame
        self._target = pressure_bar
        self._tolerance = tolerance
        self._good = frame
        self._shift = np.zeros((len(frame), 3))
        self._fire = _Fire(np.zeros((len(frame), 3)), max_step)
        self.positions = np.array(frame.positions)
        self.cell = np.array(frame.cell)
        self._look()

    @property
    def frame(self) -> Frame:
        return self._first.moved(self.positions, self.cell)

    def _look(self) -> None:
        self.energy, self.forces, strain = self._evaluate(self.positions, self.cell)
        self.force = _longest(self.forces)
        self.pressure = 0.0
        if self._target is not None:
            volume = float(abs(np.linalg.det(self.cell)))
            self.pressure = -float(np.trace(strain)) / (3 * volume * BAR)

    def state(self, force_limit: float, max_displacement: float, max_force: float) -> str:
        """Return how it ends here, or an empty string."""
        if not (np.isfinite(self.energy) and np.isfinite(self.force) and self.force <= max_force):
            return "exploded"
        if _longest(self._shift) > max_displacement:
            return "moved_far"
        self._good = self.frame
        at_pressure = self._target is None or abs(self.pressure - self._target) <= self._tolerance
        return "done" if self.force <= force_limit and at_pressure else ""

    def advance(self) -> None:
        """One step of FIRE, then a small strain towards the pressure."""
        move = self._fire.move(self.forces)
        self.positions += move
        self._shift += move
        if self._target is not None:
            # A compressibility of 1e-5/bar, and never more than 0.3 % of length at once.
            strain = float(np.clip(1e-5 / 3 * (self.pressure - self._target), -3e-3, 3e-3))
            centre = self.positions.mean(axis=0)
            self.positions = centre + (1 + strain) * (self.positions - centre)
            self.cell = (1 + strain) * self.cell
        self._look()

    def end(self, kind: str, step: int) -> Relaxed:
        reasons = {
            "done": "",
            "not_converged": f"the largest force is still {self.force:.3g} eV/Å after {step} steps",
            "exploded": f"forces of {self.force:.3g} eV/Å at step {step}",
            "extrapolating": f"the extrapolation grade is too high at step {step}",
            "moved_far": f"an atom has moved {_longest(self._shift):.2f} Å by step {step}",
        }
        details = {"energy": self.energy, "largest_force": self.force, "steps": step}
        if self._target is not None:
            details["pressure_bar"] = self.pressure
        return Relaxed(self._good, Outcome(kind, reasons[kind], details))


def _longest(vectors: NDArray[np.float64]) -> float:
    return float(np.sqrt((vectors**2).sum(axis=1).max(initial=0.0)))
