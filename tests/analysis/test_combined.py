"""g(r, φ): ideal gas, a naive histogram, a fixed geometry, coverage of the errors."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.structure.combined import angle_curve, combined_distribution
from elyte.core.errors import InputError
from elyte.testing.synthetic import brownian, ideal_gas

CELL = np.array([[12.0, 0, 0], [2, 13, 0], [-1, 2, 14]])


def test_equal_to_a_naive_histogram() -> None:
    rng = np.random.default_rng(1)
    a, b = ideal_gas(rng, 2, 5, CELL), ideal_gas(rng, 2, 8, CELL)
    axes = rng.normal(size=a.shape)
    found = combined_distribution(a, axes, b, CELL, 5.0, (4, 3))
    expected = np.zeros((4, 3))
    shifts = np.array([[i, j, k] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)])
    for t, i, j in np.ndindex(2, 5, 8):
        images = b[t, j] - a[t, i] + shifts @ CELL
        d = images[np.argmin(np.linalg.norm(images, axis=1))]
        r = np.linalg.norm(d)
        if r < 5:
            angle = np.degrees(np.arccos(d @ axes[t, i] / r / np.linalg.norm(axes[t, i])))
            expected[int(r / 1.25), int(angle / 60)] += 1
    edges, caps = np.linspace(0, 5, 5), np.array([0.5, 1.0, 0.5])
    space = 2 * np.pi * np.diff(edges**3)[:, None] / 3 * caps * 40 / np.linalg.det(CELL)
    np.testing.assert_allclose(found.g, expected / 2 / space)
    joint = expected / expected.sum()
    product = joint.sum(1)[:, None] * joint.sum(0)[None]
    np.testing.assert_allclose(found.correlation * 1.25 * 60, joint - product, atol=1e-12)
    assert found.g_error is None
    assert "fewer than 3" in found.reason


def test_errors_cover_the_ideal_gas() -> None:
    inside, zero = [], []
    for rng in np.random.default_rng(2).spawn(30):
        a, b = ideal_gas(rng, 40, 20, CELL), ideal_gas(rng, 40, 20, CELL)
        found = combined_distribution(a, rng.normal(size=a.shape), b, CELL, 5.0, (4, 4))
        assert found.g_error is not None
        assert found.correlation_error is not None
        inside.append(np.abs(found.g - 1)[1:] <= found.g_error[1:])
        zero.append(np.abs(found.correlation)[1:] <= found.correlation_error[1:])
    assert 0.6 < np.mean(inside) < 0.76
    assert 0.55 < np.mean(zero) < 0.76


def test_errors_hold_for_a_run_as_long_as_its_structure() -> None:
    """Walkers that keep their neighbours: other particles tell what time does not."""
    inside, cut = [], []
    for rng in np.random.default_rng(5).spawn(40):
        start = rng.random((2, 1, 16, 3)) @ CELL
        a, b = (s + brownian(rng, 50, 16, 0.3) for s in start)
        found = combined_distribution(a, rng.normal(size=a.shape), b, CELL, 5.0, (4, 4))
        assert found.g_error is not None
        inside.append(np.abs(found.g - 1)[2:] <= found.g_error[2:])
        curve = angle_curve(found, 0.0, 5.0)
        assert curve.y_error is not None
        cut.append(np.abs(curve.y - 1) <= curve.y_error)
    assert 0.58 < np.mean(inside) < 0.78
    assert 0.54 < np.mean(cut) < 0.8  # 0.35 from blocks of frames, 0.5 from bins as independent


def test_a_bond_that_points_and_its_cut() -> None:
    rng = np.random.default_rng(3)
    a = ideal_gas(rng, 20, 1, CELL)
    axes = rng.normal(size=a.shape)
    b = a + 2.1 * axes / np.linalg.norm(axes, axis=-1, keepdims=True)
    found = combined_distribution(a, axes, b, CELL, 4.0, (8, 6))
    assert np.argwhere(found.g > 0).tolist() == [[4, 0]]
    curve = angle_curve(found, 2.0, 2.5)
    assert np.flatnonzero(curve.y).tolist() == [0]
    own = np.array([0]), np.array([0])
    with pytest.raises(InputError, match="at least one pair"):
        combined_distribution(a, axes, b, CELL, 4.0, groups=own)
    with pytest.raises(InputError, match="no bin of r"):
        angle_curve(found, 5.0, 6.0)


def test_bad_input() -> None:
    x = np.zeros((3, 2, 3))
    for axes, r_max, says in (
        (x[:, :1], 3.0, "axes have shape"),
        (x, 3.0, "no length"),
        (x + 1, 9.0, "half the box"),
        (x + 1, 0.0, "half the box"),
    ):
        with pytest.raises(InputError, match=says):
            combined_distribution(x, axes, x, CELL, r_max)
