"""S(q): the ideal gas, a crystal, an analytic g(r), and both ways on one liquid."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.structure.rdf import Rdf
from elyte.analysis.structure.static_factor import (
    allowed_vectors,
    structure_factor,
    structure_factor_from_rdf,
)
from elyte.core.errors import InputError
from elyte.testing.synthetic import ideal_gas

CELL = np.array([[12.0, 0, 0], [2, 13, 0], [-1, 2, 14]])


def test_vectors_of_a_cube_and_of_a_triclinic_box() -> None:
    h = allowed_vectors(2 * np.pi * np.eye(3), 1.5)
    assert len(h) == 9  # (26 − 8)/2: six of length 1, twelve of length √2
    assert len({tuple(v) for v in np.vstack([h, -h])}) == 18
    h = allowed_vectors(CELL, 2.0)
    everything = np.indices((15, 15, 15)).reshape(3, -1).T - 7
    q = np.linalg.norm(2 * np.pi * everything @ np.linalg.inv(CELL).T, axis=1)
    assert 2 * len(h) == ((q <= 2.0) & (q > 0)).sum()


def test_errors_cover_the_ideal_gas() -> None:
    inside, twice = [], []
    for rng in np.random.default_rng(1).spawn(30):
        curve = structure_factor(ideal_gas(rng, 60, 30, CELL), CELL, 1.5, 0.25)
        assert curve.y_error is not None
        off = np.abs(curve.y - 1) / curve.y_error
        inside.append(off <= 1)
        twice.append(off <= 2.05)
    assert 0.58 < np.mean(inside) < 0.78
    assert 0.89 < np.mean(twice) < 0.99


def test_a_crystal_scatters_at_its_own_vectors_only() -> None:
    places = np.stack(np.meshgrid(*[np.arange(4) * 3.0] * 3), axis=-1).reshape(1, -1, 3)
    curve = structure_factor(places + 0.3, 12.0 * np.eye(3), 2.2, 0.01)
    bragg = np.isclose(curve.x, 2 * np.pi / 3, atol=1e-6)
    assert bragg.sum() == 1
    # |h|² = 16 has no other vectors than ±(4, 0, 0) and its permutations
    assert curve.details["wave_vectors"][int(np.flatnonzero(bragg)[0])] == 3
    assert curve.y[bragg][0] == pytest.approx(64)
    np.testing.assert_allclose(curve.y[~bragg], 0, atol=1e-18)
    assert curve.y_error is not None
    assert np.isnan(curve.y_error).all()
    assert curve.details["no_error"] == "only 1 frames of at least 8"


def test_weights() -> None:
    pair = np.array([[[0.0, 0, 0], [3.0, 0, 0]]])
    curve = structure_factor(pair, 12.0 * np.eye(3), 0.53, 0.01, weights=[1, -1])
    expected = (2 * (1 - np.cos(2 * np.pi * 3 / 12)) / 2 + 0 + 0) / 3
    assert curve.y[0] == pytest.approx(expected)


def test_an_analytic_g_and_its_transform() -> None:
    r = (np.arange(4000) + 0.5) * 0.005
    g, density = 1 - np.exp(-(r**2)), 0.05
    rdf = Rdf(r, g, None, np.zeros_like(r), None, density)
    q = np.array([0.3, 1.0, 3.0])
    exact = 1 - density * np.pi**1.5 * np.exp(-(q**2) / 4)
    curve = structure_factor_from_rdf(rdf, q, window=False)
    np.testing.assert_allclose(curve.y, exact, atol=1e-6)
    np.testing.assert_allclose(structure_factor_from_rdf(rdf, q).y, exact, atol=5e-3)


def test_bad_input() -> None:
    x = np.zeros((2, 3, 3))
    for positions, cell, options, says in (
        (x[0], CELL, {}, "positions of shape"),
        (x, np.zeros((3, 3)), {}, "no volume"),
        (x, CELL, {"q_max": 0.01}, "no wave vector"),
        (x, CELL, {"q_max": -1.0}, "must be positive"),
        (x, CELL, {"q_max": 200.0}, "too many"),
        (x, CELL, {"weights": [0, 0, 0]}, "not all zero"),
    ):
        with pytest.raises(InputError, match=says):
            structure_factor(positions, cell, **options)
    rdf = Rdf(np.ones(2), np.ones(2), None, np.ones(2), None, 1.0)
    with pytest.raises(InputError, match="must be positive"):
        structure_factor_from_rdf(rdf, [0.0])
