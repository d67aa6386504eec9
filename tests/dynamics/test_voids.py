"""Holes whose size is known."""

from __future__ import annotations

import numpy as np
import pytest
from dynamics_systems import argon
from hypothesis import given
from hypothesis import strategies as st

from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.dynamics import density_heterogeneity, largest_empty_sphere


def test_octahedral_hole_of_a_crystal() -> None:
    # fcc: the octahedral hole is half a lattice constant from its six neighbours.
    radius, centre = largest_empty_sphere(argon(rattle=0.0), radii={18: 1.0})
    assert radius == pytest.approx(5.5 / 2 - 1.0, abs=2e-3)
    in_cell = (centre / 5.5) % 1.0
    assert np.abs(np.sort(in_cell) - 0.5).min() < 0.01


@given(st.integers(0, 1000))
def test_same_as_a_fine_grid_in_a_triclinic_cell(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cell = np.array([[9.0, 0, 0], [3.0, 8.0, 0], [-2.0, 2.5, 8.5]])
    positions = rng.uniform(-2, 3, (12, 3)) @ cell  # unwrapped
    frame = Frame(rng.choice([1, 8], 12), positions, cell, True)
    radii = {1: 0.5, 8: 1.2}
    radius, centre = largest_empty_sphere(frame, radii=radii)
    images = np.array([[i, j, k] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)])
    wrapped = (positions @ np.linalg.inv(cell)) % 1.0
    all_atoms = ((wrapped[None] + images[:, None]) @ cell).reshape(-1, 3)
    sizes = np.tile([radii[int(z)] for z in frame.numbers], 27)

    def clearance(points: np.ndarray) -> np.ndarray:
        d = np.linalg.norm(points[:, None] - all_atoms[None], axis=2)
        return (d - sizes).min(axis=1)

    steps = np.arange(12) / 12
    grid = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3) @ cell
    best = clearance(grid).max()
    assert radius >= best - 1e-2
    inside = ((centre @ np.linalg.inv(cell)) % 1.0) @ cell
    assert clearance(inside[None])[0] == pytest.approx(radius, abs=1e-9)


def test_a_hole_across_the_boundary_is_found_whole() -> None:
    frame = argon(cells=4)
    inside = frame.positions @ np.linalg.inv(frame.cell)
    from_corner = (inside - np.round(inside)) @ frame.cell
    keep = np.linalg.norm(from_corner, axis=1) > 9.0
    hollow = Frame(frame.numbers[keep], frame.positions[keep], frame.cell, True)
    radius, centre = largest_empty_sphere(hollow, radii={18: 0.0})
    assert 8.8 < radius < 10.0
    wrapped = centre @ np.linalg.inv(frame.cell)
    assert np.abs(wrapped - np.round(wrapped)).max() < 0.1


def test_density_is_even_in_a_crystal_and_not_in_half_a_box() -> None:
    frame = argon(cells=4, rattle=0.0)
    shifted = frame.moved(frame.positions + 0.3)
    assert density_heterogeneity(shifted, 5.5) == pytest.approx(0.0, abs=1e-12)
    half = frame.moved(frame.positions * [0.5, 1, 1])
    assert density_heterogeneity(half, 5.5) == pytest.approx(1.0, abs=0.05)


def test_a_molecule_without_a_box_has_no_voids() -> None:
    with pytest.raises(InputError, match="periodic"):
        largest_empty_sphere(Frame([1, 1], np.eye(3)[:2]))
