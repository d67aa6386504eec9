"""Grades of moment tensor potentials while a run goes on."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core import Frame
from elyte.dynamics import GradeWatch, MDState, RunSettings, simulate
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


@pytest.mark.parametrize(
    ("mode", "kind"), [("neighbourhood", "atoms"), ("configuration", "species")]
)
def test_a_run_is_graded_by_the_rows_of_its_forces(potential, frames, mode, kind):
    active = ActiveSet.build(potential, frames, mode)
    start, settings = frames[0], RunSettings("NVT", 50.0, steps=12)
    found = {}
    for name, function in (
        ("fused", active.grade_function(potential)),
        ("apart", lambda frame: active.grades(potential, frame)),
    ):
        watch = GradeWatch(function, save=50.0, stop=1e6, every=2, spacing=1)
        assert watch.wants_rows_of(potential) == (kind if name == "fused" else "")
        simulate(start, potential, settings, seed=1, stop_rules=[watch])
        found[name] = np.array([grade for _, grade, _ in watch.records])
    assert len(found["fused"]) == 7
    np.testing.assert_allclose(found["fused"], found["apart"], rtol=1e-6)


def test_watches_that_want_different_rows_share_a_run(potential, frames):
    watches = [
        GradeWatch(
            ActiveSet.build(potential, frames, mode).grade_function(potential),
            50,
            1e6,
            k,
            spacing=1,
        )
        for mode, k in (("neighbourhood", 2), ("configuration", 3))
    ]
    simulate(frames[0], potential, RunSettings("NVE", 50.0, steps=12), seed=1, stop_rules=watches)
    for k, watch in zip((2, 3), watches, strict=True):
        assert [step for step, _, _ in watch.records] == list(range(0, 13, k))
        alone = GradeWatch(watch.grade, 50, 1e6, k, spacing=1)
        simulate(
            frames[0], potential, RunSettings("NVE", 50.0, steps=12), seed=1, stop_rules=[alone]
        )
        np.testing.assert_allclose(
            [grade for _, grade, _ in watch.records], [grade for _, grade, _ in alone.records]
        )


def test_every_step_is_seen_though_few_atoms_are_graded(potential, start, grade, true) -> None:
    watch = GradeWatch(grade, 1e8, 1e9, spacing=1)
    assert watch.interval(potential) == 1
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
    assert watch.interval(other) == 20
    assert watch.maps_for(other) == {}
    simulate(start, other, HOT, seed=1, stop_rules=[watch])
    assert [step for step, _, _ in watch.records] == list(range(0, 231, 20))


def test_a_watch_of_each_kind_in_one_run(potential, start, frames, grade, true) -> None:
    """Rows of all atoms for one watch are enough for the one that follows every step."""
    mean = ActiveSet.build(potential, frames, "configuration").grade_function(potential)
    every, sparse = (GradeWatch(grade, 1e8, 1e9, k, spacing=1) for k in (0, 7))
    whole = GradeWatch(mean, 1e8, 1e9, 5, spacing=1)
    followed = GradeWatch(mean, 1e8, 1e9, spacing=1)
    simulate(start, potential, HOT, seed=1, stop_rules=[sparse, every, whole])
    simulate(start, potential, HOT, seed=1, stop_rules=[followed, sparse])
    sparse.records = sparse.records[: len(sparse.records) // 2]  # the second run was the same
    np.testing.assert_allclose(
        [v for _, v, _ in followed.records][::5], [v for _, v, _ in whole.records], rtol=1e-6
    )
    assert [step for step, _, _ in every.records] == list(range(231))
    np.testing.assert_allclose([v for _, v, _ in sparse.records], true[::7], rtol=1e-6)
    seen = np.array([v for _, v, _ in every.records])
    np.testing.assert_allclose(seen[::7], true[::7], rtol=1e-3)
    alone = GradeWatch(mean, 1e8, 1e9, 5, spacing=1)
    simulate(start, potential, HOT, seed=1, stop_rules=[alone])
    np.testing.assert_allclose([v for _, v, _ in whole.records], [v for _, v, _ in alone.records])
