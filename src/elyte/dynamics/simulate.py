"""`simulate`: a run of molecular dynamics, its records, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from elyte._native import dynamics as native
from elyte.core.errors import InputError, Outcome
from elyte.core.frame import Frame
from elyte.core.h5md import TrajectoryWriter
from elyte.core.progress import Progress, silent
from elyte.core.trajectory import Trajectory
from elyte.dynamics.forcefield import force_field
from elyte.dynamics.grade_watch import GradeWatch
from elyte.dynamics.records import Flux, Records
from elyte.dynamics.settings import RunSettings
from elyte.dynamics.state import MDState, fresh_state, maxwell_boltzmann
from elyte.dynamics.stops import Moment, Observer, StopRule

RENEW_EVERY = 100
"""Steps after which neighbour lists start afresh: states at its multiples resume bit for bit."""
_LONGEST_BLOCK = 200
_SECONDS_PER_CALL = 0.2


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run leaves.

    Args:
        outcome: "done", or why it ended early: "exploded", "too_hot", "extrapolating",
            "decomposed", "void", "collapsed", "expanded".
        state: from which it goes on; after an explosion the last one before it.
        trajectory: recorded frames, or None when there were none or they went to a writer.
        series: by name: step, time (fs), potential, kinetic, conserved (eV), temperature (K),
            pressure_bar, volume (Å³), and the pressure tensor pxx, pyy, pzz, pyz, pxz, pxy (bar),
            each (rows,); with a flux also "flux" (rows, groups, 3) and "flux_time" (rows,).
            `kinetic` is that of the step; temperature and pressure are those of the mean kinetic
            energy of the two neighbouring half steps, which has no error of second order in the
            time step for stiff bonds.
        saved: frames that a `GradeWatch` kept, with their grades.
        last_frames: (step, frame) pairs just before the end, of a run that ended early.
        speed: steps per second.
        closest: distance (Å), atoms and step of the nearest pair, if one came nearer than the
            potential is meant for.
    """

    outcome: Outcome
    state: MDState
    trajectory: Trajectory | None
    series: dict[str, NDArray[np.float64]]
    saved: list[tuple[Frame, float]] = field(default_factory=list)
    last_frames: list[tuple[int, Frame]] = field(default_factory=list)
    speed: float = 0.0
    closest: tuple[float, int, int, int] | None = None


def simulate(
    frame: Frame | Atoms,
    potential: Any,
    settings: RunSettings,
    state: MDState | None = None,
    seed: int = 0,
    observers: Sequence[Observer] = (),
    stop_rules: Sequence[StopRule] = (),
    progress: Progress | None = None,
    *,
    began: int | None = None,
    until: int | None = None,
    velocities: NDArray[np.float64] | None = None,
    flux: Flux | None = None,
    writer: TrajectoryWriter | None = None,
    renew_every: int = RENEW_EVERY,
    threads: int = 1,
) -> RunResult:
    """Run molecular dynamics.

    Args:
        frame: where the run begins (its atoms and molecules only, when a state is given).
        potential: with `native()` or `evaluate(frames)`, an ASE calculator, or a capsule.
        settings: ensemble, targets, steps, records, limits.
        state: to go on from; without one, velocities are drawn at the first target temperature.
        seed: of the velocities and of the thermostat and barostat, when no state is given.
        observers: called with a `Moment` every so many steps.
        stop_rules: may end the run.
        progress: called with (steps done, steps in all, steps per second).
        began: step at which this run began, when `state` is from the middle of it: ramps go on,
            and only the steps that are left are done.
        until: step at which to pause, when it comes before the end of the run.
        velocities: to begin with instead of a draw, Å/fs, (n, 3).
        flux: velocity sums to record every `settings.flux_every` steps.
        writer: where frames go while the run goes on.
        renew_every: steps after which neighbour lists start afresh.
        threads: of the forces of a potential with `native()`.

    Returns:
        Records and outcome; an explosion is an outcome, not an exception.

    Raises:
        InputError: frame, potential and settings do not go together.
    """
    first = frame if isinstance(frame, Frame) else Frame.from_ase(frame)
    run = _Run(
        first, potential, settings, state, seed, began, until, velocities, renew_every, threads
    )
    records = Records(run.frame, settings, run.step, run.time, run.stop, flux, writer)
    outcome = run.go(records, [*observers], [*stop_rules], progress or silent)
    return run.result(outcome, records, stop_rules)


