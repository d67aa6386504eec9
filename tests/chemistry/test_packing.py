"""Packed boxes: no overlaps, right counts and density, whole molecules, repeatable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elyte.chemistry import (
    conformer,
    find_species,
    pack_box,
    packing,
    scaled_and_rattled,
    template_bonds,
)
from elyte.chemistry.bonds import near_pairs
from elyte.core import Frame, InputError
from elyte.core.units import DENSITY_TO_G_PER_CM3

COUNTS = {"Li+": 1, "PF6-": 1, "EC": 8}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("density", [0.9, 1.35])
def test_no_overlaps_across_the_boundary(seed: int, density: float) -> None:
    frame = pack_box(COUNTS, density, seed=seed)
    pairs, distances = near_pairs(frame, 2.5)
    between = frame.molecules[pairs[:, 0]] != frame.molecules[pairs[:, 1]]
    assert distances[between].min() > 1.95  # tolerance 2.0, met to a hundredth


def test_counts_order_density_and_molecules() -> None:
    frame = pack_box(COUNTS, 1.2, seed=3)
    assert len(frame) == 88
    assert frame.molecules.tolist() == [0] + [1] * 7 + [m for m in range(2, 10) for _ in range(10)]
    assert frame.masses.sum() / frame.volume * DENSITY_TO_G_PER_CM3 == pytest.approx(1.2)
    np.testing.assert_allclose(frame.cell, frame.cell[0, 0] * np.eye(3))
    assert frame.pbc.all()


def test_molecules_are_whole_and_rigid() -> None:
    frame = pack_box({"TFSI-": 4, "Li+": 4}, 1.2, seed=1)
    bonds = template_bonds({"TFSI-": 4, "Li+": 4})
    lengths = np.linalg.norm(frame.positions[bonds[:, 0]] - frame.positions[bonds[:, 1]], axis=1)
    assert 1.2 < lengths.min() <= lengths.max() < 1.9
    pool = [conformer("TFSI-", seed).positions for seed in range(64)]
    shape = _distances(frame.positions[:15])
    assert min(np.abs(_distances(p) - shape).max() for p in pool) < 1e-6


def _distances(positions: np.ndarray) -> np.ndarray:
    return np.linalg.norm(positions[:, None] - positions[None], axis=-1)


def test_a_seed_repeats_and_another_differs() -> None:
    first, again = pack_box(COUNTS, 1.1, seed=4), pack_box(COUNTS, 1.1, seed=4)
    np.testing.assert_array_equal(first.positions, again.positions)
    assert np.abs(first.positions - pack_box(COUNTS, 1.1, seed=5).positions).max() > 1.0


def test_a_molecule_by_smiles() -> None:
    name = "smiles:CCO"
    frame = pack_box({name: 6}, 0.75, seed=0)
    assert len(frame) == 54
    assert find_species(name).formula == "C2H6O"


@pytest.mark.parametrize(
    ("counts", "density", "message"),
    [({}, 1.0, "nothing to pack"), ({"EC": -1}, 1.0, "nothing"), ({"EC": 2}, 0.0, "cannot be"),
     ({"EC": 12}, 9.0, "begin at a lower density")],
)  # fmt: skip
def test_what_cannot_be_packed(counts: dict[str, int], density: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pack_box(counts, density, seed=0, time_limit=0.5)


def test_a_packmol_that_breaks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "packmol"
    broken.write_text("#!/bin/sh\necho 'no such instruction' >&2\nexit 126\n")
    broken.chmod(0o755)
    monkeypatch.setattr(packing, "packmol_program", lambda: str(broken))
    with pytest.raises(InputError, match="no such instruction"):
        pack_box({"EC": 2}, 1.0)


def test_scaling_moves_molecules_as_rigid_bodies() -> None:
    frame = pack_box(COUNTS, 1.2, seed=2)
    scaled = scaled_and_rattled(frame, 1.1, 0.0)
    np.testing.assert_allclose(scaled.cell, 1.1 * frame.cell)
    for molecule in range(10):
        atoms = frame.molecules == molecule
        weights = frame.masses[atoms]
        before, after = frame.positions[atoms], scaled.positions[atoms]
        np.testing.assert_allclose(_distances(after), _distances(before), atol=1e-12)
        np.testing.assert_allclose(weights @ after, 1.1 * (weights @ before), atol=1e-9)


def test_rattling_has_the_stated_width_and_repeats() -> None:
    frame = pack_box({"EC": 40}, 1.0, seed=2)
    rattled = scaled_and_rattled(frame, 1.0, 0.05, seed=9)
    moves = rattled.positions - frame.positions
    assert moves.std() == pytest.approx(0.05, rel=0.06)
    assert abs(moves.mean()) < 0.005
    again = scaled_and_rattled(frame, 1.0, 0.05, seed=9)
    np.testing.assert_array_equal(rattled.positions, again.positions)
    with pytest.raises(InputError, match="must be positive"):
        scaled_and_rattled(frame, 0.0, 0.05)


def test_without_molecule_ids_each_atom_scales() -> None:
    crystal = Frame(np.array([11, 17]), np.array([[0, 0, 0], [2.8, 0, 0]]), 5.6 * np.eye(3), True)
    np.testing.assert_allclose(scaled_and_rattled(crystal, 1.02, 0.0).positions[1, 0], 2.856)
