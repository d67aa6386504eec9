"""Frames kept, and runs ended, by their extrapolation grade."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dynamics_systems import argon, lennard_jones

from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.dynamics import GradeWatch, RunSettings, simulate

SETTINGS = RunSettings("NVT", 100.0, steps=300, timestep=4, frames_every=1)


class Rising:
    """A grade that rises with the number of calls; the worst atom is number 5."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.calls = 0

    def __call__(self, frame: Frame) -> np.ndarray:
        self.calls += 1
        grades = np.ones(len(frame))
        grades[5] = 1 + self.rate * self.calls
        return grades


def test_extrapolation_is_saved_and_then_stops() -> None:
    watch = GradeWatch(Rising(1.0), save=2.0, stop=10.0, every=20)
    result = simulate(argon(), lennard_jones(), SETTINGS, seed=1, stop_rules=[watch])
    assert result.outcome.kind == "extrapolating"
    assert result.outcome.details == {"grade": 11.0, "atom": 5, "step": 180}
    grades = [grade for _, grade in result.saved]
    assert grades == [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]
    assert watch.saved_atoms == [5] * 8
    assert result.trajectory is not None
    for (frame, _), step in zip(result.saved, watch.saved_steps, strict=True):
        np.testing.assert_array_equal(frame.positions, result.trajectory.positions[step])
    np.testing.assert_array_equal(result.series["grade_step"][:10], np.arange(0, 181, 20))
    assert result.state.step == 180


def test_frames_between_two_grades_are_looked_at_when_it_was_too_late() -> None:
    def grade(frame: Frame) -> np.ndarray:  # how far the atoms have gone
        moved = np.linalg.norm(frame.positions - start.positions, axis=1)
        return np.where(moved > 0.55, 11.0, np.where(moved > 0.2, 5.0, 0.5))

    start = argon()
    watch = GradeWatch(grade, every=300)
    settings = replace(SETTINGS, steps=3000, temperature=400.0)
    result = simulate(start, lennard_jones(), settings, seed=1, stop_rules=[watch])
    assert result.outcome.kind == "extrapolating"
    watch = GradeWatch(lambda f: np.full(len(f), 3.0 if len(watch.records) else 30.0), every=50)
    result = simulate(start, lennard_jones(), settings, seed=1, stop_rules=[watch])
    assert result.outcome.details["step"] == 0
    assert result.saved == []
    calls = iter([1.0, 30.0, *[4.0] * 5])
    watch = GradeWatch(lambda f: np.full(len(f), next(calls)), every=52)
    result = simulate(start, lennard_jones(), settings, seed=1, stop_rules=[watch])
    assert watch.saved_steps == [10, 20, 30, 40, 50]


def test_a_grade_that_is_not_finite_stops() -> None:
    watch = GradeWatch(lambda f: np.full(len(f), np.nan), every=50)
    result = simulate(argon(), lennard_jones(), SETTINGS, stop_rules=[watch])
    assert result.outcome.kind == "extrapolating"


def test_saved_frames_are_thinned_not_lost_at_one_end() -> None:
    watch = GradeWatch(lambda f: np.full(len(f), 3.0), every=1, limit=20)
    simulate(argon(), lennard_jones(), SETTINGS, stop_rules=[watch])
    assert 10 <= len(watch.saved) <= 20
    assert watch.saved_steps[0] == 0
    assert watch.saved_steps[-1] > 270
    assert len(set(np.diff(watch.saved_steps))) == 1


def test_grades_must_be_in_order() -> None:
    with pytest.raises(InputError, match="save < stop"):
        GradeWatch(Rising(1.0), save=5.0, stop=2.0)


@pytest.mark.parametrize(
    "options", [{"every": -1}, {"spacing": 0}, {"rotation": 0}, {"margin": -1.0}]
)
def test_settings_that_make_no_sense(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match="spacing and rotation positive"):
        GradeWatch(Rising(1.0), **options)  # type: ignore[arg-type]


def swinging(values: dict[int, float]) -> GradeWatch:
    """Watch a run whose grade of step k is values[k], 1 where it is not given."""
    steps = iter(range(1000))
    return GradeWatch(
        lambda f: np.full(len(f), values.get(next(steps), 1.0)), every=1, spacing=10, limit=3
    )


def test_of_each_stretch_the_frame_with_the_largest_grade_is_kept() -> None:
    watch = swinging({3: 4.0, 5: 6.0, 7: 5.0, 12: 3.0, 19: 2.5, 20: 9.0, 21: 9.5, 38: 1.5})
    settings = replace(SETTINGS, steps=39)
    result = simulate(argon(), lennard_jones(), settings, seed=1, stop_rules=[watch])
    assert watch.saved_steps == [5, 12, 21]
    assert [grade for _, grade in result.saved] == [6.0, 3.0, 9.5]
    assert result.trajectory is not None
    for (frame, _), step in zip(result.saved, watch.saved_steps, strict=True):
        np.testing.assert_array_equal(frame.positions, result.trajectory.positions[step])
    assert [(step, grade) for step, grade, _ in watch.records] == [
        (5, 6.0), (12, 3.0), (21, 9.5), (38, 1.5)
    ]  # fmt: skip
    assert watch.looks == 40
    assert watch.high_looks == 7


def test_stretches_left_out_stay_left_out() -> None:
    watch = swinging({k: 3.0 + 0.1 * (k % 10) for k in range(100)})
    simulate(argon(), lennard_jones(), replace(SETTINGS, steps=99), stop_rules=[watch])
    assert watch.saved_steps == [9, 49, 89]  # limit 3: every fourth in the end


def test_without_rows_a_look_costs_an_evaluation_and_comes_less_often() -> None:
    watch = GradeWatch(Rising(0.0), spacing=25)
    assert watch.interval(followed=False) == 25
    assert watch.maps_for(lennard_jones()) == {}
    simulate(argon(), lennard_jones(), SETTINGS, stop_rules=[watch])
    assert [step for step, _, _ in watch.records] == list(range(0, 301, 25))
    assert GradeWatch(Rising(0.0), every=7).interval(followed=False) == 7
