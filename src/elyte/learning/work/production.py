"""Production: a large box prepared, equilibrated and run in segments that can be resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from elyte.analysis.thermo.density import density_series
from elyte.chemistry import BondWatch
from elyte.core.errors import ElyteError
from elyte.core.frame import Frame
from elyte.core.progress import Progress
from elyte.dynamics import (
    DecompositionWatch,
    Flux,
    GradeWatch,
    HeatWatch,
    MDState,
    RunResult,
    RunSettings,
    VoidWatch,
    VolumeWatch,
    maxwell_boltzmann,
    relax,
    run_ladder,
    simulate,
)
from elyte.learning.hybrid import Hybrid
from elyte.learning.project import Project
from elyte.learning.work.boxes import fresh_box
from elyte.learning.work.exploration import (
    GRADE_SPACING,
    LARGEST_FORCE,
    LEAST_VOLUME,
    MOST_VOLUME,
    RELAX_FORCE,
    RELAX_STEPS,
    last_sound_frames,
)
from elyte.sampling.rigid import at_density, density_of

# A fresh packing is a poor liquid: ions without shells, dipoles in disorder. Under a barostat it
# first swells, or tears; so it is annealed at constant volume before. Left loose meanwhile, it
# would gather into a liquid with holes, which a barostat needs a hundred picoseconds to close; so
# it is brought near the liquid's density while it is hot.
LOOSE_TIME, COMPRESS_TIME, ANNEAL_TIME = 1000.0, 3000.0, 4000.0  # fs
# Where a shell collapses around an ion, heat appears in one place: friction on every atom takes it
# from there; a thermostat of the whole box would leave it hot, and cool all others.
ANNEAL_FRICTION_TIME = 50.0  # fs
BAROSTAT_TIME = 500.0  # fs: the volume is sampled three times as fast as with the usual 1500
BOND_EVERY = 200
VOID_EVERY = 5000
VOID_RADIUS = 4.5  # Å: a hole that holds a small molecule is no liquid
FLUX_EVERY = 5  # steps between samples of the currents
SNAPSHOTS = 10
SOUND_FRAMES = 2  # before a failure: of its onset, and of what led there
# Production is to be quick, and what extrapolates for less than a picosecond does it no harm.
GRADE_ROTATION, GRADE_MARGIN = 32, 2.0
WATCHED_GRADE = 1e6  # production is stopped by what happens, not by a grade; the grade is reported


def prepare(inputs: Mapping[str, Any], project: Project, progress: Progress) -> dict[str, Any]:
    """Pack a loose box, relax it, and anneal it at constant volume."""
    try:
        frame = fresh_box(inputs)
    except ElyteError as error:
        return {"summary": {"outcome": "failed", "reason": str(error), "before_stop": []}}
    model = Hybrid.of(inputs).model(project.potential(inputs["potential"]))
    relaxed = relax(frame, model, force_limit=RELAX_FORCE, steps=2 * RELAX_STEPS)
    watches = (DecompositionWatch(BondWatch(frame), every=BOND_EVERY), HeatWatch())
    runs = run_ladder(
        relaxed.frame,
        model,
        _annealing(inputs, frame),
        seed=inputs["seed"] % 2**31,
        stop_rules=watches,
        progress=progress,
    )
    run = runs[-1]
    # The graph of bonds that later segments are held against is that of the packing.
    return {
        **_common(run, model, inputs),
        "reference": frame,
        "species": molecule_species(inputs, frame),
        "state": state_record(run.state),
    }


def _annealing(inputs: Mapping[str, Any], frame: Frame) -> list[RunSettings]:
    """Return the stages at constant volume: loose and hot, compressed while hot, cooled."""
    hot, cold = inputs["anneal"], inputs["temperature"]
    solid = frame.molecules is None
    dense = frame.volume * (1.0 if solid else density_of(frame) / inputs["begin_density"])

    def stage(time: float, end: float, volume: tuple[float, float]) -> RunSettings:
        return RunSettings(
            ensemble="NVT",
            temperature=(hot, end),
            volume=volume,
            steps=round(time / inputs["timestep"]),
            timestep=inputs["timestep"],
            thermostat="langevin",
            thermostat_time=ANNEAL_FRICTION_TIME,
            max_force=LARGEST_FORCE,
        )

    return [
        stage(LOOSE_TIME, hot, (frame.volume, frame.volume)),
        stage(COMPRESS_TIME, hot, (frame.volume, dense)),
        stage(ANNEAL_TIME, cold, (dense, dense)),
    ]


def molecule_species(inputs: Mapping[str, Any], frame: Frame) -> list[str]:
    """Return the species of each molecule (of each atom of a solid), in their order."""
    if frame.molecules is None:
        return frame.symbols
    return [name for name, count in inputs["counts"].items() for _ in range(count)]


def segment(inputs: Mapping[str, Any], project: Project, progress: Progress) -> dict[str, Any]:
    """Run one piece of a production trajectory from the state of the piece before."""
    before = project.result(inputs["previous"])
    reference: Frame = before["reference"]
    potential = project.potential(inputs["potential"])
    model = Hybrid.of(inputs).model(potential)
    state = _begin(inputs, restored_state(before["state"]))
    watch = GradeWatch(
        project.active_set(inputs["potential"]).grade_function(potential),
        save=inputs["grade_stop"],
        stop=WATCHED_GRADE,
        every=10 * inputs["grade_every"],
        limit=20,
        spacing=10 * GRADE_SPACING,
        rotation=GRADE_ROTATION,
        margin=GRADE_MARGIN,
    )
    run = simulate(
        state.frame,
        model,
        _settings(inputs, state.frame),
        state=state,
        stop_rules=(
            watch,
            DecompositionWatch(BondWatch(reference), every=BOND_EVERY),
            HeatWatch(),
            *_void_watch(reference),
            VolumeWatch(LEAST_VOLUME * state.frame.volume, MOST_VOLUME * state.frame.volume),
        ),
        flux=_flux(reference, before["species"]),
        progress=progress,
    )
    grades = np.array([value for _, value, _ in watch.records] or [0.0])
    result = {
        **_common(run, model, inputs),
        "reference": reference,
        "species": before["species"],
        "state": state_record(run.state),
    }
    sound = watch.saved if run.outcome.done else []
    extrapolated = [max(sound, key=lambda pair: pair[1])[0]] if sound else []
    result["frames"] = [*extrapolated, *result["frames"]]
    result["summary"] |= {
        "extrapolated": list(range(len(extrapolated))),
        "density": float(density_series(run.series["volume"], reference.masses.sum()).mean()),
        "max_grade": float(min(grades.max(), WATCHED_GRADE)),
        "extrapolating": watch.high_looks / max(watch.looks, 1),
        "steps_per_second": float(run.speed),
    }
    result["series"] = run.series
    if run.trajectory is not None:
        result["trajectory"] = {
            "positions": run.trajectory.positions.astype(np.float32),
            "cells": run.trajectory.cells,
            "times": run.trajectory.times,
        }
    return result


def _settings(inputs: Mapping[str, Any], frame: Frame) -> RunSettings:
    timestep = float(inputs["timestep"])
    return RunSettings(
        ensemble=inputs["ensemble"],
        temperature=inputs["temperature"],
        pressure_bar=inputs["pressure"],
        steps=round(inputs["time"] / timestep),
        timestep=timestep,
        thermostat=inputs["thermostat"],
        thermostat_time=500.0 if inputs["ensemble"] == "NVT" else 100.0,
        barostat=inputs["barostat"],
        barostat_time=BAROSTAT_TIME,
        series_every=20,
        frames_every=max(1, round(inputs["save_every"] / timestep)),
        flux_every=FLUX_EVERY,
        max_force=LARGEST_FORCE,
    )


def _void_watch(frame: Frame) -> tuple[VoidWatch, ...]:
    """Return the watch for holes in a liquid; around one molecule alone there is nothing else."""
    alone = frame.molecules is not None and not frame.molecules.any()
    return () if alone else (VoidWatch(VOID_RADIUS, every=VOID_EVERY),)


def _begin(inputs: Mapping[str, Any], state: MDState) -> MDState:
    """Bring the first segment at constant volume to its density, and re-draw its velocities."""
    if "density" not in inputs:
        return state
    scaled = at_density(state.frame, inputs["density"])
    velocities = maxwell_boltzmann(scaled, inputs["temperature"], inputs["velocity_seed"] % 2**31)
    return state.changed(scaled, velocities)


def _flux(frame: Frame, species: list[str]) -> Flux:
    """Return the sums of centre-of-mass velocities of each species, in order of appearance."""
    kinds = {name: index for index, name in enumerate(dict.fromkeys(species))}
    kind = np.array([kinds[name] for name in species])
    if frame.molecules is None:
        return Flux(kind)
    total = np.bincount(frame.molecules, frame.masses)
    return Flux(kind[frame.molecules], frame.masses / total[frame.molecules])


def _common(run: RunResult, potential: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the summary of a run, and frames of it: that before a failure, or snapshots."""
    whole = not inputs.get("reactions", False)
    summary = {
        "outcome": run.outcome.kind,
        "reason": run.outcome.reason,
        "time": float(run.state.time),
        "before_stop": [],
    }
    if not run.outcome.done:
        frames = last_sound_frames(run, potential, SOUND_FRAMES, whole)
        summary["before_stop"] = list(range(len(frames)))
    elif run.trajectory is not None and len(run.trajectory):
        picks = np.linspace(0, len(run.trajectory) - 1, SNAPSHOTS).round().astype(int)
        frames = [run.trajectory[int(i)] for i in np.unique(picks)]
    else:
        frames = [run.state.frame]
    return {"summary": summary, "frames": frames}


def state_record(state: MDState) -> dict[str, Any]:
    """Return a state as plain values, arrays and a frame."""
    return {f.name: getattr(state, f.name) for f in fields(state)}


def restored_state(record: Mapping[str, Any]) -> MDState:
    """Return the state of a record."""
    return MDState(**record)
