"""Grades of moment tensor potentials while a run goes on."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core import Frame
from elyte.dynamics import GradeWatch, HeatWatch, MDState, RunSettings, simulate
from elyte.potentials.mtp import MTP, RepulsiveCore
from elyte.selection import ActiveSet
from elyte.selection.active_set import GradeFunction
from elyte.testing.structures import liquid

SPECIES = (1, 6, 8)
HOT = RunSettings("NVT", 300.0, steps=230, timestep=0.5, series_every=0)


@pytest.fixture(scope="module")
def potential() -> MTP:
    """Return a weak potential with a soft core, under which nothing flies apart."""
    start = MTP.initial(8, SPECIES, cutoff=4.0, min_distance=1.2, seed=1)
    theta = start.parameters
    theta[3:12] = np.random.default_rng(0).uniform(-0.001, 0.001, 9)
    return start.with_parameters(theta).with_core(RepulsiveCore(np.full((3, 3), 2.0), 5.0))


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return [liquid(SPECIES, (3, 3, 3), seed) for seed in range(8)]


@pytest.fixture(scope="module")
def start() -> Frame:
    return liquid(SPECIES, (5, 5, 4), 0)


@pytest.fixture(scope="module")
def grade(potential: MTP, frames: list[Frame]) -> GradeFunction:
    return ActiveSet.build(potential, frames, floor=1e-3).grade_function(potential)


@pytest.fixture(scope="module")
def true(potential: MTP, start: Frame, grade: GradeFunction) -> np.ndarray:
    """Return the largest grade of all atoms at each step of the hot run."""
    watch = GradeWatch(lambda frame: grade(frame), 1e8, 1e9, every=1, spacing=1)
    simulate(start, potential, HOT, seed=1, stop_rules=[watch])
    return np.array([value for _, value, _ in watch.records])


@pytest.mark.parametrize("mode", ["neighbourhood", "configuration"])
@pytest.mark.parametrize("every", [1, 2, 3, 5, 12, 40])
def test_looks_apart_are_graded_along_with_the_forces(potential, frames, mode, every) -> None:
    """By the compiled loop as by a call for every frame; blocks of any length between."""
    active = ActiveSet.build(potential, frames, mode)
    settings = RunSettings("NVT", 50.0, steps=23, timestep=0.5)
    found = {}
    for name, function in (
        ("along", active.grade_function(potential)),
        ("apart", lambda frame: active.grades(potential, frame)),
    ):
        watch = GradeWatch(function, save=50.0, stop=1e6, every=every, spacing=1)
        assert bool(watch.maps_for(potential)) == (name == "along")
        other = HeatWatch(every=4)
        simulate(frames[0], potential, settings, seed=1, stop_rules=[watch, other])
        assert [step for step, _, _ in watch.records] == list(range(0, 24, every))
        assert watch.looks == 1 + 23 // every
        found[name] = np.array([(grade, atom) for _, grade, atom in watch.records])
    rounding = 1e-3 if mode == "neighbourhood" else 1e-6  # single precision; double
    np.testing.assert_allclose(found["along"][:, 0], found["apart"][:, 0], rtol=rounding)
    if mode == "neighbourhood":
        np.testing.assert_array_equal(found["along"][:, 1], found["apart"][:, 1])


def test_looks_apart_keep_frames_and_end_a_run(potential, start, grade, true) -> None:
    looks = true[::7]
    save, stop = float(np.quantile(looks, 0.3)), float(np.sort(looks)[-3])
    watch = GradeWatch(grade, save, stop, every=7, spacing=1)
    result = simulate(start, potential, HOT, seed=1, stop_rules=[watch])
    first = int(np.argmax(looks > stop))
    assert result.outcome.kind == "extrapolating"
    assert result.outcome.details["step"] == 7 * first
    before = looks[:first]
    kept = np.flatnonzero(before > save)
    count = len(kept)
    assert watch.saved_steps[:count] == (7 * kept).tolist()
    np.testing.assert_allclose([value for _, value in result.saved[:count]], before[kept])
    assert all(step % 10 == 0 for step in watch.saved_steps[count:])  # looked at in the end
    for (frame, value), atom in zip(result.saved, watch.saved_atoms, strict=True):
        exact = grade(frame)
        assert value == exact.max()
        assert atom == exact.argmax()


def test_every_step_is_seen_though_few_atoms_are_graded(potential, start, grade, true) -> None:
    watch = GradeWatch(grade, 1e8, 1e9, spacing=1)
    assert watch.interval(followed=True) == 1
    graded = simulate(start, potential, HOT, seed=1, stop_rules=[watch])
    assert [step for step, _, _ in watch.records] == list(range(231))
    share = np.array([value for _, value, _ in watch.records]) / true
    assert share.mean() > 0.999
    assert share.min() > 0.9
    assert share.max() < 1 + 1e-3  # the rounding of single precision
    np.testing.assert_allclose(share[[0, 1, 2, 101, 102, 201, 202]], 1, rtol=1e-3)  # of all atoms
    alone = simulate(start, potential, HOT, seed=1)
    assert graded.state.frame.positions.tobytes() == alone.state.frame.positions.tobytes()
    assert graded.state.forces.tobytes() == alone.state.forces.tobytes()


def test_every_step_is_graded_as_a_whole(potential, start) -> None:
    random = np.random.default_rng(0)
    moves = random.normal(0, 0.1, (12, len(start), 3))
    near = [start.moved(start.positions + move) for move in moves]
    grade = ActiveSet.build(potential, near, "configuration", floor=1e-6).grade_function(potential)
    watches = [
        GradeWatch(function, 1e8, 1e9, every, spacing=1)
        for function, every in ((grade, 0), (lambda frame: grade(frame), 1))
    ]
    assert watches[0].maps_for(potential)
    found = []
    for watch in watches:
        run = simulate(start, potential, HOT, seed=1, stop_rules=[watch])
        found.append((run.state.frame.positions, [value for _, value, _ in watch.records]))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert len(found[0][1]) == 231
    assert np.ptp(found[0][1]) > 0.1
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-6)
    save = float(np.median(found[0][1]))
    watch = GradeWatch(grade, save, 1e9)
    kept = simulate(start, potential, HOT, seed=1, stop_rules=[watch], threads=3).saved
    assert kept
    for frame, value in kept:
        assert value == pytest.approx(grade(frame).max(), rel=1e-6)


def test_what_is_kept_is_graded_in_full(potential, start, grade, true) -> None:
    save = float(np.median(true))
    watch = GradeWatch(grade, save, 1e9, spacing=10)
    result = simulate(start, potential, HOT, seed=1, stop_rules=[watch])
    stretches = true[:230].reshape(-1, 10)
    high = np.flatnonzero(stretches.max(axis=1) > save)
    assert 3 < len(high) < 23
    steps = [step for step in watch.saved_steps if step < 230]
    assert steps == [10 * k + int(stretches[k].argmax()) for k in high]
    for (frame, value), atom in zip(result.saved, watch.saved_atoms, strict=True):
        exact = grade(frame)
        assert value == exact.max()
        assert atom == exact.argmax()
    recorded = {step: value for step, value, _ in watch.records}
    for (_, value), step in zip(result.saved, watch.saved_steps, strict=True):
        assert recorded[step] == value


def test_a_run_ends_at_the_very_step_at_which_it_extrapolates(
    potential, start, grade, true
) -> None:
    stop = float(np.sort(true)[-20])
    first = int(np.argmax(true > stop))
    watch = GradeWatch(grade, 0.5 * stop, stop)
    result = simulate(start, potential, HOT, seed=1, stop_rules=[watch])
    assert result.outcome.kind == "extrapolating"
    assert result.outcome.details["step"] == result.state.step == first
    exact = grade(result.state.frame)
    assert result.outcome.details["grade"] == exact.max() == watch.records[-1][1]
    assert result.outcome.details["atom"] == exact.argmax()
    assert max(value for _, value in result.saved) <= stop
    assert all(step < first for step in watch.saved_steps)
    assert result.last_frames  # steps that were watched: none of them is graded again
    assert len(watch.records) == first // 10 + 1


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_records_repeat_bit_for_bit_whatever_the_threads(
    potential, start, grade, true, threads
) -> None:
    save = float(np.median(true))
    found = []
    for count in (1, threads):
        watch = GradeWatch(grade, save, 1e9)
        run = simulate(start, potential, HOT, seed=1, stop_rules=[watch], threads=count)
        positions = run.state.frame.positions.tobytes()
        found.append((positions, watch.records, watch.saved_steps, watch.saved_atoms))
    assert found[0] == found[1]


def test_a_resumed_run_sees_what_an_unbroken_one_does(potential, start, grade, tmp_path) -> None:
    whole = GradeWatch(grade, 1e8, 1e9, spacing=1)
    unbroken = simulate(start, potential, HOT, seed=1, stop_rules=[whole])
    simulate(start, potential, HOT, seed=1, until=100).state.save(tmp_path / "state.npz")
    state = MDState.load(tmp_path / "state.npz")
    rest = GradeWatch(grade, 1e8, 1e9, spacing=1)
    resumed = simulate(start, potential, HOT, state, began=0, stop_rules=[rest])
    assert resumed.state.frame.positions.tobytes() == unbroken.state.frame.positions.tobytes()
    assert rest.records == whole.records[101:]


def test_a_species_without_training_ends_a_run_at_once(potential, start, frames) -> None:
    carbon = [Frame(np.full(len(f), 6), f.positions, f.cell, True) for f in frames[:3]]
    grade = ActiveSet.build(potential, carbon).grade_function(potential)
    watch = GradeWatch(grade)
    result = simulate(start, potential, HOT, seed=1, stop_rules=[watch])
    assert result.outcome.kind == "extrapolating"
    assert result.outcome.details["step"] == 0
    assert result.outcome.details["grade"] == np.inf


def test_a_watch_of_another_potential_looks_by_itself(potential, start, grade) -> None:
    other = potential.with_parameters(potential.parameters)
    watch = GradeWatch(grade, 1e8, 1e9, spacing=20)
    assert watch.maps_for(other) == {}
    simulate(start, other, HOT, seed=1, stop_rules=[watch])
    assert [step for step, _, _ in watch.records] == list(range(0, 231, 20))


def test_one_watch_is_made_with_the_forces_and_others_look_for_themselves(
    potential, start, frames, grade, true
) -> None:
    mean = ActiveSet.build(potential, frames, "configuration").grade_function(potential)
    along, sparse = (
        GradeWatch(grade, 1e8, 1e9, spacing=1),
        GradeWatch(grade, 1e8, 1e9, 7, spacing=1),
    )
    whole, other = (GradeWatch(mean, 1e8, 1e9, k, spacing=50) for k in (25, 0))
    simulate(start, potential, HOT, seed=1, stop_rules=[along, sparse, whole, other])
    assert [step for step, _, _ in along.records] == list(range(231))
    np.testing.assert_allclose([v for _, v, _ in sparse.records], true[::7], rtol=1e-6)
    assert sparse.looks == 33
    assert whole.looks == 10
    assert other.looks == 5  # every `spacing` steps
    alone = GradeWatch(mean, 1e8, 1e9, 25, spacing=50)
    simulate(start, potential, HOT, seed=1, stop_rules=[alone])
    np.testing.assert_allclose([v for _, v, _ in whole.records], [v for _, v, _ in alone.records])
    assert whole.saved_steps == alone.saved_steps
