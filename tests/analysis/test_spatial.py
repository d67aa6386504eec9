"""Spatial distributions: a known place, the ideal gas, and cube files that ASE reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.io.cube import read_cube
from scipy.spatial.transform import Rotation

from elyte.analysis.structure.spatial import local_axes, spatial_distribution, write_cube
from elyte.core.errors import InputError
from elyte.testing.synthetic import ideal_gas

CELL = 20.0 * np.eye(3)
WATER = np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])


def tumbling(rng: np.random.Generator, frames: int, place: np.ndarray) -> np.ndarray:
    """Water anywhere, turned at random, with one ion at a place of its own axes; wrapped."""
    local = np.vstack([WATER, place])
    turned = np.stack([Rotation.random(random_state=rng).apply(local) for _ in range(frames)])
    return (turned + 20 * rng.random((frames, 1, 3))) % 20.0


def test_a_known_place_and_a_cube_file(tmp_path: Path) -> None:
    x = tumbling(np.random.default_rng(1), 12, np.array([2.3, -1.3, 0.7]))
    found = spatial_distribution(x, [8, 1, 1, 3], [[0, 1, 2]], [0, 1, 2, 3], CELL, extent=3, bins=6)
    assert np.argwhere(found.g > 0).tolist() == [[5, 1, 3]]
    assert found.g.sum() == pytest.approx(20.0**3)
    np.testing.assert_allclose(found.positions, WATER, atol=1e-9)
    write_cube(tmp_path / "a.cube", found)
    with open(tmp_path / "a.cube", encoding="utf-8") as file:
        back = read_cube(file)
    np.testing.assert_allclose(back["data"], found.g, rtol=1e-4)
    np.testing.assert_allclose(back["origin"], -2.5, atol=1e-5)
    np.testing.assert_array_equal(back["atoms"].numbers, [8, 1, 1])
    np.testing.assert_allclose(back["atoms"].positions, WATER, atol=1e-5)


def test_errors_cover_the_ideal_gas() -> None:
    inside = []
    for rng in np.random.default_rng(2).spawn(20):
        x = np.concatenate(
            [tumbling(rng, 40, np.zeros(3))[:, :3], ideal_gas(rng, 40, 300, CELL)], axis=1
        )
        numbers = [8, 1, 1] + [3] * 300
        found = spatial_distribution(x, numbers, [[0, 1, 2]], np.arange(3, 303), CELL, bins=3)
        assert found.g_error is not None
        inside.append(np.abs(found.g - 1) <= found.g_error)
    assert 0.58 < np.mean(inside) < 0.73  # t with 7 degrees of freedom: 0.65


def test_withheld_errors_and_bad_input() -> None:
    x = tumbling(np.random.default_rng(3), 2, np.ones(3))
    numbers = [8, 1, 1, 3]
    found = spatial_distribution(x, numbers, [[0, 1, 2]], [3], CELL)
    assert found.g_error is None
    assert found.reason == "fewer than 3 frames"
    with pytest.raises(InputError, match="the box allows"):
        spatial_distribution(x, numbers, [[0, 1, 2]], [3], CELL, extent=6)
    with pytest.raises(InputError, match="and targets"):
        spatial_distribution(x, numbers, [[0, 1, 2]], [], CELL)
    with pytest.raises(InputError, match="not among 4"):
        spatial_distribution(x, numbers, [[0, 1, 9]], [3], CELL)
    with pytest.raises(InputError, match="on a line"):
        local_axes([1.0, 0, 0], [2.0, 0, 0])