class _Run:
    """One run: the native simulation, cut into blocks at the steps where Python looks at it."""

    def __init__(
        self,
        frame: Frame,
        potential: Any,
        settings: RunSettings,
        state: MDState | None,
        seed: int,
        began: int | None,
        until: int | None,
        velocities: NDArray[np.float64] | None,
        renew_every: int,
        threads: int,
    ) -> None:
        settings.check(frame)
        if state is not None and not np.array_equal(state.frame.numbers, frame.numbers):
            raise InputError("the state to go on from has other atoms than the frame")
        self.settings = settings
        self.potential = potential
        self.renew_every = renew_every
        self.step = 0 if state is None else state.step
        self.time = 0.0 if state is None else state.time
        self.began = self.step if began is None else began
        if not self.began <= self.step <= self.began + settings.steps:
            raise InputError(f"step {self.step} is not in the run that began at {self.began}")
        self.stop = self.began + settings.steps
        if until is not None:
            self.stop = max(self.step, min(self.stop, until))
        self.first = self.step == 0  # a later step has been recorded by the run before
        self.frame = frame
        if state is None:
            drawn = self._draw(seed) if velocities is None else velocities
            values = fresh_state(frame, drawn, seed, settings.chain_length)
        else:
            self.frame = frame.moved(state.frame.positions, state.frame.cell)
            values = state.native()
        self.simulation = native.Simulation(
            force_field(potential, self.frame, threads), values, settings.native(frame, renew_every)
        )
        self.simulation.evaluate()
        self._check_start()
        self.last_good = self._state()
        self.last_frames: list[tuple[int, Frame]] = []
        self.speed = 0.0
        self.followed: GradeWatch | None = None  # whose grades come with the forces
        self.news = True  # of which the last one is to be looked at

    def _draw(self, seed: int) -> NDArray[np.float64]:
        temperature = float(self.settings.targets(1)[0][0]) if self.settings.steps else 0.0
        free = self.settings.momentum_is_free
        return maxwell_boltzmann(self.frame, temperature, seed, free)

    def _check_start(self) -> None:
        values = self.simulation.state()
        if self.settings.ensemble == "NPT" and not np.isfinite(values["strain_gradient"]).all():
            raise InputError("NPT needs a potential that gives the stress; this one does not")

    def _state(self) -> MDState:
        state = self.simulation.state()
        return MDState.from_native(self.frame, state, self.settings.conditions)

    # ---- the run -------------------------------------------------------------------------

    def go(
        self,
        records: Records,
        observers: list[Observer],
        rules: list[StopRule],
        progress: Progress,
    ) -> Outcome:
        """Alternate blocks of steps and looks at them until the end."""
        begin, start = time.monotonic(), self.step
        told = begin
        self._follow(rules)
        intervals = [o.every for o in observers]
        intervals += [self._interval(rule) for rule in rules if rule is not self.followed]
        if outcome := (self._look(observers, rules) if start == self.began else None):
            return self._early(outcome, rules)
        while self.step < self.stop or self.first:
            outcome = self._block(records, self._block_length(intervals))
            if outcome is None:
                outcome = self._look(observers, rules)
                if self.step - self.last_good.step >= _LONGEST_BLOCK:
                    self.last_good = self._state()
            now = time.monotonic()
            self.speed = (self.step - start) / max(now - begin, 1e-9)
            if outcome is not None:
                return self._early(outcome, rules)
            if now - told > _SECONDS_PER_CALL or self.step == self.stop:
                told = now
                progress(self.step - self.began, self.settings.steps, f"{self.speed:.0f} steps/s")
        return Outcome()

    def _follow(self, rules: list[StopRule]) -> None:
        """Let the grades of one watch be made along with the forces, where that can be."""
        for rule in rules:
            if isinstance(rule, GradeWatch) and (maps := rule.maps_for(self.potential)):
                self.followed = rule
                every = self._interval(rule)
                self.simulation.watch_grades(maps, every, rule.rotation, rule.margin)
                return

    def _interval(self, rule: StopRule) -> int:
        """Return the steps between two looks of a rule."""
        if isinstance(rule, GradeWatch):
            return rule.interval(rule is self.followed)
        return rule.every

    def _block_length(self, intervals: list[int]) -> int:
        """Return the steps to the next one at which something looks, or a list is renewed."""
        length = min(self.stop - self.step, _LONGEST_BLOCK)
        for every in intervals:
            length = min(length, every - self.step % every)
        news = self.followed.steps_to_news(self.step) if self.followed else None
        return length if news is None else min(length, news)

    def _block(self, records: Records, steps: int) -> Outcome | None:
        targets = self.settings.targets(max(steps, 1), self.step - self.began)
        into = records.into(self.step, steps)
        followed, pause = self.followed, np.inf
        if followed is not None:
            into["grades"] = np.empty((steps // self._interval(followed) + 1, 2))
            pause = followed.pause_above(self.step)
        report = self.simulation.run(steps, *targets, into, self.first, pause)
        self.first = False
        if followed is not None:
            grades = into["grades"][: report["grades"]]
            followed.follow(self.step, grades)
            self.news = len(grades) > 0 and not grades[-1, 0] <= pause
        self.step += report["steps"]
        records.wrote(report)
        return _explosion(report, self.step, self.frame) if report["stop"] else None

    def _look(self, observers: list[Observer], rules: list[StopRule]) -> Outcome | None:
        watching = [o for o in observers if self.step % o.every == 0]
        checking = [rule for rule in rules if self._is_due(rule)]
        if not (watching or checking):
            return None
        state = self._state()
        self.last_good = state
        done = min(max(self.step - self.began - 1, 0), max(self.settings.steps - 1, 0))
        moment = Moment(
            state,
            self.simulation.temperature,
            float(self.settings.targets(1, done)[0][0]),
        )
        for observer in watching:
            observer(moment)
        return next((o for o in (rule.check(moment) for rule in checking) if o), None)

    def _is_due(self, rule: StopRule) -> bool:
        if self.step % self._interval(rule) != 0:
            return False
        return rule is not self.followed or self.news

    def _early(self, outcome: Outcome, rules: list[StopRule]) -> Outcome:
        """Keep the last frames before an early end, and let the rules look at them."""
        for step, positions, cell in self.simulation.history():
            if np.isfinite(positions).all() and np.isfinite(cell).all():
                self.last_frames.append((step, self.frame.moved(positions, cell)))
        for rule in rules:
            rule.look_back(self.last_frames)
        return outcome

    def result(self, outcome: Outcome, records: Records, rules: Sequence[StopRule]) -> RunResult:
        """Gather what the run leaves."""
        failed = outcome.kind in {"exploded", "too_hot"}
        state = self.last_good if failed else self._state()
        watches = [rule for rule in rules if isinstance(rule, GradeWatch)]
        series = records.series()
        for watch in watches:
            watch.settle()
        if watches:
            table = np.array([r for w in watches for r in w.records], dtype=float).reshape(-1, 3)
            for column, name in enumerate(("grade_step", "grade", "grade_atom")):
                series[name] = table[:, column]
        return RunResult(
            outcome,
            state,
            records.trajectory(),
            series,
            [item for watch in watches for item in watch.saved],
            self.last_frames,
            self.speed,
            self.simulation.closest(),
        )


def _explosion(report: dict[str, Any], step: int, frame: Frame) -> Outcome:
    """Put the native loop's reason to stop into words."""
    value, atom = float(report["value"]), int(report["atom"])
    where = f" at atom {atom} ({frame.symbols[atom]})" if atom >= 0 else ""
    words = {
        "not_finite": ("exploded", f"energy or forces are not finite{where}"),
        "force": ("exploded", f"a force of {value:.3g} eV/Å{where}"),
        "speed": ("exploded", f"a move of {value:.3g} Å in one step{where}"),
        "energy_jump": ("exploded", f"the potential energy jumped by {value:.3g} eV per atom"),
        "volume": ("exploded", f"the volume changed by {100 * value:.3g} % in one step"),
        "temperature": ("too_hot", f"{value:.0f} K"),
    }
    kind, reason = words[report["stop"]]
    return Outcome(kind, f"{reason}, step {step}", {"value": value, "atom": atom, "step": step})
