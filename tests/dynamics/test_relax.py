"""Relaxation and ladders."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from dynamics_systems import argon, gas, lennard_jones

from elyte._native import dynamics as native
from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.dynamics import Evaluator, GradeWatch, RunSettings, liquid_ladder, relax, run_ladder


def test_rattled_crystal_goes_back_to_its_lattice() -> None:
    perfect = argon(rattle=0.0, lattice=5.3)
    frame, outcome = relax(argon(rattle=0.2, lattice=5.3), lennard_jones(), 1e-6, 2000)
    assert outcome.done
    distances = frame.positions - perfect.positions
    distances -= distances.mean(axis=0)
    assert np.abs(distances).max() < 1e-3
    forces = Evaluator(lennard_jones(), frame)(frame.positions, frame.cell)[1]
    assert np.linalg.norm(forces, axis=1).max() <= 1e-6


def test_volume_goes_to_the_pressure() -> None:
    frame, outcome = relax(
        argon(rattle=0.1, lattice=5.6),
        lennard_jones(),
        1e-3,
        3000,
        pressure_bar=2000.0,
        pressure_tolerance=5.0,
    )
    assert outcome.done
    _, _, strain = Evaluator(lennard_jones(), frame)(frame.positions, frame.cell)
    pressure = -np.trace(strain) / (3 * frame.volume) / 6.241509074460763e-07
    assert pressure == pytest.approx(2000.0, abs=5.0)


def test_atoms_on_top_of_each_other_come_apart_in_small_steps() -> None:
    start = argon(rattle=0.0).positions.copy()
    start[1] = start[0] + [0.3, 0.1, 0.0]
    base = argon()
    seen: list[np.ndarray] = []

    def watch(frame: Frame) -> np.ndarray:
        seen.append(frame.positions)
        return np.zeros(len(frame))

    frame, outcome = relax(
        base.moved(start), lennard_jones(), 0.5, 2000, grade=watch, grade_every=1, max_step=0.05
    )
    assert outcome.done
    moves = [np.linalg.norm(b - a, axis=1).max() for a, b in pairwise(seen)]
    assert max(moves) <= 0.05 + 1e-9
    assert outcome.details["largest_force"] <= 0.5
    assert len(frame) == 32


def test_each_way_a_relaxation_ends_early() -> None:
    frame, field = argon(rattle=0.2), lennard_jones()
    assert relax(frame, field, 1e-9, 3).outcome.kind == "not_converged"
    grade = [1.0, 20.0]
    ended = relax(frame, field, 1e-9, 50, grade=lambda f: np.full(32, grade.pop(0)), grade_every=5)
    assert ended.outcome.kind == "extrapolating"
    assert ended.outcome.details["steps"] == 5
    assert relax(frame, field, 1e-9, 500, max_displacement=0.05).outcome.kind == "moved_far"
    broken = relax(frame, native.faulty(field, 8, np.nan), 1e-9, 500)
    assert broken.outcome.kind == "exploded"
    assert np.isfinite(broken.frame.positions).all()
    with pytest.raises(InputError, match="periodic"):
        relax(Frame([18, 18], np.eye(3)[:2]), field, pressure_bar=1.0)
    with pytest.raises(InputError, match="positive"):
        relax(frame, field, 0.0)


def test_a_ladder_brings_a_loose_box_together() -> None:
    frame, _ = relax(argon(lattice=6.2, rattle=0.3), lennard_jones(), 0.1)
    calls: list[tuple[float, float, str]] = []
    stages = liquid_ladder(85.0, 200.0, 60_000.0, 5.0, compressibility=2e-4, barostat_time=1000.0)
    results = run_ladder(
        frame,
        lennard_jones(),
        stages,
        seed=1,
        progress=lambda done, total, note="": calls.append((done, total, note)),
    )
    assert [r.outcome.kind for r in results] == ["done"] * 4
    assert results[-1].state.step == sum(stage.steps for stage in stages) == 12_000
    volumes = [r.state.frame.volume / 32 for r in results]
    assert volumes[0] == pytest.approx(6.2**3 / 4)
    assert volumes[-1] < 54
    assert results[-1].series["temperature"][-100:].mean() == pytest.approx(85.0, rel=0.1)
    assert calls[-1][:2] == (12_000, 12_000)
    assert "stage 4 of 4" in calls[-1][2]


def test_a_ladder_ends_with_the_stage_that_fails() -> None:
    values = iter([1.0] * 8 + [50.0] + [1.0] * 50)
    watch = GradeWatch(lambda f: np.full(len(f), next(values)), every=20)
    stages = [RunSettings("NVT", 50.0, steps=100, timestep=4)] * 3
    results = run_ladder(argon(), lennard_jones(), stages, stop_rules=[watch])
    assert [r.outcome.kind for r in results] == ["done", "extrapolating"]
    with pytest.raises(InputError, match="at least one"):
        run_ladder(gas(), lennard_jones(), [])
