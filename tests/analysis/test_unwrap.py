"""Walks through boxes that breathe, and molecules that the box cuts."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.recording import unfolded
from elyte.analysis.unwrap import Walk, unwrap
from elyte.analysis.whole import MoleculeTree
from elyte.core.errors import InputError
from elyte.testing.synthetic import barostatted_walk, ornstein_uhlenbeck_in_box

TRICLINIC = np.array([[9.0, 0, 0], [2.0, 8, 0], [-1.0, 1.5, 10]])


def test_ornstein_uhlenbeck_in_a_triclinic_box_comes_home() -> None:
    walk, wrapped = ornstein_uhlenbeck_in_box(np.random.default_rng(0), 4000, 20, TRICLINIC, 200.0)
    found = unwrap(wrapped, TRICLINIC)
    np.testing.assert_allclose(found - found[0], walk - walk[0], atol=1e-9)
    assert np.abs(walk - walk[0]).max() > 12  # it did leave the box


@pytest.mark.parametrize("given", ["wrapped", "by lattice vectors"])
def test_a_barostatted_walk_diffuses_as_it_should(given: str) -> None:
    """⟨Δr²⟩ = 6Dt although the box breathes by 3 %; lattice vectors alone add to it."""
    rng = np.random.default_rng(1)
    wrapped, unfolded_walk, cells = barostatted_walk(rng, 3000, 200, 12.0, 0.04, 0.03)
    walk = Walk(continuous=given != "wrapped")
    positions = wrapped if given == "wrapped" else unfolded_walk
    found = np.concatenate(
        [walk.go_on(positions[k : k + 700], cells[k : k + 700]) for k in range(0, 3000, 700)]
    )
    expected = 3 * 0.04 * 20
    assert displacement(found) == pytest.approx(expected, rel=0.03)
    assert displacement(unfolded_walk) > 1.1 * expected


def displacement(walk: np.ndarray) -> float:
    """⟨Δr²⟩ over 20 frames, of particles that have left home long ago."""
    moved = walk[2020:] - walk[2000:-20]
    moved = moved - moved.mean(axis=1, keepdims=True)
    return float(np.mean(np.sum(moved**2, axis=2)))


def test_both_ways_to_unwrap_agree_in_a_box_that_breathes() -> None:
    wrapped, by_lattice, cells = barostatted_walk(
        np.random.default_rng(2), 600, 30, 12.0, 0.3, 0.02
    )
    steady = Walk(continuous=True).go_on(by_lattice, cells)
    nearest = Walk().go_on(wrapped, cells)
    # They differ by where in the box a particle counts as being, much less than it moves.
    apart = (steady - steady[0]) - (nearest - nearest[0])
    assert np.mean(apart[-1] ** 2) < 0.01 * np.mean((steady[-1] - steady[0]) ** 2)
    in_box = unfolded(wrapped, cells, None)
    np.testing.assert_allclose(in_box - in_box[0], by_lattice - by_lattice[0], atol=1e-8)


def test_blocks_give_what_the_whole_gives() -> None:
    wrapped, _, cells = barostatted_walk(np.random.default_rng(3), 100, 10, 12.0, 0.2, 0.01)
    walk = Walk()
    parts = [walk.go_on(wrapped[k : k + 7], cells[k : k + 7]) for k in range(0, 100, 7)]
    np.testing.assert_allclose(np.concatenate(parts), unwrap(wrapped, cells), atol=1e-10)


def test_a_particle_that_moved_too_far_is_noticed() -> None:
    far = np.random.default_rng(4).random((5, 50, 3)) * 10
    walk = Walk()
    for frame in far:
        walk.go_on(frame[None], 10 * np.eye(3)[None])
    assert walk.lost == 1
    with pytest.raises(InputError, match="frame 1: many particles"):
        unwrap(far, np.eye(3) * 10)


def test_molecules_cut_by_the_box_are_whole_again() -> None:
    """A chain longer than half the box, in a box that breathes; bonds come out of any order."""
    rng = np.random.default_rng(5)
    steps = rng.normal(size=(30, 12, 3))
    chain = np.cumsum(steps / np.linalg.norm(steps, axis=2, keepdims=True), axis=1)
    shuffled = rng.permutation(12)
    cells = (1 + 0.02 * rng.normal(size=(30, 1, 1))) * TRICLINIC
    cut = np.empty_like(chain)
    cut[:, shuffled] = chain
    fractional = cut @ np.linalg.inv(cells)
    cut = (fractional - np.floor(fractional)) @ cells
    bonds = np.stack([shuffled[:-1], shuffled[1:]], axis=1)
    tree = MoleculeTree.from_bonds(np.zeros(12), bonds)
    whole = tree.whole(cut, cells)[:, shuffled]
    np.testing.assert_allclose(np.diff(whole, axis=1), np.diff(chain, axis=1), atol=1e-9)
    np.testing.assert_array_equal(whole[:, np.argsort(shuffled)][:, 0], cut[:, 0])


def test_atoms_without_bonds_hang_on_their_molecule() -> None:
    tree = MoleculeTree.from_bonds([0, 0, 1, 0], [[0, 2]])  # a bond between molecules is none
    placed = {int(a): int(p) for atoms, parents in tree.levels
              for a, p in zip(atoms, parents, strict=True)}  # fmt: skip
    assert placed == {1: 0, 3: 0}
