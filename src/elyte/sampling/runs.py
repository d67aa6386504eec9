"""Frames by dynamics: ladders, modifiers, EQ and nEQ sets, distorted molecules, refinement.

Each takes a frame and a potential (a trained one, the classical force field, or a reference
engine) and returns what it has sampled with how it ended: a run that ends early is no error, and
the frames before its end are good.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from elyte.chemistry import BondWatch
from elyte.core.errors import InputError, Outcome
from elyte.core.frame import Frame
from elyte.core.progress import Progress
from elyte.dynamics import (
    DecompositionWatch,
    Modifier,
    RunSettings,
    VolumeOfDensity,
    liquid_ladder,
    relax,
    run_ladder,
    simulate,
)

RELAX_STEPS, RELAX_FORCE = 80, 1.5
REFINE_STEPS = 50
NEQ_TIME = 200.0
HOT, LONG_STEP = 900.0, 2.0
"""Temperature (K) and time step (fs) that distort molecules."""
OPTIMISE_FORCES = (2.0, 1.0, 0.5, 0.2, 0.1)
_LIMITS: dict[str, Any] = {"max_force": 200.0}


class Samples(NamedTuple):
    """Frames, and how the sampling ended."""

    frames: list[Frame]
    outcome: Outcome


def _spread(frames: Sequence[Frame], number: int) -> list[Frame]:
    """Return `number` frames, equally spaced, the last one among them."""
    if len(frames) <= number:
        return list(frames)
    picks = np.linspace(0, len(frames) - 1, number + 1).round().astype(int)[1:]
    return [frames[k] for k in picks]


def _settle(frame: Frame, potential: Any) -> tuple[Frame, Outcome]:
    """Take the worst forces off a packing; the outcome says when nothing can begin there."""
    relaxed = relax(frame, potential, RELAX_FORCE, RELAX_STEPS)
    return relaxed.frame, relaxed.outcome if relaxed.outcome.kind == "exploded" else Outcome()


def _check(number: int) -> None:
    if number < 1:
        raise InputError(f"a sampler returns at least one frame, not {number}")


def ladder(
    frame: Frame,
    potential: Any,
    temperature: float,
    pressure_bar: float,
    time: float,
    number: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> Samples:
    """Return frames along the equilibration ladder: warming, squeezed, hot, cooled.

    Args:
        frame: a packing.
        potential: see the module.
        temperature: K.
        pressure_bar: bar.
        time: of all stages together, fs.
        number: of frames.
        seed: of velocities and baths.
        progress: told the steps done.
    """
    _check(number)
    timestep = 1.0
    every = max(1, round(time / timestep / (4 * number)))
    stages = liquid_ladder(
        temperature,
        pressure_bar,
        time=time,
        timestep=timestep,
        frames_every=every,
        **_LIMITS,
    )
    frame, outcome = _settle(frame, potential)
    if not outcome.done:
        return Samples([], outcome)
    results = run_ladder(frame, potential, stages, seed, progress=progress)
    frames = [f for r in results if r.trajectory is not None for f in r.trajectory]
    return Samples(_spread(frames, number), results[-1].outcome)


def equilibrium(
    frame: Frame,
    potential: Any,
    temperature: float,
    pressure_bar: float,
    time: float,
    number: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> Samples:
    """Return the EQ set: frames of the liquid at its own density, after a ladder.

    Half of the time brings the packing to the liquid, half samples it at constant pressure.
    """
    _check(number)
    stages = liquid_ladder(temperature, pressure_bar, time=0.5 * time, **_LIMITS)
    steps = max(number, round(0.5 * time))
    sampling = RunSettings(
        ensemble="NPT",
        temperature=temperature,
        pressure_bar=pressure_bar,
        steps=steps,
        frames_every=max(1, steps // (2 * number)),
        **_LIMITS,
    )
    frame, outcome = _settle(frame, potential)
    if not outcome.done:
        return Samples([], outcome)
    results = run_ladder(frame, potential, [*stages, sampling], seed, progress=progress)
    last = results[-1]
    reached = len(results) == len(stages) + 1 and last.trajectory is not None
    return Samples(_spread(list(last.trajectory or ()), number) if reached else [], last.outcome)


def nonequilibrium(
    frames: Sequence[Frame],
    potential: Any,
    temperature: float,
    time: float = NEQ_TIME,
    seed: int = 0,
    progress: Progress | None = None,
) -> Samples:
    """Return the nEQ set: each packing after a very short run at its own density.

    Park et al. (2025) take densities from 0.77 to 1.26 of the target.

    Args:
        frames: packings over a range of densities.
        potential: see the module.
        temperature: K.
        time: of each run, fs.
        seed: of the velocities.
        progress: told the runs done.
    """
    found, outcome = [], Outcome()
    settings = RunSettings("NVT", temperature, steps=max(1, round(time)), **_LIMITS)
    for index, frame in enumerate(frames):
        start, ended = _settle(frame, potential)
        if ended.done:
            run = simulate(start, potential, settings, seed=seed + index)
            found.append(run.state.frame)
            ended = run.outcome
        outcome = outcome if ended.done else ended
        if progress is not None:
            progress(index + 1, len(frames))
    return Samples(found, outcome)


def modified(
    frame: Frame,
    potential: Any,
    temperature: Modifier,
    density: Modifier | None,
    time: float,
    number: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> Samples:
    """Return frames while temperature and density follow Q(t) of Zills et al. (2024), eq. 9.

    Q(t) = Q₀ + (t/t_end)(Q_end − Q₀) + Q_amp sin(t/t_per).

    Args:
        frame: periodic, when there is a density.
        potential: see the module.
        temperature: K.
        density: g/cm³; None keeps the cell.
        time: t_end, fs.
        number: of frames.
        seed: of velocities and baths.
        progress: told the steps done.
    """
    _check(number)
    volume = None if density is None else VolumeOfDensity(density, float(frame.masses.sum()))
    steps = max(number, round(time))
    frame, outcome = _settle(frame, potential)
    if not outcome.done:
        return Samples([], outcome)
    run = simulate(
        frame,
        potential,
        RunSettings(
            "NVT",
            temperature,
            steps=steps,
            volume=volume,
            frames_every=max(1, steps // (2 * number)),
            thermostat_time=50.0,
            **_LIMITS,
        ),
        seed=seed,
        progress=progress,
    )
    return Samples(_spread(list(run.trajectory or ()), number), run.outcome)


def swing(value: float, low: float, high: float, amplitude: float, time: float) -> Modifier:
    """Return a modifier from low to high × value that swings five times on the way."""
    return Modifier(low * value, high * value, amplitude * value, time / (10 * np.pi))


def distorted(
    frame: Frame,
    potential: Any,
    time: float,
    number: int,
    temperature: float = HOT,
    timestep: float = LONG_STEP,
    seed: int = 0,
    progress: Progress | None = None,
) -> Samples:
    """Return distorted molecules: hot, with a long time step, until a bond breaks."""
    _check(number)
    steps = max(number, round(time / timestep))
    every = max(1, steps // (2 * number))
    start, outcome = _settle(frame, potential)
    if not outcome.done:
        return Samples([], outcome)
    run = simulate(
        start,
        potential,
        RunSettings(
            "NVT",
            temperature,
            steps=steps,
            timestep=timestep,
            frames_every=every,
            thermostat_time=50.0,
            **_LIMITS,
        ),
        seed=seed,
        stop_rules=(DecompositionWatch(BondWatch(frame), every=every, patience=1),),
        progress=progress,
    )
    frames = list(run.trajectory or ())
    watch = BondWatch(frame)
    return Samples(_spread([f for f in frames if not watch.changed(f)], number), run.outcome)


def refined(
    frame: Frame,
    potential: Any,
    temperature: float,
    pressure_bar: float = 0.0,
    steps: int = REFINE_STEPS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Samples:
    """Return the frame nearest a pressure of a short run with the reference method.

    Frames of a cheap force field are strained in the eyes of the reference: Goodwin et al. (2024)
    run 50 × 1 fs of the reference from each and label the frame near zero pressure.

    Args:
        frame: periodic, from a cheap sampler.
        potential: the reference method.
        temperature: K.
        pressure_bar: bar.
        steps: of 1 fs.
        seed: of the velocities.
        progress: told the steps done.

    Raises:
        InputError: a frame without a box, or a potential without a stress.
    """
    if not frame.pbc.all():
        raise InputError("a refinement to a pressure needs a frame periodic in all directions")
    if not np.isfinite(potential.evaluate([frame])[0].forces).all():
        return Samples([], Outcome("exploded", "the reference method fails at the first frame"))
    run = simulate(
        frame,
        potential,
        RunSettings("NVT", temperature, steps=steps, frames_every=1, series_every=1, **_LIMITS),
        seed=seed,
        progress=progress,
    )
    pressures = np.asarray(run.series["pressure_bar"])
    frames = list(run.trajectory or ())
    if not frames or not np.isfinite(pressures).any():
        if run.outcome.done:
            raise InputError("a refinement to a pressure needs a potential that gives the stress")
        return Samples([], run.outcome)
    gaps = np.abs(np.where(np.isfinite(pressures), pressures, np.inf) - pressure_bar)
    best = int(np.argmin(gaps[: len(frames)]))
    details = {"pressure_bar": float(pressures[best]), "step": best}
    return Samples([frames[best]], Outcome(run.outcome.kind, run.outcome.reason, details))


def optimised(
    frame: Frame,
    potential: Any,
    number: int,
    steps: int = 400,
    progress: Progress | None = None,
) -> Samples:
    """Return frames on the way downhill, at largest forces of 2, 1, 0.5, 0.2 and 0.1 eV/Å.

    Args:
        frame: where it begins.
        potential: see the module.
        number: of frames; the lowest ones are returned.
        steps: at most, for all of them.
        progress: told the steps done.
    """
    _check(number)
    found: list[Frame] = []
    outcome = Outcome()
    for limit in OPTIMISE_FORCES:
        frame, outcome = relax(
            frame, potential, limit, steps // len(OPTIMISE_FORCES), progress=progress
        )
        if not found or not np.array_equal(found[-1].positions, frame.positions):
            found.append(frame)
        if outcome.kind == "exploded":
            break
    return Samples(found[-number:], outcome)


__all__ = [
    "Samples",
    "distorted",
    "equilibrium",
    "ladder",
    "modified",
    "nonequilibrium",
    "optimised",
    "refined",
    "swing",
]
