"""Grades and selection: bounds, invariances, files, refusals."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from selection_cases import SPECIES, Table, potential, random_frame, random_frames

from elyte.core import FormatError, Frame, InputError
from elyte.selection import ActiveSet, Differentiable
from elyte.testing import FakePotential

FORMS = [("neighbourhood", True), ("neighbourhood", False), ("configuration", False)]
every_form = pytest.mark.parametrize(("mode", "by_species"), FORMS)


def built(mode: str, by_species: bool, count: int = 25, **options) -> ActiveSet:
    return ActiveSet.build(
        potential(), random_frames(count), mode, by_species=by_species, **options
    )


def test_the_fake_potential_is_differentiable():
    assert isinstance(potential(), Differentiable)


@every_form
def test_no_training_atom_has_a_grade_above_one(mode, by_species):
    active = built(mode, by_species)
    worst = max(active.grades(potential(), frame).max() for frame in random_frames(25))
    assert worst <= 1 + active.tolerance


@every_form
def test_grades_are_the_definition(mode, by_species):
    active = built(mode, by_species, count=60)
    frame = random_frame(77)
    rows = potential().atom_gradients(frame)
    if mode == "configuration":
        rows = np.repeat(rows.mean(axis=0, keepdims=True), len(frame), axis=0)
    for i, row in enumerate(rows):
        block = active.blocks[int(frame.numbers[i]) if by_species else 0]
        c = np.linalg.solve(block.basis.matrix.T, row[block.columns])
        assert active.grades(potential(), frame)[i] == pytest.approx(np.abs(c).max(), rel=1e-8)


@every_form
def test_the_order_of_frames_and_atoms_does_not_matter(mode, by_species):
    frames = random_frames(25)
    random = np.random.default_rng(5)
    shuffled = []
    for frame in (frames[i] for i in random.permutation(25)):
        order = random.permutation(len(frame))
        shuffled.append(Frame(frame.numbers[order], frame.positions[order], frame.cell, frame.pbc))
    first = ActiveSet.build(potential(), frames, mode, by_species=by_species)
    second = ActiveSet.build(potential(), shuffled, mode, by_species=by_species)
    volumes = [sum(b.basis.log_volume for b in a.blocks.values()) for a in (first, second)]
    # both are dominant; ties apart they are equally large to within a swap or two
    assert volumes[0] == pytest.approx(volumes[1], abs=1.0)
    for active in (first, second):
        assert max(active.grades(potential(), f).max() for f in frames) <= 1 + active.tolerance


def test_unfilled_places_are_counted_by_species():
    active = ActiveSet.build(potential(), random_frames(40))
    assert active.unfilled.keys() == set(SPECIES)
    assert max(active.unfilled.values()) < 6
    few = ActiveSet.build(potential(), random_frames(1))
    size = len(few.blocks[1].columns)
    assert few.unfilled[1] >= size - (random_frame(0).numbers == 1).sum()


@pytest.mark.parametrize("factor", [1e-6, 1e4])
def test_grades_do_not_depend_on_the_units_of_the_parameters(factor):
    rows = np.random.default_rng(2).normal(size=(40, 5))
    grades = []
    for table in (
        Table.of(rows),
        Table(rows * factor, np.full(5, 1 / factor), Table.of(rows).species),
    ):
        active = ActiveSet.build(table, [table.frame(*range(20))], by_species=False)
        grades.append(active.grades(table, table.frame(*range(40))))
    np.testing.assert_allclose(grades[0], grades[1], rtol=1e-8)


@pytest.mark.parametrize(("trained", "factor"), [(1e-9, 1.0), (0.0, 10.0)])
def test_what_no_training_row_spans_is_graded_by_the_energy_it_may_be_wrong_by(trained, factor):
    # a parameter that no training row depends on at all counts ten times
    rows = np.array([[1.0, 0.0, trained], [0.0, 1.0, 0.0], [0.5, 0.5, 0.03]])
    table = Table(rows, np.array([1.0, 1.0, 2.0]), (1, 2, 3))
    active = ActiveSet.build(table, [table.frame(0, 1)], by_species=False, floor=0.01)
    spread = np.sqrt(2.0**2 + 0.01 * np.mean(table.parameters**2))
    grade = active.grades(table, table.frame(2))[0]
    assert grade == pytest.approx(factor * 0.03 * spread / 0.01, rel=1e-6)


def test_a_supercell_has_the_grades_of_its_cell():
    small = random_frame(99)
    atoms = small.to_ase().repeat((2, 1, 1))
    for mode, by_species in FORMS:
        active = built(mode, by_species)
        once = active.grades(potential(), small)
        twice = active.grades(potential(), Frame.from_ase(atoms))
        np.testing.assert_allclose(np.tile(once, 2), twice, rtol=1e-8)


def test_environments_unlike_the_training_set_have_high_grades():
    active = built("neighbourhood", True)
    usual = [active.grades(potential(), f).max() for f in random_frames(20, first=1000)]
    dense = [active.grades(potential(), f).max() for f in random_frames(20, first=2000, length=4.5)]
    assert np.median(usual) < 2
    assert np.median(dense) > 2.5


def test_a_species_that_was_never_seen_is_infinitely_far():
    active = ActiveSet.build(potential(), [Frame([1, 1], [[0, 0, 0], [0, 0, 1.0]])])
    grades = active.grades(potential(), Frame([1, 8], [[0, 0, 0], [0, 0, 1.0]]))
    assert np.isinf(grades[1])
    assert grades[0] > 100  # hydrogen beside an oxygen: a column that no training row has


@every_form
def test_selected_frames_make_all_candidates_interpolated(mode, by_species):
    active = built(mode, by_species)
    candidates = random_frames(60, first=500)
    chosen = active.select(potential(), candidates)
    assert 0 < len(chosen) < 60
    assert len(set(chosen)) == len(chosen)
    frames = random_frames(25) + [candidates[i] for i in chosen]
    after = ActiveSet.build(potential(), frames, mode, by_species=by_species, previous=active)
    worst = [after.grades(potential(), frame).max() for frame in candidates]
    assert np.mean(np.array(worst) > 1.5) < 0.05


@every_form
def test_the_most_extrapolating_candidate_is_first_and_limits_are_kept(mode, by_species):
    active = built(mode, by_species)
    candidates = random_frames(40, first=500)
    worst = [active.grades(potential(), frame).max() for frame in candidates]
    chosen = active.select(potential(), candidates, limit=3)
    assert chosen[0] == int(np.argmax(worst))
    assert len(chosen) <= 3
    assert active.select(potential(), candidates, limit=0) == []
    assert active.select(potential(), []) == []
    assert active.select(potential(), candidates, threshold=max(worst) + 1) == []


@every_form
def test_duplicates_and_training_frames_are_never_selected(mode, by_species):
    active = built(mode, by_species)
    assert active.select(potential(), random_frames(25)) == []
    candidates = random_frames(10, first=500)
    chosen = active.select(potential(), candidates + candidates + candidates)
    assert len({i % 10 for i in chosen}) == len(chosen)


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 12))
def test_selection_of_table_rows_gains_volume_at_each_step(seed, size, count):
    random = np.random.default_rng(seed)
    table = Table.of(
        random.normal(size=(size + count, size)) * random.exponential(3, (size + count, 1))
    )
    active = ActiveSet.build(table, [table.frame(*range(size))], by_species=False)
    candidates = [table.frame(size + i) for i in range(count)]
    chosen = active.select(table, candidates)
    graded = [active.grades(table, c)[0] for c in candidates]
    assert bool(chosen) == (max(graded) > 1 + active.tolerance)
    pool = list(range(size)) + [size + i for i in chosen]
    after = ActiveSet.build(table, [table.frame(*pool)], by_species=False)
    volumes = [a.blocks[0].basis.log_volume for a in (active, after)]
    assert volumes[1] >= volumes[0] - 0.02 * size


def test_selecting_changes_nothing_in_the_active_set():
    active = built("neighbourhood", True)
    before = {z: b.basis.matrix.copy() for z, b in active.blocks.items()}
    active.select(potential(), random_frames(30, first=500))
    for z, block in active.blocks.items():
        np.testing.assert_array_equal(block.basis.matrix, before[z])


@every_form
def test_save_and_load(mode, by_species, tmp_path):
    active = built(mode, by_species)
    active.save(tmp_path / "active.npz")
    again = ActiveSet.load(tmp_path / "active.npz", potential())
    frame = random_frame(999)
    np.testing.assert_array_equal(
        again.grades(potential(), frame), active.grades(potential(), frame)
    )
    assert again.mode == mode
    candidates = random_frames(20, first=500)
    assert again.select(potential(), candidates) == active.select(potential(), candidates)
    assert [p.name for p in tmp_path.iterdir()] == ["active.npz"]


def test_another_potential_is_refused(tmp_path):
    active = built("neighbourhood", True)
    active.save(tmp_path / "active.npz")
    other = potential(seed=1)
    frame = random_frame(0)
    for use in (
        lambda: active.grades(other, frame),
        lambda: active.select(other, [frame]),
        lambda: active.grade_function(other),
        lambda: ActiveSet.load(tmp_path / "active.npz", other),
        lambda: active.grades(FakePotential(SPECIES, 4.5, potential().parameters), frame),
    ):
        with pytest.raises(InputError, match="other parameters"):
            use()


def test_files_that_are_none_are_refused(tmp_path):
    (tmp_path / "text.npz").write_text("not an archive")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.savez(tmp_path / "object.npz", header=np.array([{"a": 1}], dtype=object))
    for name in ("text.npz", "other.npz", "object.npz"):
        with pytest.raises(FormatError, match=name):
            ActiveSet.load(tmp_path / name)
    with pytest.raises(FormatError, match=r"absent\.npz: No such file"):
        ActiveSet.load(tmp_path / "absent.npz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "atoms"}, "neighbourhood, configuration"),
        ({"floor": 0.0}, "floor"),
        ({"floor": -2.0}, "floor"),
        ({"tolerance": 0.0}, "tolerance"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        ActiveSet.build(potential(), random_frames(2), **options)


def test_no_frames_and_negative_limits_are_refused():
    with pytest.raises(InputError, match="at least one"):
        ActiveSet.build(potential(), [])
    with pytest.raises(InputError, match="limit"):
        built("neighbourhood", True).select(potential(), random_frames(2), limit=-1)


def test_the_previous_set_is_where_the_search_starts():
    frames = random_frames(25)
    first = ActiveSet.build(potential(), frames)
    again = ActiveSet.build(potential(), frames, previous=first)
    for z, block in first.blocks.items():
        held = {(f, a) for f, a in zip(block.frames, block.atoms, strict=True)}
        other = again.blocks[z]
        assert held == {(f, a) for f, a in zip(other.frames, other.atoms, strict=True)}


def test_the_grade_function_gives_the_same_in_threads():
    active = built("neighbourhood", True)
    grade = active.grade_function(potential())
    frames = random_frames(8, first=300)
    expected = [active.grades(potential(), frame) for frame in frames]
    found: dict[int, np.ndarray] = {}
    workers = [
        threading.Thread(target=lambda i=i: found.update({i: grade(frames[i])})) for i in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for i, values in enumerate(expected):
        np.testing.assert_allclose(found[i], values, rtol=1e-12)
