"""Dihedral angles: known geometries, ASE's values, known distributions, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms

from elyte.analysis.structure.dihedrals import (
    dihedral_distribution,
    dihedral_over_time,
    dihedral_population,
    dihedrals,
)
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage
from elyte.testing.synthetic import exchange


def chain(angle: float) -> np.ndarray:
    phi = np.radians(angle)
    return np.array([[1, 0, 0], [0, 0, 0], [0, 0, 1.5], [np.cos(phi), np.sin(phi), 1.5]])


@pytest.mark.parametrize("angle", [-179.0, -90.0, -30.0, 0.0, 60.0, 120.0, 180.0])
def test_a_known_angle(angle: float) -> None:
    found = dihedrals(chain(angle)[None], [[0, 1, 2, 3], [3, 2, 1, 0]])
    np.testing.assert_allclose(np.cos(np.radians(found - angle)), 1, atol=1e-12)


def test_equal_to_ase_and_to_wrapped_positions() -> None:
    rng = np.random.default_rng(1)
    cell = np.array([[20.0, 0, 0], [4, 21, 0], [-3, 5, 22]])
    x = np.cumsum(rng.normal(size=(6, 4, 3)), axis=1) + rng.random((6, 1, 3)) * 20
    found = dihedrals(x, [[0, 1, 2, 3]])
    expected = [Atoms("C4", positions=p).get_dihedral(0, 1, 2, 3) for p in x]
    np.testing.assert_allclose(np.cos(np.radians(found[:, 0] - expected)), 1, atol=1e-12)
    np.testing.assert_allclose(np.sin(np.radians(found[:, 0] - expected)), 0, atol=1e-8)
    wrapped = (x @ np.linalg.inv(cell) % 1) @ cell
    np.testing.assert_allclose(dihedrals(wrapped, [[0, 1, 2, 3]], cell), found, atol=1e-9)


def test_a_distribution_adds_to_one_and_is_uniform() -> None:
    rng = np.random.default_rng(2)
    angles = rng.uniform(-180, 180, (400, 50))
    curve = dihedral_distribution([angles], 36)
    assert curve.y.sum() * 10 == pytest.approx(1)
    assert curve.y_error is not None
    assert np.mean(np.abs(curve.y - 1 / 360) < 2 * curve.y_error) > 0.85
    edge = dihedral_distribution([np.array([[-180.0, 180.0]])], 4)
    assert edge.y[0] * 90 == 1.0


@pytest.mark.parametrize(("frames", "molecules", "lifetime"), [(300, 30, 20.0), (2000, 1, 8.0)])
def test_coverage_of_a_population(frames: int, molecules: int, lifetime: float) -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        trans = exchange(rng, frames, molecules, 0.4, lifetime)
        noise = rng.normal(scale=8, size=trans.shape)
        angles = (np.where(trans, 180, 65) + noise + 180) % 360 - 180
        return dihedral_population([angles], 120, -120)

    found = coverage(draw, 0.4, runs=100)
    assert 0.55 < found.inside_68 < 0.81
    assert 0.88 < found.inside_95 <= 1.0


def test_growing_times_end_with_the_whole() -> None:
    rng = np.random.default_rng(3)
    angles = [rng.uniform(-180, 180, (100, 10)), rng.uniform(-180, 180, (80, 10))]
    curves = dihedral_over_time(angles, 500.0, 3, 12)
    assert [c.details["time_ps"] for c in curves] == [12.5, 25.0, 50.0]
    np.testing.assert_array_equal(curves[-1].y, dihedral_distribution(angles, 12).y)
    np.testing.assert_array_equal(
        curves[0].y, dihedral_distribution([a[:25] for a in angles], 12).y
    )


def test_withheld_when_too_short() -> None:
    found = dihedral_population([np.zeros((4, 1))], -30, 30)
    assert found.withheld == "none of 1 molecules ever leaves it"
    found = dihedral_population([np.array([[0.0], [90], [0], [90]])], -30, 30)
    assert found.withheld == "only 4 values of at least 8"


def test_bad_input() -> None:
    x = np.zeros((2, 5, 3))
    for positions, indices, says in (
        (x[0], [[0, 1, 2, 3]], "positions have shape"),
        (x, [[0, 1, 2]], "rows of 4"),
        (x, [[0, 1, 2, 5]], "not among 5"),
        (x, [[0, 1, 2, 2]], "different atoms"),
        (x * np.nan, [[0, 1, 2, 3]], "not finite"),
    ):
        with pytest.raises(InputError, match=says):
            dihedrals(positions, indices)
    with pytest.raises(InputError, match="time between frames"):
        dihedral_over_time([np.zeros((9, 1))], 0.0)
    with pytest.raises(InputError, match="halved"):
        dihedral_over_time([np.zeros((9, 1))], 1.0, 5)
    with pytest.raises(InputError, match="needs dihedral angles"):
        dihedral_distribution([])
    with pytest.raises(InputError, match="one bin"):
        dihedral_distribution([np.zeros((2, 1))], 0)
