"""One exploring trajectory: a fresh packing, relaxed and run until it leaves what is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from elyte.chemistry import BondWatch
from elyte.core.errors import ElyteError, Outcome
from elyte.core.frame import Frame
from elyte.core.progress import Progress
from elyte.dynamics import (
    DecompositionWatch,
    GradeWatch,
    HeatWatch,
    RunResult,
    RunSettings,
    VolumeWatch,
    relax,
    simulate,
)
from elyte.learning.hybrid import Hybrid
from elyte.learning.project import Project
from elyte.learning.work.boxes import fresh_box
from elyte.reference import check_molecules

RELAX_STEPS = 60
RELAX_FORCE = 1.5  # eV/Å: thermal forces are as large
LARGEST_FORCE = 40.0  # eV/Å: no liquid has such forces; the firewall refuses 60
KEPT = 60  # frames worth saving that one trajectory hands over, those with the largest grades
ORDINARY = 2
BOND_EVERY = 100
GRADE_SPACING = 20  # steps; nearer frames are too alike to be worth two labels
LEAST_VOLUME, MOST_VOLUME = 0.5, 2.0  # of the packing's
SOUND_APART = 50  # steps between two of them: a collapse takes about as long
BEFORE_STOP_FORCE = 25.0  # eV/Å, by the potential itself: beyond it a label teaches nothing


def explore(inputs: Mapping[str, Any], project: Project, progress: Progress) -> dict[str, Any]:
    """Run one trajectory with the extrapolation grade watched.

    Saved are frames whose grade lies between the thresholds; of a trajectory that survived, two
    ordinary frames as well (they tell the true error); of one that did not, the last sound
    frame before its end.
    """
    try:
        frame = fresh_box(inputs)
    except ElyteError as error:
        return _nothing("failed", str(error))
    potential = project.potential(inputs["potential"])
    grade = project.active_set(inputs["potential"]).grade_function(potential)
    watch = GradeWatch(
        grade,
        save=inputs["grade_save"],
        stop=inputs["grade_stop"],
        every=inputs["grade_every"],
        spacing=GRADE_SPACING,
    )
    model = Hybrid.of(inputs).model(potential)
    relaxed = relax(frame, model, force_limit=RELAX_FORCE, steps=RELAX_STEPS)
    run = simulate(
        relaxed.frame,
        model,
        _settings(inputs),
        seed=inputs["seed"] % 2**31,
        stop_rules=(
            watch,
            DecompositionWatch(BondWatch(frame), every=BOND_EVERY),
            HeatWatch(),
            VolumeWatch(LEAST_VOLUME * frame.volume, MOST_VOLUME * frame.volume),
        ),
        progress=progress,
    )
    return _result(run, watch, inputs, model)


def _settings(inputs: Mapping[str, Any]) -> RunSettings:
    timestep = float(inputs["timestep"])
    steps = round(inputs["time"] / timestep)
    return RunSettings(
        ensemble=inputs["ensemble"],
        temperature=inputs["temperature"],
        pressure_bar=inputs["pressure"],
        steps=steps,
        timestep=timestep,
        thermostat=inputs["thermostat"],
        barostat=inputs["barostat"],
        series_every=100,
        frames_every=max(1, steps // 20),
        max_force=LARGEST_FORCE,
    )


def _result(
    run: RunResult, watch: GradeWatch, inputs: Mapping[str, Any], potential: Any
) -> dict[str, Any]:
    saved = sorted(watch.saved, key=lambda pair: -pair[1])[:KEPT]
    frames = [frame for frame, _ in saved]
    whole = not inputs.get("reactions", False)
    before_stop = [] if run.outcome.done else last_sound_frames(run, potential, whole=whole)
    ordinary = _ordinary(run, inputs["seed"]) if run.outcome.done else []
    first, second = len(frames), len(frames) + len(before_stop)
    frames += before_stop + ordinary
    grades = [value for _, value, _ in watch.records]
    return {
        "summary": {
            "outcome": run.outcome.kind,
            "reason": run.outcome.reason,
            "time": float(run.state.time),
            "max_grade": float(min(max(grades, default=0.0), 1e6)),
            "mean_grade": float(np.mean(np.minimum(grades, 1e6))) if grades else 0.0,
            "saved": list(range(first)),
            "before_stop": list(range(first, second)),
            "ordinary": list(range(second, len(frames))),
        },
        "frames": frames,
        "grades": np.array([value for _, value in saved]),
    }


def _ordinary(run: RunResult, seed: int) -> list[Frame]:
    """Return two frames of the second half, as they come."""
    if run.trajectory is None or len(run.trajectory) < 4:
        return []
    half = len(run.trajectory) // 2
    rng = np.random.default_rng(seed)
    picks = rng.choice(np.arange(half, len(run.trajectory)), ORDINARY, replace=False)
    return [run.trajectory[int(i)] for i in sorted(picks)]


def last_sound_frames(
    run: RunResult, potential: Any, count: int = 1, whole: bool = True
) -> list[Frame]:
    """Return the last frames before the end whose molecules are whole and forces not absurd.

    Of what has already merged or fallen apart the firewall would refuse the label, and nothing be
    learnt from the failure; where reactions are wanted (`whole` is False) it is what there is to
    learn.
    """
    found: list[Frame] = []
    last = 0
    for step, frame in reversed(run.last_frames):
        if len(found) == count:
            break
        if found and last - step < SOUND_APART:
            continue
        if whole and not check_molecules(frame).done:
            continue
        (evaluation,) = potential.evaluate([frame])
        if np.abs(evaluation.forces).max() < BEFORE_STOP_FORCE:
            found, last = [*found, frame], step
    return found


def _nothing(kind: str, reason: str) -> dict[str, Any]:
    outcome = Outcome(kind, reason)
    return {
        "summary": {
            "outcome": outcome.kind,
            "reason": outcome.reason,
            "time": 0.0,
            "max_grade": 0.0,
            "mean_grade": 0.0,
            "saved": [],
            "before_stop": [],
            "ordinary": [],
        },
        "frames": [],
        "grades": np.zeros(0),
    }
