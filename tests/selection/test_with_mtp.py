"""Active sets of moment tensor potentials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from elyte.core import Frame, InputError
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
        assert len(before & after) >= 0.75 * len(before)


@pytest.mark.parametrize("mode", ["neighbourhood", "configuration"])
@pytest.mark.parametrize("by_species", [True, False])
@pytest.mark.parametrize("floor", [None, 1e-4])
def test_grades_from_rows_made_with_the_forces(potential, frames, mode, by_species, floor):
    active = ActiveSet.build(potential, frames[:8], mode, by_species=by_species, floor=floor)
    grade = active.grade_function(potential)
    known = liquid(SPECIES, (3, 3, 3), 101)
    dense = known.moved(0.85 * known.positions, 0.85 * known.cell)
    for frame in (frames[0], known, dense):
        expected = active.grades(potential, frame)
        found = grade(frame)
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-3)
        assert found.max() == pytest.approx(expected.max(), rel=1e-7)


def test_the_largest_grade_is_exact_where_single_precision_is_rough(potential, frames):
    """Grades by the quick product are spoilt by as much as it may round: what counts stays."""
    active = ActiveSet.build(potential, frames[:8])
    grade = active.grade_function(potential)
    random = np.random.default_rng(0)
    for z, product in grade._sites._products.items():
        assert product.quick is not None, z
        scale = np.abs(active.blocks[z].basis.matrix).max(axis=0)
        noise = random.uniform(-1, 1, product.quick.shape) * 5e-3
        # a row of the noise that a typical row b turns into an error of some 0.005
        columns = np.append(potential.site_columns(z), potential.species.index(z))
        places = np.searchsorted(active.blocks[z].columns, columns)
        per_column = scale[np.minimum(places, len(scale) - 1)] * len(scale)
        product.quick[:] += (noise / np.maximum(per_column, 1e-12)).astype(np.float32)
        object.__setattr__(product, "rounding", 0.01)
    for seed in range(100, 110):
        frame = liquid(SPECIES, (3, 3, 3), seed)
        found, expected = grade(frame), active.grades(potential, frame)
        assert np.abs(found - expected).max() > 1e-5  # they are spoilt
        assert found.max() == pytest.approx(expected.max(), rel=1e-9)
        assert found.argmax() == expected.argmax()


def test_rows_beyond_single_precision_are_graded_in_double(potential, frames):
    grade = ActiveSet.build(potential, frames[:8]).grade_function(potential)._sites
    rows = potential.site_rows(frames[9])
    usual = grade.of_rows(frames[9].numbers, rows)
    rows[3] *= 1e60
    found = grade.of_rows(frames[9].numbers, rows)
    assert np.isfinite(found).all()
    assert found.argmax() == 3
    others = np.arange(len(rows)) != 3
    np.testing.assert_allclose(found[others], usual[others], rtol=2e-3, atol=1e-3)


def test_grades_of_what_was_not_trained_on(potential, frames):
    carbon = [Frame(np.full(len(f), 6), f.positions, f.cell, True) for f in frames[:3]]
    hydrogen = liquid((1, 6), (2, 2, 2), 5)
    for by_species in (True, False):
        active = ActiveSet.build(potential, carbon, by_species=by_species)
        expected = active.grades(potential, hydrogen)
        found = active.grade_function(potential)(hydrogen)
        np.testing.assert_allclose(found, expected, rtol=2e-3)
        assert (np.isinf(found) == (by_species & (hydrogen.numbers == 1))).all()
