"""Molecules in vacuum: what they are made of, how far apart, how different."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.chemistry import census, conformer, find_species
from elyte.core import Frame, InputError
from elyte.sampling.clusters import (
    attach,
    conformers,
    dimers,
    donors,
    isolated_atoms,
    neutral_cluster,
    pair,
    vacuum_conformers,
)


def gap(frame: Frame, first: int = 0, second: int = 1) -> float:
    """Return the smallest distance between two molecules."""
    a = frame.positions[frame.molecules == first]
    b = frame.positions[frame.molecules == second]
    return float(np.linalg.norm(a[:, None] - b[None], axis=2).min())


def test_isolated_atoms_are_all_elements_once() -> None:
    atoms = isolated_atoms(["Li+", "PF6-", "EC", "DMC"])
    assert sorted(int(a.numbers[0]) for a in atoms) == [1, 3, 6, 8, 9, 15]
    assert not any(a.pbc.any() for a in atoms)


def test_conformers_differ_and_rigid_molecules_have_one() -> None:
    several = conformers("DME", 4)
    assert len(several) == 4
    ends = [float(np.linalg.norm(f.positions[0] - f.positions[5])) for f in several]
    assert np.ptp(ends) > 0.3
    assert len(conformers("PF6-", 4)) == 1
    with pytest.raises(InputError, match="0 conformers"):
        conformers("DME", 0)


@pytest.mark.parametrize("distance", [1.8, 2.5, 5.0])
def test_pairs_stand_at_their_distance(distance: float) -> None:
    for seed in range(4):
        frame = pair("Li+", "TFSI-", distance, seed)
        assert gap(frame) == pytest.approx(distance, abs=0.06)
        assert census(frame) == {"C2F6NO4S2": 1, "Li": 1}
        lithium, rest = frame.positions[0], frame.positions[1:]
        nearest = int(np.linalg.norm(rest - lithium, axis=1).argmin())
        assert nearest in donors("TFSI-")  # an oxygen, not the fluorine of CF3


def test_attaching_turns_rigidly() -> None:
    rng = np.random.default_rng(0)
    base, piece = conformer("EC"), conformer("DMC")
    joined = attach(base, piece, 0, 3, 2.4, rng)
    assert np.array_equal(joined.positions[:10], base.positions)
    new = joined.positions[10:]
    before = np.linalg.norm(piece.positions[:, None] - piece.positions[None], axis=2)
    assert np.linalg.norm(new[:, None] - new[None], axis=2) == pytest.approx(before)
    # a rotation, not a reflection: the signed volume of four atoms is kept
    corner = [0, 2, 5, 8]
    volumes = [np.linalg.det(p[corner[1:]] - p[corner[0]]) for p in (piece.positions, new)]
    assert volumes[0] == pytest.approx(volumes[1])


def test_neutral_clusters() -> None:
    frame = neutral_cluster({"Mg2+": 1, "TFSI-": 2}, seed=3)
    assert len(np.unique(frame.molecules)) == 3
    assert gap(frame, 0, 1) == pytest.approx(2.0, abs=0.06)
    assert gap(frame, 0, 2) == pytest.approx(2.0, abs=0.06)
    with pytest.raises(InputError, match=r"charge of \+1 e"):
        neutral_cluster({"Li+": 1})


def test_vacuum_frames_are_neutral_as_many_as_asked_and_repeatable() -> None:
    species = ["Li+", "PF6-", "EC", "EMC"]
    for make in (vacuum_conformers, dimers):
        frames = make(species, 11, 5)
        assert len(frames) == 11
        again = make(species, 11, 5)
        other = make(species, 11, 6)
        assert all(
            np.array_equal(a.positions, b.positions) for a, b in zip(frames, again, strict=True)
        )
        assert not all(
            np.array_equal(a.positions, b.positions) for a, b in zip(frames, other, strict=True)
        )
        allowed = {"C3H4O3": 0, "C4H8O3": 0, "Li": 1, "F6P": -1}
        for frame in frames:
            assert sum(allowed[m] * n for m, n in census(frame).items()) == 0


def test_dimers_cover_the_distances() -> None:
    gaps = [gap(f) for f in dimers(["EC"], 6)]
    assert gaps[0] == pytest.approx(1.7, abs=0.06)
    assert gaps[-1] == pytest.approx(6.0, abs=0.06)
    assert gaps == sorted(gaps)
    with pytest.raises(InputError, match="no neutral units"):
        dimers(["Li+"], 3)


def test_charged_species_are_never_alone() -> None:
    frames = vacuum_conformers(["EMIM+", "BF4-"], 3)
    assert all(len(np.unique(f.molecules)) == 2 for f in frames)
    assert find_species("EMIM+").charge + find_species("BF4-").charge == 0
