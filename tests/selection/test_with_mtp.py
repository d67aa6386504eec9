"""Active sets of moment tensor potentials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from elyte.core import Frame, InputError
from elyte.dynamics import GradeWatch, RunSettings, simulate
from elyte.potentials.mtp import MTP
from elyte.selection import ActiveSet
from elyte.testing.structures import liquid

SPECIES = (1, 6, 8)


@pytest.fixture(scope="module")
def potential() -> MTP:
    start = MTP.initial(8, SPECIES, cutoff=4.0, min_distance=1.2, seed=1)
    theta = start.parameters
    theta[3:12] = np.random.default_rng(0).uniform(-0.1, 0.1, 9)
    return start.with_parameters(theta)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return [liquid(SPECIES, (3, 3, 3), seed) for seed in range(30)]


def test_rows_have_the_block_form(potential, frames):
    active = ActiveSet.build(potential, frames)
    s, a, radial = 3, len(potential.moment_coefficients), potential.n_mu * potential.radial_size
    for block in active.blocks.values():
        assert len(block.columns) <= 1 + a + s * radial
    assert max(active.grades(potential, f).max() for f in frames) <= 1 + active.tolerance


def test_directions_without_effect_do_no_harm(potential, frames):
    # f_μ → λ f_μ with ξ changed to match leaves all energies as they are: rows never have full rank
    active = ActiveSet.build(potential, frames, floor=1e-6)
    assert min(active.unfilled.values()) > 0
    new = [liquid(SPECIES, (3, 3, 3), seed) for seed in range(100, 120)]
    grades = np.concatenate([active.grades(potential, frame) for frame in new])
    again = ActiveSet.build(potential, frames, floor=1e-5)
    other = np.concatenate([again.grades(potential, frame) for frame in new])
    assert np.median(grades) < 3
    assert np.median(np.abs(np.log(grades / other))) < 0.5


@pytest.mark.parametrize("by_species", [True, False])
def test_unusual_frames_are_graded_high_and_selected_first(potential, frames, by_species):
    active = ActiveSet.build(potential, frames, by_species=by_species)
    usual = [liquid(SPECIES, (3, 3, 3), seed) for seed in range(100, 110)]
    dense = liquid(SPECIES, (3, 3, 3), 110)
    dense = dense.moved(0.85 * dense.positions, 0.85 * dense.cell)
    grades = [active.grades(potential, f).max() for f in [*usual, dense]]
    assert grades[-1] > 2 * max(grades[:-1])
    assert active.select(potential, [*usual, dense])[0] == 10


def test_a_potential_read_from_its_file_is_the_same_one(potential, frames, tmp_path):
    active = ActiveSet.build(potential, frames[:5])
    active.save(tmp_path / "active.npz")
    potential.save(tmp_path / "saved.almtp")
    again = MTP.load(tmp_path / "saved.almtp")
    loaded = ActiveSet.load(tmp_path / "active.npz", again)
    np.testing.assert_array_equal(
        loaded.grades(again, frames[7]), active.grades(potential, frames[7])
    )
    with pytest.raises(InputError, match="other parameters"):
        loaded.grades(replace(again, max_distance=4.5), frames[0])


def test_retraining_starts_from_the_rows_of_before(potential, frames):
    first = ActiveSet.build(potential, frames)
    theta = potential.parameters * (
        1 + 0.01 * np.random.default_rng(3).normal(size=potential.n_parameters)
    )
    moved = potential.with_parameters(theta)
    second = ActiveSet.build(moved, frames, previous=first)
    assert max(second.grades(moved, f).max() for f in frames) <= 1 + second.tolerance
    for z, block in first.blocks.items():
        before = {s for s in zip(block.frames, block.atoms, strict=True) if s[0]}
        after = {
            s for s in zip(second.blocks[z].frames, second.blocks[z].atoms, strict=True) if s[0]
        }
        assert len(before & after) > 0.5 * len(before)


@pytest.mark.parametrize("mode", ["neighbourhood", "configuration"])
@pytest.mark.parametrize("by_species", [True, False])
def test_grades_from_rows_made_with_the_forces(potential, frames, mode, by_species):
    active = ActiveSet.build(potential, frames[:8], mode, by_species=by_species)
    grade = active.grade_function(potential)
    for seed in (100, 101):
        frame = liquid(SPECIES, (3, 3, 3), seed)
        expected = active.grades(potential, frame)
        np.testing.assert_allclose(grade(frame), expected, rtol=2e-3, atol=1e-3)
        rows = potential.site_rows(frame)
        np.testing.assert_array_equal(grade.of_rows(frame.numbers, rows), grade(frame))


def test_grades_of_what_was_not_trained_on(potential, frames):
    carbon = [Frame(np.full(len(f), 6), f.positions, f.cell, True) for f in frames[:3]]
    hydrogen = liquid((1, 6), (2, 2, 2), 5)
    for by_species in (True, False):
        active = ActiveSet.build(potential, carbon, by_species=by_species)
        expected = active.grades(potential, hydrogen)
        found = active.grade_function(potential)(hydrogen)
        np.testing.assert_allclose(found, expected, rtol=2e-3)
        assert (np.isinf(found) == (by_species & (hydrogen.numbers == 1))).all()


def test_a_run_is_graded_by_the_rows_of_its_forces(potential, frames):
    active = ActiveSet.build(potential, frames)
    start, settings = frames[0], RunSettings("NVT", 50.0, steps=12)
    found = {}
    for name, function in (
        ("fused", active.grade_function(potential)),
        ("apart", lambda frame: active.grades(potential, frame)),
    ):
        watch = GradeWatch(function, save=50.0, stop=1e6, every=2)
        assert watch.wants_rows_of(potential) == (name == "fused")
        simulate(start, potential, settings, seed=1, stop_rules=[watch])
        found[name] = np.array([grade for _, grade, _ in watch.records])
    assert len(found["fused"]) == 7
    np.testing.assert_allclose(found["fused"], found["apart"], rtol=2e-3)
