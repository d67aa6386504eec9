"""Boxes that begin as CIP, SSIP or AGG really are such."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.chemistry import census, pack_box, template_bonds
from elyte.core import Frame, InputError
from elyte.sampling.rigid import density_of
from elyte.sampling.solvation import ion_pair_box, possible_states

COUNTS = {"Li+": 2, "PF6-": 2, "EC": 5}


def distances(frame: Frame) -> np.ndarray:
    """Return the smallest minimum-image distance between any two molecules, (m, m)."""
    vectors = frame.positions[:, None] - frame.positions[None]
    edge = frame.cell[0, 0]
    vectors -= edge * np.round(vectors / edge)
    r = np.linalg.norm(vectors, axis=2)
    m = int(frame.molecules.max()) + 1
    return np.array(
        [
            [r[np.ix_(frame.molecules == a, frame.molecules == b)].min() for b in range(m)]
            for a in range(m)
        ]
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("state", ["CIP", "SSIP", "AGG"])
def test_the_state_is_there(state: str, seed: int) -> None:
    frame = ion_pair_box(COUNTS, 1.1, state, seed)
    assert density_of(frame) == pytest.approx(1.1, abs=1e-6)
    assert census(frame, template_bonds(COUNTS)) == {"C3H4O3": 5, "F6P": 2, "Li": 2}
    assert np.array_equal(frame.numbers, pack_box(COUNTS, 1.1, seed=seed).numbers)
    near = distances(frame) < 2.2
    cations, anions, solvents = range(2), range(2, 4), range(4, 9)
    if state == "CIP":
        assert any(near[c, a] for c in cations for a in anions)
    if state == "SSIP":
        touching = distances(frame) < 2.5
        assert any(near[c, s] and touching[s, a] for c in cations for s in solvents for a in anions)
    if state == "AGG":
        shared = near[:2, 2:4].sum(axis=0).max() == 2 or near[:2, 2:4].sum(axis=1).max() == 2
        assert shared


def test_what_is_possible_depends_on_the_composition() -> None:
    assert possible_states({"EC": 3}) == []
    assert possible_states({"Li+": 1, "PF6-": 1}) == ["CIP"]
    assert possible_states({"Li+": 1, "PF6-": 1, "EC": 3}) == ["CIP", "SSIP"]
    assert possible_states({"EMIM+": 3, "BF4-": 3}) == ["CIP", "AGG"]
    with pytest.raises(InputError, match="can form CIP, not SSIP"):
        ion_pair_box({"Li+": 1, "PF6-": 1}, 1.0, "SSIP")


def test_seeds_decide() -> None:
    first, again, other = (ion_pair_box(COUNTS, 1.1, "CIP", s) for s in (1, 1, 2))
    assert np.array_equal(first.positions, again.positions)
    assert not np.array_equal(first.positions, other.positions)
