"""Rows of parameter derivatives that the kernel makes along with the forces; close contacts."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elyte._native.mtp import highest_level
from elyte.core.errors import CloseContact, InputError
from elyte.core.frame import Frame
from elyte.potentials.mtp import MTP, reference
from elyte.potentials.mtp.kernel import Kernel, instruction_sets

from .mtp_cases import SPECIES, potential, structure

ISAS = instruction_sets()


def spread(mtp: MTP, frame: Frame, rows: np.ndarray) -> np.ndarray:
    """Return site rows in the columns of all parameters, (n, P)."""
    full = np.zeros((len(frame), mtp.n_parameters))
    for i, z in enumerate(frame.numbers.tolist()):
        full[i, mtp.site_columns(z)] = rows[i]
        full[i, mtp.species.index(z)] = 1
    return full


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(1, 30),
    level=st.sampled_from([level for level in (2, 6, 8, 12, 16) if level <= highest_level]),
    radial_size=st.integers(1, 9),
    isa=st.sampled_from(ISAS),
    precision=st.sampled_from(["double", "single"]),
)
def test_rows_equal_the_reference(seed, n, level, radial_size, isa, precision) -> None:
    mtp, frame = potential(level, seed=seed, radial_size=radial_size), structure(seed, n)
    rows = Kernel(mtp.native_arrays(), isa, precision).follower(0.3).rows(frame)
    expected = reference.atom_gradients(mtp, frame)
    scale = 1 + np.abs(expected).max(axis=0)
    error = np.abs(spread(mtp, frame, rows) - expected) / scale
    assert error.max() < (1e-10 if precision == "double" else 2e-5)


@pytest.mark.level(16)
def test_rows_with_tables_in_any_order() -> None:
    """Scalars that are factors, or basic moments, or given twice."""
    tables = potential(8).tables
    basic = np.vstack([tables.basic, [[1, 0, 0, 3], [0, 0, 1, 4]]])
    products = [[11, 11, 2, 13], [12, 1, 1, 14], [14, 0, 3, 15], [13, 15, 1, 16]]
    random = np.random.default_rng(0)
    made = type(tables)(basic, products, [16, 0, 15, 13, 16], 17)
    radial = random.uniform(-1, 1, (3, 3, 2, 4))
    mtp = MTP(SPECIES, 0.5, 3.0, made, radial, np.zeros(3), np.arange(1.0, 6.0), 0.3)
    frame = structure(1, 9)
    expected = reference.atom_gradients(mtp, frame)
    for isa in ISAS:
        rows = Kernel(mtp.native_arrays(), isa).follower(0.0).rows(frame)
        np.testing.assert_allclose(spread(mtp, frame, rows), expected, rtol=1e-9, atol=1e-10)


def test_site_rows_of_no_atoms() -> None:
    mtp, empty = potential(8), Frame([], np.zeros((0, 3)))
    assert mtp.site_rows(empty).shape[0] == 0
    sums = Kernel(mtp.native_arrays()).follower().rows(empty, "species")
    np.testing.assert_array_equal(sums, np.zeros((3, len(mtp.site_columns(1)))))


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("level", [2, 8, 16])
def test_sums_of_rows_over_each_species(level: int, isa: str, precision: str) -> None:
    mtp = potential(level, radial_size=9)
    kernel = Kernel(mtp.native_arrays(), isa, precision)
    for n in (1, 23, 90):
        frame = structure(n, n, 0.05)
        follower = kernel.follower(0.3)
        rows = follower.rows(frame)
        expected = [rows[frame.numbers == z].sum(axis=0) for z in mtp.species]
        sums = follower.rows(frame, "species")
        np.testing.assert_allclose(sums, expected, rtol=1e-12, atol=1e-12 * np.abs(rows).max())
        assert kernel.follower(0.3, threads=3).rows(frame, "species").tobytes() == sums.tobytes()


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 100),
    chosen=st.sets(st.integers(0, 49)),
    isa=st.sampled_from(ISAS),
    precision=st.sampled_from(["double", "single"]),
    threads=st.integers(1, 3),
)
def test_rows_of_some_atoms_are_those_of_all(seed, chosen, isa, precision, threads) -> None:
    mtp, frame = potential(8, seed=1, radial_size=9), structure(seed, 50)
    kernel = Kernel(mtp.native_arrays(), isa, precision)
    only = sorted(chosen)
    some = kernel.follower(0.3, threads).rows(frame, only=only)
    assert some.tobytes() == kernel.follower(0.3).rows(frame)[only].tobytes()
    sums = kernel.follower(0.3).rows(frame, "species")
    np.testing.assert_array_equal(kernel.follower(0.3).rows(frame, "species", only), sums)


def maps_of(mtp: MTP, single: bool, columns: int, seed: int = 0) -> list[dict[str, object]]:
    """Return random maps to grades, without one for the last species."""
    random, width = np.random.default_rng(seed), len(mtp.site_columns(1))
    return [
        {
            "number": z,
            "inverse": random.normal(0, 1, (width + 1, columns)),
            "single": single,
            "far": np.array([0, width - 1]),
            "far_scale": np.array([1e-3, 1e2]),
            "least": 0.01 * z,
        }
        for z in mtp.species[:-1]
    ]


def grades_of(mtp: MTP, frame: Frame, rows: np.ndarray, maps: list[dict[str, object]]):
    """Return the largest coefficient of each row by numpy, in double precision."""
    grades = np.full(len(frame), np.inf)
    for one in maps:
        of = frame.numbers == one["number"]
        full = np.hstack([rows[of], np.ones((of.sum(), 1))])
        beyond = np.abs(rows[of][:, one["far"]]) * one["far_scale"]
        grades[of] = np.maximum(np.abs(full @ one["inverse"]).max(axis=1), beyond.max(axis=1)).clip(
            min=one["least"]
        )
    return grades


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize(("n", "columns"), [(1, 1), (7, 47), (60, 48), (230, 100)])
def test_grades_made_with_the_forces(n, columns, single, isa, precision) -> None:
    mtp, frame = potential(8, seed=2, radial_size=5), structure(n, n, 0.05)
    follower = Kernel(mtp.native_arrays(), isa, precision).follower(0.3)
    maps = maps_of(mtp, single, columns)
    expected = grades_of(mtp, frame, follower.rows(frame), maps)
    found = follower.grades(frame, {"atoms": maps})
    np.testing.assert_allclose(found, expected, rtol=2e-4 if single else 1e-11)
    assert (np.isinf(found) == (frame.numbers == mtp.species[-1])).all()
    # which rows are graded together, and by how many threads, does not matter
    only = list(range(0, n, 3))
    some = (
        Kernel(mtp.native_arrays(), isa, precision)
        .follower(0.3, 3)
        .grades(frame, {"atoms": maps}, only)
    )
    assert some.tobytes() == found[only].tobytes()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(1, 40),
    filled=st.integers(0, 20),
    isa=st.sampled_from(ISAS),
    precision=st.sampled_from(["double", "single"]),
)
def test_a_grade_of_the_mean_made_with_the_forces(seed, n, filled, isa, precision) -> None:
    mtp, frame = potential(6, seed=seed, radial_size=5), structure(seed, n)
    random, count = np.random.default_rng(seed), mtp.n_parameters
    places = random.permutation(count)
    true, pseudo = np.sort(places[:filled]), random.uniform(0.1, 1, count)
    active = np.diag(pseudo)
    active[true] = random.normal(0, 1, (filled, count))
    others = np.sort(places[filled:])
    mapped = {
        "columns": np.array([mtp.site_columns(z) for z in mtp.species]),
        "filled": true,
        "open": others,
        "inverse": np.linalg.inv(active[np.ix_(true, true)]),
        "rows": active[np.ix_(true, others)],
        "pseudo": pseudo[others],
    }
    follower = Kernel(mtp.native_arrays(), isa, precision).follower(0.3, 1 + seed % 3)
    mean = spread(mtp, frame, follower.rows(frame)).mean(axis=0)
    expected = np.abs(mean @ np.linalg.inv(active)).max()
    (found,) = follower.grades(frame, {"mean": mapped})
    assert found == pytest.approx(expected, rel=1e-8)


def test_a_mean_that_is_no_number() -> None:
    mtp, frame = potential(6), structure(0, 9)
    count = mtp.n_parameters
    mapped = {
        "columns": np.array([mtp.site_columns(z) for z in mtp.species]),
        "filled": np.arange(0),
        "open": np.arange(count),
        "inverse": np.zeros((0, 0)),
        "rows": np.zeros((0, count)),
        "pseudo": np.where(np.arange(count) == 7, np.nan, 1.0),
    }
    follower = Kernel(mtp.native_arrays()).follower()
    assert np.isnan(follower.grades(frame, {"mean": mapped})).all()
    for bad in (
        mapped | {"open": np.arange(1, count + 1)},
        mapped | {"columns": mapped["columns"][:, :-1]},
        mapped | {"pseudo": np.ones(count - 1)},
    ):
        with pytest.raises(InputError, match=r"another length|wrong size"):
            follower.grades(frame, {"mean": bad})


@pytest.mark.parametrize("isa", ISAS)
def test_what_single_precision_cannot_hold_is_no_number(isa: str) -> None:
    mtp, frame = potential(8, seed=2), structure(3, 40)
    follower = Kernel(mtp.native_arrays(), isa).follower(0.3)
    maps = maps_of(mtp, True, 60)
    usual = follower.grades(frame, {"atoms": maps})
    maps[0]["inverse"][:, 17] *= 1e60
    found = follower.grades(frame, {"atoms": maps})
    of = frame.numbers == maps[0]["number"]
    assert np.isnan(found[of]).all()
    np.testing.assert_array_equal(found[~of], usual[~of])


@pytest.mark.parametrize("only", [[3, 2], [2, 2], [-1], [5]])
def test_atoms_that_there_are_not(only: list[int]) -> None:
    follower = Kernel(potential(8).native_arrays()).follower()
    with pytest.raises(InputError, match="ascending order"):
        follower.rows(structure(0, 5), only=only)
    with pytest.raises(InputError, match="ascending order"):
        follower.grades(structure(0, 5), {"atoms": []}, only)


def test_maps_that_do_not_fit() -> None:
    mtp, frame = potential(8), structure(0, 5)
    follower = Kernel(mtp.native_arrays()).follower()
    maps = maps_of(mtp, True, 5)
    maps[1] |= {"far": np.array([len(mtp.site_columns(1))]), "far_scale": np.ones(1)}
    with pytest.raises(InputError, match="a parameter that a row has not"):
        follower.grades(frame, {"atoms": maps})
    maps = maps_of(mtp, True, 5)
    maps[0] |= {
        "inverse": maps[0]["inverse"][:-1], "far": maps[0]["far"][:1], "far_scale": np.ones(1)
    }  # fmt: skip
    with pytest.raises(InputError, match="rows of another length"):
        follower.grades(frame, {"atoms": maps})


def test_rows_that_there_are_not() -> None:
    follower = Kernel(potential(8).native_arrays()).follower()
    with pytest.raises(InputError, match="of 'atoms' or 'species', not of 'bonds'"):
        follower.rows(structure(0, 5), "bonds")


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_many_frames_at_once(threads: int) -> None:
    mtp = potential(8)
    frames = [structure(k, 3 + 7 * k) for k in range(8)] + [Frame([], np.zeros((0, 3)))]
    found = mtp.evaluate(frames, threads)
    for frame, one in zip(frames, found, strict=True):
        alone = mtp.evaluate([frame])[0]
        assert one.energy == alone.energy
        assert one.forces.tobytes() == alone.forces.tobytes()
        assert one.energies.tobytes() == alone.energies.tobytes()
        assert one.stress.tobytes() == alone.stress.tobytes()


def test_one_of_many_frames_is_bad() -> None:
    good = structure(0, 5)
    bad = Frame([1, 1], np.zeros((2, 3)))
    with pytest.raises(InputError, match="atoms 0 and 1 are at one point"):
        potential(8).evaluate([good, bad, good], threads=2)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("precision", ["double", "single"])
def test_close_contact(isa: str, precision: str) -> None:
    mtp = potential(8)  # from 0.7 Å on
    positions = np.array([[0, 0, 0], [0, 0, 2.0], [0.1, 0, 2.55], [0, 0, 2.69]])
    frame = Frame([1, 6, 8, 1], positions, 9 * np.eye(3), True)
    kernel = Kernel(mtp.native_arrays(), isa, precision)
    with pytest.warns(CloseContact, match=r"atoms 2 \(O\) and 3 \(H\) are 0\.172 Å apart"):
        kernel.evaluate(frame)
    with pytest.warns(CloseContact, match="of one of the frames"):
        kernel.evaluate_all([frame, frame])
    follower = kernel.follower()
    with pytest.warns(CloseContact):
        follower.evaluate(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        apart = frame.moved(np.array([[0, 0, 0], [0, 0, 2.0], [2, 0, 4], [0, 3, 6]]))
        kernel.evaluate(apart)
        follower.evaluate(apart)
